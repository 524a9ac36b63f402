package org.objmapper.server.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** One call of the tool inside the test's JVM, and what came of it. */
record ToolCall(int exitCode, byte[] data, String talk) {
    static ToolCall of(String... words) {
        return with(new byte[0], Map.of(), words);
    }

    static ToolCall with(byte[] input, Map<String, String> environment, String... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream talk = new PrintStream(err, true, StandardCharsets.UTF_8);
        Console console = Console.of(new ByteArrayInputStream(input), out, talk, environment);
        int exitCode = ObjmapperCommand.run(List.of(words), console);
        return new ToolCall(exitCode, out.toByteArray(), err.toString(StandardCharsets.UTF_8));
    }

    String text() {
        return new String(data, StandardCharsets.UTF_8);
    }
}
