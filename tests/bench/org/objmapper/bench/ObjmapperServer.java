package org.objmapper.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An objmapperd of the distribution, with its socket, data and log in one directory. */
final class ObjmapperServer implements AutoCloseable {
    private static final long KIB = 1_024;

    private final Path directory;
    private final Process process;
    /** When it was started, by System.nanoTime(). */
    final long startedNanos;

    private ObjmapperServer(Path directory, Process process, long startedNanos) {
        this.directory = directory;
        this.process = process;
        this.startedNanos = startedNanos;
    }

    /** Starts it from the distribution that was just built; returns when it is ready. */
    static ObjmapperServer start(Path directory) throws IOException {
        return start(Path.of(System.getProperty("objmapper.dist")), directory, "");
    }

    /** Starts it; returns when it is ready. */
    static ObjmapperServer start(Path distribution, Path directory, String javaOptions, String... options)
            throws IOException {
        Path data = Files.createDirectories(directory.resolve("data"));
        Path socket = socket(directory);
        String program = distribution.resolve("bin/objmapperd").toString();
        long started = System.nanoTime();
        List<String> command =
                new ArrayList<>(List.of(program, "serve", "--socket", socket.toString(), "--data", data.toString()));
        command.addAll(List.of(options));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("server.log").toFile()));
        if (!javaOptions.isEmpty()) {
            builder.environment().put("JDK_JAVA_OPTIONS", javaOptions);
        }
        Process process = builder.start();
        ObjmapperServer server = new ObjmapperServer(directory, process, started);
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        String line = out.readLine();
        if (line == null || !line.equals("objmapperd ready on " + socket)) {
            process.destroyForcibly();
            throw new IOException(
                    "no ready line but: " + line + "\n" + Files.readString(directory.resolve("server.log")));
        }
        return server;
    }

    static Path socket(Path directory) {
        return directory.resolve("socket");
    }

    Path socket() {
        return socket(directory);
    }

    /** Where it keeps its objects. */
    Path data() {
        return directory.resolve("data");
    }

    long pid() {
        return process.pid();
    }

    /** The memory that is its own, heap and all else, after a collection: not that of files. */
    long ownBytes() throws IOException, InterruptedException {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        new ProcessBuilder(jcmd, Long.toString(process.pid()), "GC.run")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        return status("RssAnon:");
    }

    /** The memory of files that it has mapped: the index's pages, for the most part. */
    long mappedBytes() throws IOException {
        return status("RssFile:");
    }

    private long status(String name) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
            if (line.startsWith(name)) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * KIB;
            }
        }
        throw new IOException("no " + name + " in the status of the process");
    }

    long indexBytes() throws IOException {
        return Files.size(directory.resolve("data/index/data.mdb"));
    }

    /** Ends it by SIGTERM, as an operator does. */
    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(10, TimeUnit.MINUTES)) {
            process.destroyForcibly().waitFor();
        }
    }
}
