package org.objmapper.server.cli;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.server.config.Units;

/** Measures GET in each mode, next to the floor: C programs that do the same system calls and nothing else. */
final class BenchCommand implements ToolCommand {
    private static final OptionDefinition SECONDS =
            OptionDefinition.value("--seconds", "N", "How long each measurement takes; 5 when left out.");
    private static final OptionDefinition CONNECTIONS = OptionDefinition.value(
            "--connections", "N", "Sessions at once, each with one request after the other; 1 when left out.");
    private static final OptionDefinition SIZE =
            OptionDefinition.value("--size", "SIZE", "The object's size, such as 64KiB; 1MiB when left out.");

    private static final List<Mode> MODES = List.of(Mode.FDPASS, Mode.COPY, Mode.SPLICE);
    private static final long HIGHEST_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final long MOST_BYTES = 1L << 30;

    private record Result(double perSecond, double p50Micros, double p99Micros) {}

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "bench",
                "Measure GET in each mode.",
                List.of(
                        "Stores an object, fetches it over and over with this program's own blocking client, and deletes it."
                                + " Beside each figure stands the same run on the floor programs, where they are installed: the"
                                + " system calls alone, with nothing parsed or looked up, and a client in C. A ratio of requests"
                                + " per second above 1 is faster than the floor."),
                List.of(),
                SECONDS,
                CONNECTIONS,
                SIZE,
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        int seconds = (int) arguments.number(SECONDS, 5, 1, 3_600);
        int connections = (int) arguments.number(CONNECTIONS, 1, 1, 1_000);
        int size = size(arguments);
        Path socket = SocketSearch.find(arguments.text(OptionDefinition.SOCKET), console.environment());
        Key key = Key.of(arguments, "objmapper-bench-" + ProcessHandle.current().pid());
        byte[] body = new byte[size];
        new Random(size).nextBytes(body);
        store(socket, key, body);
        try {
            FloorPrograms floor = FloorPrograms.find();
            if (floor == null) {
                console.err().println("the floor programs are not installed: no ratios");
            }
            console.err()
                    .printf(
                            "%d bytes, %d connections, one request at a time each, %d s each, after %d s to warm up%n",
                            size, connections, seconds, seconds);
            for (Mode mode : MODES) {
                measure(socket, key, mode, connections, seconds);
                Result ours = measure(socket, key, mode, connections, seconds);
                Result theirs = floor == null ? null : floor(floor, body, mode, connections, seconds);
                print(arguments, console, mode, ours, theirs);
            }
        } finally {
            remove(socket, key);
        }
        return ExitCode.OK;
    }

    private static int size(Arguments arguments) throws ToolFailure {
        String text = arguments.text(SIZE);
        long size = 1 << 20;
        try {
            size = text == null ? size : Units.parseBytes(text);
        } catch (IllegalArgumentException e) {
            size = -1;
        }
        if (size < 0 || size > MOST_BYTES) {
            throw arguments.usage("--size " + text + " is not possible; it takes 0 to " + Units.bytes(MOST_BYTES));
        }
        return (int) size;
    }

    private static void store(Path socket, Key key, byte[] body) throws IOException, ToolFailure {
        try (ToolSession session = ToolSession.connect(socket)) {
            Upload upload = new Upload(session, key.text());
            upload.begin(body.length).bytes(MetadataType.KEY, key.bytes());
            upload.send(Channels.newChannel(new java.io.ByteArrayInputStream(body)));
        }
    }

    private static void remove(Path socket, Key key) throws IOException, ToolFailure {
        try (ToolSession session = ToolSession.connect(socket)) {
            session.request(Operation.DELETE).bytes(MetadataType.KEY, key.bytes());
            session.call(key.text());
        }
    }

    private static Result measure(Path socket, Key key, Mode mode, int connections, int seconds)
            throws IOException, ToolFailure {
        ExecutorService threads = Executors.newFixedThreadPool(connections);
        try {
            long start = System.nanoTime();
            long end = start + TimeUnit.SECONDS.toNanos(seconds);
            List<Future<Histogram>> runs = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                Callable<Histogram> run = () -> fetchUntil(end, socket, key, mode);
                runs.add(threads.submit(run));
            }
            Histogram all = new Histogram(HIGHEST_NANOS, 3);
            for (Future<Histogram> run : runs) {
                all.add(join(run));
            }
            double elapsed = (System.nanoTime() - start) / 1e9;
            return new Result(
                    all.getTotalCount() / elapsed,
                    all.getValueAtPercentile(50) / 1e3,
                    all.getValueAtPercentile(99) / 1e3);
        } finally {
            threads.shutdownNow();
        }
    }

    private static Histogram join(Future<Histogram> run) throws IOException, ToolFailure {
        try {
            return run.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ToolFailure failure) {
                throw failure;
            }
            throw new IOException(e.getCause() == null ? "" : e.getCause().getMessage(), e);
        }
    }

    private static Histogram fetchUntil(long end, Path socket, Key key, Mode mode) throws IOException, ToolFailure {
        Histogram histogram = new Histogram(HIGHEST_NANOS, 3);
        try (ToolSession session = ToolSession.connect(socket, mode == Mode.FDPASS)) {
            long before = System.nanoTime();
            while (before < end) {
                session.request(Operation.GET)
                        .bytes(MetadataType.KEY, key.bytes())
                        .u32(MetadataType.MODE, mode.code());
                session.call(key.text());
                consume(session, key);
                long now = System.nanoTime();
                histogram.recordValue(Math.min(now - before, HIGHEST_NANOS));
                before = now;
            }
        }
        return histogram;
    }

    private static void consume(ToolSession session, Key key) throws IOException, ToolFailure {
        if (session.frame().descriptors() == 0) {
            new Download(session, key.text()).transferTo(ByteBuffer::clear);
        } else {
            new FileInputStream(session.descriptor()).close();
        }
    }

    private static Result floor(FloorPrograms floor, byte[] body, Mode mode, int connections, int seconds)
            throws IOException {
        Path directory = Files.createTempDirectory("objmapper-bench");
        Path file = Files.write(directory.resolve("body"), body);
        Path socket = directory.resolve("socket");
        try {
            double[] figures = floor.measure(socket, file, mode, connections, seconds);
            return new Result(figures[0], figures[1], figures[2]);
        } finally {
            Files.deleteIfExists(socket);
            Files.delete(file);
            Files.delete(directory);
        }
    }

    private static void print(Arguments arguments, Console console, Mode mode, Result ours, @Nullable Result floor)
            throws IOException {
        String name = mode.name().toLowerCase(Locale.ROOT);
        if (arguments.has(OptionDefinition.JSON)) {
            Map<String, Object> facts = new LinkedHashMap<>();
            facts.put("mode", name);
            facts.put("requests_per_second", ours.perSecond());
            facts.put("p50_micros", ours.p50Micros());
            facts.put("p99_micros", ours.p99Micros());
            if (floor != null) {
                facts.put("floor_requests_per_second", floor.perSecond());
                facts.put("floor_p50_micros", floor.p50Micros());
                facts.put("floor_p99_micros", floor.p99Micros());
            }
            console.line(Json.of(facts));
            return;
        }
        String line = String.format(
                Locale.ROOT,
                "%-7s %9.0f requests/s  p50 %8.1f µs  p99 %8.1f µs",
                name,
                ours.perSecond(),
                ours.p50Micros(),
                ours.p99Micros());
        if (floor != null) {
            line += String.format(
                    Locale.ROOT,
                    "   floor %9.0f requests/s  p50 %8.1f µs  p99 %8.1f µs   ratio %.2f, p50 %.2f, p99 %.2f",
                    floor.perSecond(),
                    floor.p50Micros(),
                    floor.p99Micros(),
                    ours.perSecond() / floor.perSecond(),
                    ours.p50Micros() / floor.p50Micros(),
                    ours.p99Micros() / floor.p99Micros());
        }
        console.line(line);
        console.out().flush();
    }
}
