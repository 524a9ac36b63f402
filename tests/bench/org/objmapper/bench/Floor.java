package org.objmapper.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** A server that does the system calls and nothing else; it ends with this process too. */
record Floor(Process process) implements AutoCloseable {
    /** Starts it; returns when it listens. */
    static Floor start(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String line = process.inputReader(StandardCharsets.UTF_8).readLine();
        if (!"ready".equals(line)) {
            process.destroyForcibly();
            throw new IOException(String.join(" ", command) + ": " + line);
        }
        return new Floor(process);
    }

    @Override
    public void close() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }
}
