package org.objmapper.server.cli;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.objmapper.protocol.Mode;

/**
 * The C programs that measure: floor_server does the system calls of a server and nothing else, and floor_client and bench_client put
 * the same load on it and on a real one.
 */
final class BenchPrograms {
    private static final Pattern FIGURES = Pattern.compile("ops/s=([0-9.]+) p50=([0-9.]+)us p99=([0-9.]+)us");
    private static final Pattern DELIVERED = Pattern.compile("delivered=([a-z]+)");

    /** What each run of a load has in common. */
    record Load(int connections, long millis, int depth) {
        private String seconds() {
            return String.format(Locale.ROOT, "%.3f", millis / 1e3);
        }
    }

    /** @param delivered how the bodies came: fd, chunks or inline */
    record SessionRun(BenchFigures figures, String delivered) {}

    private final Path directory;

    private BenchPrograms(Path directory) {
        this.directory = directory;
    }

    /** Those of the distribution that this class came from. */
    static BenchPrograms find() throws IOException, ToolFailure {
        Path directory = installation().resolve("../../libexec/objmapper").normalize();
        if (!Files.isExecutable(directory.resolve("bench_client"))) {
            throw new ToolFailure(
                    ExitCode.IO,
                    "bench needs the programs of a whole distribution, and bench_client is not in " + directory
                            + "\nrun bin/objmapper where the build has put it, in target/dist");
        }
        return new BenchPrograms(directory);
    }

    /** The jar of this class, by its own name and not that which the launcher calls it by. */
    private static Path installation() throws IOException {
        try {
            return Path.of(BenchPrograms.class
                            .getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI())
                    .toRealPath();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Puts load on the objmapper server at a socket. */
    SessionRun measureServer(Path socket, Load load, Mode mode, String key) throws IOException {
        String output = run(
                "bench_client",
                socket.toString(),
                Integer.toString(load.connections),
                load.seconds(),
                mode.name().toLowerCase(Locale.ROOT),
                Integer.toString(load.depth),
                key);
        Matcher delivered = DELIVERED.matcher(output);
        return new SessionRun(figures("bench_client", output), delivered.find() ? delivered.group(1) : "");
    }

    /** Puts load on a floor server at a socket; {@code way} is fd, copy or sendfile. */
    BenchFigures measureFloor(Path socket, Load load, String way) throws IOException {
        String output = run(
                "floor_client",
                socket.toString(),
                Integer.toString(load.connections),
                load.seconds(),
                way,
                Integer.toString(load.depth));
        return figures("floor_client", output);
    }

    /** Starts a floor server that hands out a file; it ends when it is destroyed, and with this process. */
    Process startFloor(Path socket, Path file, String way) throws IOException {
        Process server = new ProcessBuilder(program("floor_server"), socket.toString(), file.toString(), way)
                .redirectErrorStream(true)
                .start();
        // It says one line when it listens; any other is why it does not.
        String line = server.inputReader(StandardCharsets.UTF_8).readLine();
        if (!"ready".equals(line)) {
            server.destroyForcibly();
            throw new IOException("floor_server did not listen at " + socket + ": " + line);
        }
        return server;
    }

    private String run(String name, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(program(name)));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } finally {
            process.destroyForcibly();
        }
    }

    private static BenchFigures figures(String name, String output) throws IOException {
        Matcher figures = FIGURES.matcher(output);
        if (!figures.find()) {
            throw new IOException(name + " measured nothing: " + output.strip());
        }
        return new BenchFigures(
                Double.parseDouble(figures.group(1)),
                Double.parseDouble(figures.group(2)),
                Double.parseDouble(figures.group(3)));
    }

    private String program(String name) {
        return directory.resolve(name).toString();
    }
}
