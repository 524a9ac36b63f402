package org.objmapper.server.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;

/** Shows what is known about an object. */
final class HeadCommand implements ToolCommand {
    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "head",
                "Show an object's length and metadata.",
                List.of(
                        "A line each: name, colon, value. Metadata that this version does not know stands under its number, in hex."),
                List.of(ParameterDefinition.one("KEY", "The object's key.")),
                OptionDefinition.HEADER,
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        Key key = Key.of(arguments, arguments.value(0));
        HeaderPairs headers = new HeaderPairs(arguments, OptionDefinition.HEADER, MetadataType.REQUEST_HEADER);
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            headers.write(session.request(Operation.HEAD).bytes(MetadataType.KEY, key.bytes()));
            session.call(key.shown());
            Map<String, Object> facts = new LinkedHashMap<>();
            facts.put("key", key.text());
            facts.put("length", session.frame().objectLength());
            facts.putAll(MetadataText.of(session.metadata()));
            if (arguments.has(OptionDefinition.JSON)) {
                console.line(Json.of(facts));
                return ExitCode.OK;
            }
            boolean escape = console.outIsTerminal();
            for (Map.Entry<String, Object> fact : facts.entrySet()) {
                List<?> values = fact.getValue() instanceof List<?> list ? list : List.of(fact.getValue());
                for (Object value : values) {
                    String text = String.valueOf(value);
                    console.line(fact.getKey() + ": " + (escape ? Shown.escaped(text) : text));
                }
            }
            return ExitCode.OK;
        }
    }
}
