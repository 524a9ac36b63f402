package org.objmapper.endtoend;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A server process of the distribution. */
final class RunningServer implements AutoCloseable {
    final Path socket;

    private final Process process;
    private final Path log;

    private RunningServer(Path socket, Process process, Path log) {
        this.socket = socket;
        this.process = process;
        this.log = log;
    }

    /** Starts it with its socket, its {@code data} and its log in the directory, perhaps once more, and waits for its ready line. */
    static RunningServer in(Path directory, String... options) throws IOException {
        return in(directory, List.of(Distribution.program("objmapperd")), options);
    }

    /** As {@link #in(Path, String...)}, with another program, or by way of one. */
    static RunningServer in(Path directory, List<String> program, String... options) throws IOException {
        Path socket = directory.resolve("objmapper.sock");
        Path data = Files.createDirectories(directory.resolve("data"));
        Path log = directory.resolve("server.log");
        List<String> command = new ArrayList<>(program);
        command.addAll(List.of("serve", "--socket", socket.toString(), "--data", data.toString()));
        command.addAll(List.of(options));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        RunningServer server = new RunningServer(socket, process, log);
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        String line = out.readLine();
        if (line == null || !line.equals("objmapperd ready on " + socket)) {
            server.kill();
            throw new IOException("no ready line but: " + line + "\n" + Files.readString(log));
        }
        return server;
    }

    /** Open descriptors of the process. */
    long descriptorCount() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
            return descriptors.count();
        }
    }

    /** SIGKILL. */
    void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }

    /** SIGTERM; returns the exit code. */
    int stop() throws InterruptedException {
        process.destroy();
        return process.waitFor();
    }

    String log() throws IOException {
        return Files.readString(log);
    }

    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(1, TimeUnit.MINUTES)) {
            kill();
        }
    }
}
