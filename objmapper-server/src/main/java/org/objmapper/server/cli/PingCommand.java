package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.objmapper.protocol.Operation;

/** Asks whether a server answers. */
final class PingCommand implements ToolCommand {
    /** A probe wants to know soon. */
    private static final int TIMEOUT_MILLIS = 5_000;

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "ping",
                "Ask whether the server answers.",
                List.of(
                        "Prints where and how fast. The exit code is 3 when there is no server, and 6 when there is one that does"
                                + " not answer."),
                List.of(),
                OptionDefinition.JSON,
                OptionDefinition.timeout("5s"));
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        Path socket = SocketSearch.find(arguments.text(OptionDefinition.SOCKET), console.environment());
        try (ToolSession session = ToolSession.connect(socket, arguments.timeoutMillis(TIMEOUT_MILLIS))) {
            session.request(Operation.PING);
            session.call("");
            long start = System.nanoTime();
            session.request(Operation.PING);
            session.call("");
            long micros = (System.nanoTime() - start) / 1_000;
            if (arguments.has(OptionDefinition.JSON)) {
                Map<String, Object> facts = new LinkedHashMap<>();
                facts.put("socket", socket.toString());
                facts.put("server", session.serverName());
                facts.put("micros", micros);
                console.line(Json.of(facts));
            } else {
                console.line(session.serverName() + " answers on " + socket + " in " + micros + " µs");
            }
            return ExitCode.OK;
        }
    }
}
