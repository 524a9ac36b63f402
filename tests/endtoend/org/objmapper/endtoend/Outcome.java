package org.objmapper.endtoend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** What a program said, and how it ended. */
record Outcome(int exitCode, String out, String err) {
    /** Runs a program in a directory to its end; what it says passes through the files out and err there. */
    static Outcome of(Path directory, Map<String, String> environment, String... command)
            throws IOException, InterruptedException {
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().putAll(environment);
        int exitCode = builder.start().waitFor();
        // Java itself says so when it is given options by the environment.
        String talk = Files.readString(err).replaceAll("NOTE: Picked up .*\n", "");
        return new Outcome(exitCode, Files.readString(out), talk);
    }
}
