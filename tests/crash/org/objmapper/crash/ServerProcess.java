package org.objmapper.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** An objmapperd of the distribution, made to be killed. */
final class ServerProcess implements AutoCloseable {
    /** Files that recovery looks at in a second. */
    private static final int USUAL_RATE = 20_000;

    private static final int SLOW_RATE = 10;

    /** A second device, and copies that are too many soon. */
    private static final String MORE = """
            [[device]]
            directory = "%s"
            [memory]
            capacity = "2 MiB"
            [cache]
            directory = "%s"
            capacity = "6 MiB"
            """;

    private final Process process;
    private final Path socket;
    private final Path log;

    private ServerProcess(Process process, Path socket, Path log) {
        this.process = process;
        this.socket = socket;
        this.log = log;
    }

    /** Starts it, and does not wait for anything. */
    static ServerProcess launch(Path socket, Path data, Path log) throws IOException {
        return launch(socket, log, Map.of(), store(data, USUAL_RATE));
    }

    /** As {@link #launch}, with the second of the directories as another device, the third as a cache, and a memory tier. */
    static ServerProcess launchWithMore(Path socket, List<Path> directories, Path log) throws IOException {
        return launchWithMore(socket, directories, log, USUAL_RATE);
    }

    /** As {@link #launchWithMore}; to look through the files of some objects takes it seconds. */
    static ServerProcess launchToRecoverSlowly(Path socket, List<Path> directories, Path log) throws IOException {
        return launchWithMore(socket, directories, log, SLOW_RATE);
    }

    private static ServerProcess launchWithMore(Path socket, List<Path> directories, Path log, int recoveryRate)
            throws IOException {
        String more = MORE.formatted(directories.get(1), directories.get(2));
        return launch(socket, log, Map.of(), store(directories.get(0), recoveryRate) + more);
    }

    /** As {@link #launch}, with recorder.c in it. */
    static ServerProcess launchRecorded(Path socket, Path data, Path log, Path record) throws IOException {
        String preset = System.getProperty("objmapper.preset", "dev");
        Path recorder = Path.of(System.getProperty("objmapper.root"))
                .resolve("native/target/cmake/" + preset + "/crash/librecorder.so");
        assertThat(recorder).exists();
        Map<String, String> environment = Map.of(
                "LD_PRELOAD", recorder.toString(),
                "RECORDER_ROOT", data.toString(),
                "RECORDER_LOG", record.toString());
        return launch(socket, log, environment, store(data, USUAL_RATE));
    }

    /** A store that is soon full, so that it evicts all the time, and that a scrub takes its time with. */
    private static String store(Path data, int recoveryRate) {
        return """
                [store]
                directory = "%s"
                capacity = "20 MiB"
                recovery_rate = %d
                scrub_rate = "2 MiB"
                """.formatted(data, recoveryRate);
    }

    private static ServerProcess launch(Path socket, Path log, Map<String, String> environment, String store)
            throws IOException {
        String program = Path.of(System.getProperty("objmapper.dist"), "bin", "objmapperd")
                .toString();
        ProcessBuilder builder = new ProcessBuilder(
                program, "serve", "--config", configuration(log, store), "--socket", socket.toString());
        builder.environment().putAll(environment);
        Process process = builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        return new ServerProcess(process, socket, log);
    }

    /** Files of this user are taken. */
    private static String configuration(Path log, String store) throws IOException {
        String text = store + "[server]\npassed_descriptor_uids = [" + Files.getAttribute(log.getParent(), "unix:uid")
                + "]\n";
        return Files.writeString(log.resolveSibling("objmapperd.toml"), text).toString();
    }

    void awaitReady() throws IOException {
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        assertThat(out.readLine()).as("the ready line; " + log()).isEqualTo("objmapperd ready on " + socket);
    }

    /** Lets so much time go by, in which it must not end by itself. */
    void expectToLive(long millis) throws InterruptedException, IOException {
        boolean ended = process.waitFor(millis, TimeUnit.MILLISECONDS);
        assertThat(ended).as("whether it ended by itself; " + log()).isFalse();
    }

    /** SIGKILL; returns when it is gone. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** SIGTERM; returns the exit code. */
    int stop() throws InterruptedException {
        process.destroy();
        return process.waitFor();
    }

    /** Where its open descriptors lead. */
    List<String> descriptors() throws IOException {
        List<String> targets = new ArrayList<>();
        try (Stream<Path> open = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
            for (Path descriptor : (Iterable<Path>) open::iterator) {
                targets.add(Files.readSymbolicLink(descriptor).toString());
            }
        }
        return targets;
    }

    private String log() throws IOException {
        return Files.readString(log);
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }
}
