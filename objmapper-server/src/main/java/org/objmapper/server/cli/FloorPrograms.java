package org.objmapper.server.cli;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Mode;

/** The programs floor_server and floor_client: the system calls of a server and a client, and nothing else. */
final class FloorPrograms {
    private static final Pattern FIGURES = Pattern.compile("ops/s=([0-9.]+) p50=([0-9.]+)us p99=([0-9.]+)us");

    private final Path directory;

    private FloorPrograms(Path directory) {
        this.directory = directory;
    }

    /** Those of the distribution that this class came from; null when it has none. */
    static @Nullable FloorPrograms find() {
        try {
            Path jar = Path.of(FloorPrograms.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            Path directory = jar.resolve("../../libexec/objmapper").normalize();
            return Files.isExecutable(directory.resolve("floor_server")) ? new FloorPrograms(directory) : null;
        } catch (URISyntaxException e) {
            return null;
        }
    }

    /** Requests per second, p50 and p99 in microseconds. */
    double[] measure(Path socket, Path file, Mode mode, int connections, int seconds) throws IOException {
        String name =
                switch (mode) {
                    case COPY -> "copy";
                    case SPLICE -> "sendfile";
                    default -> "fd";
                };
        Process server = new ProcessBuilder(
                        directory.resolve("floor_server").toString(), socket.toString(), file.toString(), name)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            awaitSocket(server, socket);
            Process client = new ProcessBuilder(
                            directory.resolve("floor_client").toString(),
                            socket.toString(),
                            Integer.toString(connections),
                            Integer.toString(seconds),
                            name)
                    .redirectErrorStream(true)
                    .start();
            String output = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Matcher figures = FIGURES.matcher(output);
            if (!figures.find()) {
                throw new IOException("floor_client said no figures but: " + output.strip());
            }
            return new double[] {
                Double.parseDouble(figures.group(1)),
                Double.parseDouble(figures.group(2)),
                Double.parseDouble(figures.group(3))
            };
        } finally {
            server.destroyForcibly();
        }
    }

    private static void awaitSocket(Process server, Path socket) throws IOException {
        while (!Files.exists(socket)) {
            if (!server.isAlive()) {
                throw new IOException("floor_server ended before it listened at " + socket);
            }
            Thread.onSpinWait();
        }
    }
}
