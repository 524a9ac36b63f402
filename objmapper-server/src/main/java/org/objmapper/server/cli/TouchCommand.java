package org.objmapper.server.cli;

import java.io.IOException;
import java.util.List;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;

/** Changes an object's time to live and metadata. */
final class TouchCommand implements ToolCommand {
    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "touch",
                "Change an object's time to live or metadata; its body stays.",
                List.of("What is given replaces what the object has of it; --tag replaces all its tags. --variant says"
                        + " which of several objects under the key is meant."),
                List.of(ParameterDefinition.one("KEY", "The object's key.")),
                OptionDefinition.TTL,
                OptionDefinition.GRACE,
                OptionDefinition.TAG,
                OptionDefinition.CONTENT_TYPE,
                OptionDefinition.CONTENT_ENCODING,
                OptionDefinition.ETAG,
                OptionDefinition.VARIANT,
                OptionDefinition.EVICTABLE,
                OptionDefinition.DURABILITY,
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        Key key = Key.of(arguments, arguments.value(0));
        ObjectOptions options = ObjectOptions.of(arguments);
        if (options.isEmpty()) {
            throw arguments.usage("nothing to change; say what, for instance --ttl 1h");
        }
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            FrameWriter writer = session.request(Operation.TOUCH).bytes(MetadataType.KEY, key.bytes());
            options.writeParameters(writer);
            options.writeMetadata(writer, -1);
            session.call(key.shown());
            if (arguments.has(OptionDefinition.JSON)) {
                console.line(Json.of(MetadataText.of(session.metadata())));
            }
            return ExitCode.OK;
        }
    }
}
