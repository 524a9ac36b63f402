package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.objmapper.server.JavaCommand;
import org.objmapper.server.cli.ObjmapperdCommand;

/** A process of objmapperd. What it logs is in the file {@code log}; SIGKILL ends it when it is closed. */
final class ServerProcess implements AutoCloseable {
    private final Process process;
    private final BufferedReader out;
    private final Path log;

    private ServerProcess(Process process, Path log) {
        this.process = process;
        this.out = process.inputReader(StandardCharsets.UTF_8);
        this.log = log;
    }

    /**
     * Starts it, however that ends.
     *
     * @param by a program and its arguments that runs it, such as prlimit; may be empty
     */
    static ServerProcess run(Path log, List<String> by, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(by);
        command.addAll(JavaCommand.of(ObjmapperdCommand.class, arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
        builder.environment().keySet().removeIf(name -> name.endsWith("JAVA_OPTIONS") || name.startsWith("JAVA_TOOL"));
        return new ServerProcess(builder.start(), log);
    }

    /** Starts it and waits until it is ready. */
    static ServerProcess serve(Path directory, List<String> by, String... more) throws IOException {
        Path socket = directory.resolve("s");
        List<String> arguments = new ArrayList<>(List.of("serve", "--socket", socket.toString()));
        arguments.addAll(List.of(
                "--data", Files.createDirectories(directory.resolve("data")).toString()));
        arguments.addAll(List.of(more));
        ServerProcess server = run(directory.resolve("log"), by, arguments.toArray(new String[0]));
        server.awaitReady(socket.toString());
        return server;
    }

    /** Waits for the line that says so. */
    void awaitReady(String socket) throws IOException {
        assertThat(out.readLine()).as(this::log).isEqualTo("objmapperd ready on " + socket);
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** What else it said on its standard output, to its end. */
    String output() throws IOException {
        try (Stream<String> lines = out.lines()) {
            return String.join("\n", lines.toList());
        }
    }

    long descriptorCount() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
            return all.count();
        }
    }

    long pid() {
        return process.pid();
    }

    /** SIGTERM. */
    void terminate() {
        process.destroy();
    }

    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    int awaitExit() throws InterruptedException {
        return process.waitFor();
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }
}
