package org.objmapper.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.objmapper.client.Body;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;

/** What is measured and what measures it: servers, which are started when they are first asked for, and load programs. */
final class Lab implements AutoCloseable {
    private final Path distribution;
    private final Path directory;
    private final Scale scale;
    private final Map<String, AutoCloseable> running = new LinkedHashMap<>();
    private final Set<String> stored = new HashSet<>();

    /** @param directory where servers keep their data; empty, and on a disk, not in memory */
    Lab(Path distribution, Path directory, Scale scale) {
        this.distribution = distribution;
        this.directory = directory;
        this.scale = scale;
    }

    Scale scale() {
        return scale;
    }

    /** How something is begun that goes on until the end. */
    interface Begin<T extends AutoCloseable> {
        T begin() throws Exception;
    }

    /** What goes on under a name; begins it when it is asked for first. */
    <T extends AutoCloseable> T once(Class<T> type, String name, Begin<T> begin) throws Exception {
        AutoCloseable known = running.get(name);
        if (known == null) {
            known = begin.begin();
            running.put(name, known);
        }
        return type.cast(known);
    }

    /** An objmapperd that runs until the end. */
    ObjmapperServer server(Setup setup) throws Exception {
        return once(ObjmapperServer.class, setup.name(), () -> start(setup, newDirectory(setup.name())));
    }

    /** An objmapperd that the caller closes. */
    ObjmapperServer start(Setup setup, Path data) throws IOException {
        return start(setup, setup.toml, data);
    }

    /** As {@link #start(Setup, Path)}, with another configuration. */
    ObjmapperServer start(Setup setup, String configuration, Path data) throws IOException {
        Path file = data.resolve("objmapperd.toml");
        Files.writeString(file, configuration);
        return ObjmapperServer.start(distribution, data, setup.javaOptions, "--config", file.toString());
    }

    /** A directory that may be there already. */
    Path directory(String name) throws IOException {
        return Files.createDirectories(directory.resolve(name));
    }

    Path newDirectory(String name) throws IOException {
        return Files.createDirectory(directory.resolve(name));
    }

    /** The socket of an objmapperd that has an object of a size under {@link #key}. */
    Path socket(Setup setup, long size) throws Exception {
        return storing(server(setup), size);
    }

    /** The socket of a server, which has that object from now on. */
    Path storing(ObjmapperServer server, long size) throws IOException {
        Path socket = server.socket();
        if (stored.add(socket + key(size))) {
            try (ObjmapperClient client = ObjmapperClient.builder(socket).build()) {
                client.put(Key.of(key(size)), Body.of(file(size)));
            }
        }
        return socket;
    }

    static String key(long size) {
        return "https://bench.example/" + size;
    }

    /** The socket of a floor server that hands out a file of a size; {@code way} is fd, copy or sendfile. */
    Path floor(String way, long size) throws Exception {
        Path socket = directory.resolve("floor-" + way + "-" + size);
        once(
                Daemon.class,
                socket.toString(),
                () -> Daemon.startReady(
                        program("floor_server"), socket.toString(), file(size).toString(), way));
        return socket;
    }

    /** The socket of an nginx, with a worker for each processor, that sends the files of {@link #file} by sendfile. */
    Path nginx() throws Exception {
        Path home = directory("nginx");
        Path socket = home.resolve("socket");
        once(Daemon.class, "nginx", () -> Rivals.nginx(home, directory, socket));
        return socket;
    }

    /** The socket of a Redis that has the bytes of {@link #file} under {@link #key}. */
    Path redis(long size) throws Exception {
        Path socket = directory("redis").resolve("socket");
        once(Daemon.class, "redis", () -> Rivals.redis(socket));
        if (stored.add(socket + key(size))) {
            Rivals.store(socket, key(size), Files.readAllBytes(file(size)));
        }
        return socket;
    }

    /** A file of random bytes. */
    Path file(long size) throws IOException {
        Path file = directory.resolve("body-" + size);
        if (!Files.exists(file)) {
            byte[] bytes = new byte[Math.toIntExact(size)];
            new Random(size).nextBytes(bytes);
            Files.write(file, bytes);
        }
        return file;
    }

    /** Runs a load program of tests/bench; load.h says how such a one is called. */
    Sample load(String name, Object... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(program(name), "-t", "-w", Double.toString(scale.warmUpSeconds())));
        return run(command, arguments);
    }

    Sample openLoop(Object... arguments) throws IOException, InterruptedException {
        return run(new ArrayList<>(List.of(program("open_loop_client"))), arguments);
    }

    /** Runs {@link JavaClient} in a JVM of its own, which warms up for longer. */
    Sample javaLoad(Object... arguments) throws IOException, InterruptedException {
        return run(JavaClient.command(12 * scale.warmUpSeconds()), arguments);
    }

    private static Sample run(List<String> command, Object... arguments) throws IOException, InterruptedException {
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IOException(String.join(" ", command) + ": " + output.strip());
            }
            return Sample.parse(output);
        } finally {
            process.destroyForcibly();
        }
    }

    String program(String name) {
        return distribution.resolve("libexec/objmapper").resolve(name).toString();
    }

    /** Ends what goes on, the last first. */
    @Override
    public void close() throws Exception {
        List<AutoCloseable> all = new ArrayList<>(running.values());
        Collections.reverse(all);
        for (AutoCloseable each : all) {
            each.close();
        }
    }
}
