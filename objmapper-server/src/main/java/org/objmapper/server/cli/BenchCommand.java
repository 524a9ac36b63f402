package org.objmapper.server.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.server.config.Units;

/** Measures GET in each mode, next to the floor: C programs that do the same system calls and nothing else. */
final class BenchCommand implements ToolCommand {
    private static final OptionDefinition TIME =
            OptionDefinition.value("--time", "TIME", "How long each run takes, 10ms to 1h; 1s when left out.");
    private static final OptionDefinition ROUNDS = OptionDefinition.value(
            "--rounds", "N", "How many runs on each of the two servers, 1 to 1000; 5 when left out.");
    private static final OptionDefinition CONNECTIONS =
            OptionDefinition.value("--connections", "N", "Sessions at once, 1 to 1000; 1 when left out.");
    private static final OptionDefinition DEPTH = OptionDefinition.value(
            "--depth", "N", "Requests in flight on each session, 1 to 64; first 1 and then 16 when left out.");
    private static final OptionDefinition SIZE =
            OptionDefinition.value("--size", "SIZE", "The object's size, up to 1GiB; 1MiB when left out.");

    private static final List<Mode> MODES = List.of(Mode.FDPASS, Mode.COPY, Mode.SPLICE, Mode.AUTO);
    private static final List<Integer> DEPTHS = List.of(1, 16);
    private static final int MOST_DEPTH = 64;
    private static final long MOST_BYTES = 1L << 30;
    private static final long LEAST_MILLIS = 10;
    private static final long MOST_MILLIS = TimeUnit.HOURS.toMillis(1);

    /** What is measured with what; the object lies at the server, and in a file for the floor. */
    private record Bench(BenchPrograms programs, Path socket, int timeoutMillis, Key key, Path directory, int rounds) {}

    /** One mode at one depth: the medians, the medians of the pairs' ratios, and the range of that of requests per second. */
    private record Row(
            Mode mode,
            String delivered,
            int depth,
            BenchFigures ours,
            BenchFigures floor,
            BenchFigures ratio,
            double lowestRatio,
            double highestRatio) {}

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "bench",
                "Measure GET in each mode.",
                List.of(
                        "Stores an object, fetches it over and over from memory, and deletes it. Beside each figure stands that of"
                                + " the floor: a server in C with one blocking thread for each connection, which looks nothing up and has"
                                + " its one file open. The same client in C puts the same load on both in turn. Figures are the"
                                + " medians of all runs, ratios those of each run and its neighbour: below 1 the floor does more"
                                + " requests per second, and above 1 a round takes objmapper longer. A round is as many requests as"
                                + " may be in flight, sent at once, and all their replies. A busy machine gives useless figures."),
                List.of(),
                TIME,
                ROUNDS,
                CONNECTIONS,
                DEPTH,
                SIZE,
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        long millis = millis(arguments);
        int rounds = (int) arguments.number(ROUNDS, 5, 1, 1_000);
        int connections = (int) arguments.number(CONNECTIONS, 1, 1, 1_000);
        int depth = (int) arguments.number(DEPTH, 0, 1, MOST_DEPTH);
        List<Integer> depths = depth == 0 ? DEPTHS : List.of(depth);
        int size = size(arguments);
        BenchPrograms programs = BenchPrograms.find();
        byte[] body = new byte[size];
        new Random(size).nextBytes(body);
        Path socket = SocketSearch.find(arguments.text(OptionDefinition.SOCKET), console.environment());
        Key key = Key.of(arguments, "objmapper-bench-" + ProcessHandle.current().pid());
        int timeoutMillis = arguments.timeoutMillis(ToolSession.TIMEOUT_MILLIS);
        store(socket, timeoutMillis, key, body);
        Bench bench =
                new Bench(programs, socket, timeoutMillis, key, Files.createTempDirectory("objmapper-bench"), rounds);
        Thread cleanUp = new Thread(() -> cleanUp(bench));
        Runtime.getRuntime().addShutdownHook(cleanUp); // for Ctrl-C
        try {
            Files.write(bench.directory.resolve("body"), body);
            console.err()
                    .printf(
                            "%d bytes, connections: %d; %d runs of %d ms on each server in turn, after one to warm up%n",
                            body.length, connections, rounds, millis);
            for (int each : depths) {
                for (Mode mode : MODES) {
                    print(
                            arguments.has(OptionDefinition.JSON),
                            console,
                            measure(bench, mode, new BenchPrograms.Load(connections, millis, each)));
                }
            }
        } finally {
            Runtime.getRuntime().removeShutdownHook(cleanUp);
            cleanUp(bench);
        }
        return ExitCode.OK;
    }

    private static long millis(Arguments arguments) throws ToolFailure {
        long millis = arguments.millis(TIME, TimeUnit.SECONDS.toMillis(1));
        if (millis < LEAST_MILLIS || millis > MOST_MILLIS) {
            throw arguments.usage("--time " + arguments.text(TIME) + " is not possible; it takes 10ms to 1h");
        }
        return millis;
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

    private static void store(Path socket, int timeoutMillis, Key key, byte[] body) throws IOException, ToolFailure {
        try (ToolSession session = ToolSession.connect(socket, timeoutMillis)) {
            Upload upload = new Upload(session, key.text());
            upload.begin(body.length)
                    .bytes(MetadataType.KEY, key.bytes())
                    .u64(MetadataType.TTL, TimeUnit.DAYS.toMillis(7)); // should this process be killed
            upload.send(Channels.newChannel(new ByteArrayInputStream(body)));
        }
    }

    private static void cleanUp(Bench bench) {
        try (ToolSession session = ToolSession.connect(bench.socket, bench.timeoutMillis)) {
            session.request(Operation.DELETE).bytes(MetadataType.KEY, bench.key.bytes());
            session.exchange();
        } catch (IOException | ToolFailure e) {
            // the object expires by itself
        }
        for (String name : List.of("socket", "body", "")) {
            bench.directory.resolve(name).toFile().delete();
        }
    }

    private static Row measure(Bench bench, Mode mode, BenchPrograms.Load load) throws IOException {
        String key = bench.key.text();
        String delivered =
                bench.programs.measureServer(bench.socket, load, mode, key).delivered();
        String way = delivered.equals("fd") ? "fd" : mode == Mode.SPLICE ? "sendfile" : "copy";
        Path socket = bench.directory.resolve("socket");
        List<BenchFigures> ours = new ArrayList<>();
        List<BenchFigures> floor = new ArrayList<>();
        Process server = bench.programs.startFloor(socket, bench.directory.resolve("body"), way);
        try {
            for (int i = 0; i < bench.rounds; i++) {
                ours.add(bench.programs
                        .measureServer(bench.socket, load, mode, key)
                        .figures());
                floor.add(bench.programs.measureFloor(socket, load, way));
            }
        } finally {
            server.destroyForcibly();
            Files.deleteIfExists(socket);
        }
        return row(mode, delivered, load.depth(), ours, floor);
    }

    private static Row row(Mode mode, String delivered, int depth, List<BenchFigures> ours, List<BenchFigures> floor) {
        List<BenchFigures> ratios = new ArrayList<>();
        for (int i = 0; i < ours.size(); i++) {
            ratios.add(ours.get(i).ratioTo(floor.get(i)));
        }
        return new Row(
                mode,
                delivered,
                depth,
                BenchFigures.median(ours),
                BenchFigures.median(floor),
                BenchFigures.median(ratios),
                ratios.stream().mapToDouble(BenchFigures::perSecond).min().orElse(0),
                ratios.stream().mapToDouble(BenchFigures::perSecond).max().orElse(0));
    }

    private static void print(boolean json, Console console, Row row) throws IOException {
        console.line(json ? json(row) : text(row));
        console.out().flush();
    }

    private static String json(Row row) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("mode", row.mode.name().toLowerCase(Locale.ROOT));
        facts.put("delivered", row.delivered);
        facts.put("in_flight", row.depth);
        put(facts, "", row.ours, Math::round);
        put(facts, "floor_", row.floor, Math::round);
        put(facts, "ratio_", row.ratio, figure -> Math.round(figure * 1e3) / 1e3);
        facts.put("ratio_lowest", Math.round(row.lowestRatio * 1e3) / 1e3);
        facts.put("ratio_highest", Math.round(row.highestRatio * 1e3) / 1e3);
        return Json.of(facts);
    }

    private static void put(
            Map<String, Object> facts, String prefix, BenchFigures figures, Function<Double, Number> perSecond) {
        String unit = prefix.equals("ratio_") ? "" : "_micros";
        facts.put(prefix + "requests_per_second", perSecond.apply(figures.perSecond()));
        facts.put(prefix + "p50" + unit, Math.round(figures.p50Micros() * 1e3) / 1e3);
        facts.put(prefix + "p99" + unit, Math.round(figures.p99Micros() * 1e3) / 1e3);
    }

    private static String text(Row row) {
        String by = row.mode == Mode.AUTO ? " (by " + row.delivered + ")" : "";
        return String.format(
                Locale.ROOT,
                "%s%s, %d in flight%n%s%n%s%n  ratio      %10.2f (%.2f to %.2f)   %9.2f %15.2f",
                row.mode.name().toLowerCase(Locale.ROOT),
                by,
                row.depth,
                line("objmapper", row.ours),
                line("floor", row.floor),
                row.ratio.perSecond(),
                row.lowestRatio,
                row.highestRatio,
                row.ratio.p50Micros(),
                row.ratio.p99Micros());
    }

    private static String line(String name, BenchFigures figures) {
        return String.format(
                Locale.ROOT,
                "  %-10s %10.0f requests/s    p50 %9.1f µs  p99 %9.1f µs",
                name,
                figures.perSecond(),
                figures.p50Micros(),
                figures.p99Micros());
    }
}
