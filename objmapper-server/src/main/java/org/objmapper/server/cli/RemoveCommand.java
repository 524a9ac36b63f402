package org.objmapper.server.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** Deletes objects. */
final class RemoveCommand implements ToolCommand {
    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "rm",
                "Delete objects.",
                List.of("Keys without an object are told, the others deleted all the same; the exit code is 1 then."),
                List.of(ParameterDefinition.some("KEY", "The keys of the objects.")),
                OptionDefinition.DURABILITY);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        List<Key> keys = new ArrayList<>();
        for (String text : arguments.values()) {
            keys.add(Key.of(arguments, text));
        }
        ObjectOptions options = ObjectOptions.of(arguments);
        int exitCode = ExitCode.OK;
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            for (Key key : keys) {
                options.writeParameters(session.request(Operation.DELETE).bytes(MetadataType.KEY, key.bytes()));
                session.exchange();
                if (session.status() == Status.NOT_FOUND) {
                    console.complain(
                            session.refusal(key.shown(), Status.NOT_FOUND).text());
                    exitCode = ExitCode.NOT_FOUND;
                } else {
                    session.expectOk(key.shown());
                }
            }
        }
        return exitCode;
    }
}
