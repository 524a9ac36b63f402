package org.objmapper.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
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
    private final Map<String, Path> sockets = new HashMap<>();
    private final Set<String> stored = new HashSet<>();
    private final Deque<AutoCloseable> running = new ArrayDeque<>();

    /** @param directory where servers keep their data; empty, and on a disk, not in memory */
    Lab(Path distribution, Path directory, Scale scale) {
        this.distribution = distribution;
        this.directory = directory;
        this.scale = scale;
    }

    Scale scale() {
        return scale;
    }

    /** The socket of an objmapperd that has an object of a size under {@link #key}. */
    Path server(long size) throws Exception {
        Path socket = sockets.get("server");
        if (socket == null) {
            ObjmapperServer server =
                    ObjmapperServer.start(distribution, Files.createDirectory(directory.resolve("server")));
            running.push(server);
            socket = server.socket();
            sockets.put("server", socket);
        }
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
    Path floor(String way, long size) throws IOException {
        String name = "floor-" + way + "-" + size;
        Path socket = sockets.get(name);
        if (socket == null) {
            socket = directory.resolve(name);
            running.push(Floor.start(
                    program("floor_server"), socket.toString(), file(size).toString(), way));
            sockets.put(name, socket);
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

    /** Runs a program of tests/bench, with the options for warming up and printing times before the others. */
    Sample load(String name, List<String> options, Object... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(program(name), "-t", "-w", Double.toString(scale.warmUpSeconds())));
        command.addAll(options);
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

    private String program(String name) {
        return distribution.resolve("libexec/objmapper").resolve(name).toString();
    }

    @Override
    public void close() throws Exception {
        while (!running.isEmpty()) {
            running.pop().close();
        }
    }
}
