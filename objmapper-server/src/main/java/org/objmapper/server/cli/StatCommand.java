package org.objmapper.server.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.objmapper.protocol.Operation;

/** Shows the server's figures. */
final class StatCommand implements ToolCommand {
    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "stat",
                "Show the server's figures.",
                List.of("A figure each line: name, space, number."),
                List.of(),
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            session.request(Operation.STAT);
            session.call("");
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            new Download(session, "the figures").transferTo(chunk -> body.writeBytes(bytes(chunk)));
            String text = body.toString(StandardCharsets.UTF_8);
            if (!arguments.has(OptionDefinition.JSON)) {
                console.out().write(body.toByteArray());
                return ExitCode.OK;
            }
            Map<String, Object> figures = new LinkedHashMap<>();
            for (String line : text.lines().toList()) {
                int space = line.indexOf(' ');
                figures.put(line.substring(0, space), Long.parseLong(line.substring(space + 1)));
            }
            console.line(Json.of(figures));
            return ExitCode.OK;
        }
    }

    private static byte[] bytes(java.nio.ByteBuffer chunk) {
        byte[] bytes = new byte[chunk.remaining()];
        chunk.get(bytes);
        return bytes;
    }
}
