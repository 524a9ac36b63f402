package org.objmapper.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** A program that runs beside a measurement until it is closed. */
record Daemon(Process process) implements AutoCloseable {
    /** Starts one that runs at once; what it says is lost. */
    static Daemon start(String... command) throws IOException {
        return new Daemon(new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start());
    }

    /** Starts one that says "ready" when it is; it ends with this process too. */
    static Daemon startReady(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String line = process.inputReader(StandardCharsets.UTF_8).readLine();
        if (!"ready".equals(line)) {
            process.destroyForcibly();
            throw new IOException(String.join(" ", command) + ": " + line);
        }
        return new Daemon(process);
    }

    /** By SIGTERM, as a program that has children of its own needs it. */
    @Override
    public void close() throws InterruptedException {
        process.destroy();
        process.waitFor();
    }
}
