package org.objmapper.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** tests/bench/run: measures objmapper in turn with what it is compared with, and reports the ratios. */
@Command(
        name = "tests/bench/run",
        sortOptions = false,
        mixinStandardHelpOptions = true,
        description =
                "Measures objmapper in turn with what it is compared with, and writes the ratios as JSON, as a table and as plots."
                        + " docs/performance.md says what they mean.")
final class Bench implements Callable<Integer> {
    /** A row is rehearsed for so many warm-ups at least: durable PUTs are at full speed when the JVM's compilers have had 10 to 15 s. */
    private static final int REHEARSED_WARM_UPS = 15;

    @Option(names = "--list", description = "Only say which rows there are.")
    private boolean list;

    @Option(names = "--rows", paramLabel = "PATTERN", description = "The rows whose names match a regular expression.")
    private Pattern chosen = Pattern.compile("");

    @Option(names = "--seconds", paramLabel = "N", description = "How long each run counts; 6 when left out.")
    private double seconds = 6;

    @Option(names = "--warm-up", paramLabel = "N", description = "How many seconds it goes on before; 1 when left out.")
    private double warmUpSeconds = 1;

    @Option(names = "--rounds", paramLabel = "N", description = "How many runs of each side; 5 when left out.")
    private int rounds = 5;

    @Option(
            names = "--objects",
            paramLabel = "N",
            description = "How many objects the store of the row first-answer has; 1000000 when left out.")
    private int objects = 1_000_000;

    @Option(
            names = "--short",
            description = "One run of 0.1 s of each side, with few objects and sessions: to see that it works.")
    private boolean isShort;

    @Option(
            names = "--compare",
            paramLabel = "EARLIER.json",
            description = "Say what is worse by more than noise; the exit code is then 1.")
    private Path earlier;

    @Option(names = "--output", paramLabel = "DIR", description = "Where results go; target/bench when left out.")
    private Path output = Path.of("target/bench");

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description =
                    "Where the servers keep their data while it runs, on a disk; the output directory when left out.")
    private Path data;

    @Option(names = "--dist", paramLabel = "DIR", description = "The distribution; target/dist when left out.")
    private Path distribution = Path.of("target/dist");

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Bench()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        List<Row> rows = Rows.all().stream()
                .filter(row -> chosen.matcher(row.name()).find())
                .toList();
        if (list || rows.isEmpty()) {
            Rows.all().forEach(row -> System.out.println(row.name() + ": " + row.title()));
            return list ? 0 : 2;
        }
        Report before = earlier == null ? null : Report.read(earlier);
        Scale scale = isShort
                ? new Scale(0.1, 0.05, 1, 0, 100, 1_000)
                : new Scale(seconds, warmUpSeconds, rounds, 1, 10_000, objects);
        Files.createDirectories(output);
        Path work = Files.createTempDirectory(data == null ? output.toAbsolutePath() : data, "work");
        Report report;
        try (Lab lab = new Lab(distribution.toAbsolutePath(), work, scale)) {
            report = measure(rows, lab);
        } finally {
            delete(work);
        }
        report.write(output);
        System.out.println("written to " + output + ": results.json, results.md, and plots");
        return before == null ? 0 : compare(before, report);
    }

    private static Report measure(List<Row> rows, Lab lab) throws Exception {
        String began = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        double waiting = waiting();
        System.out.print(Table.HEAD);
        List<Result> results = new ArrayList<>();
        List<String> leftOut = new ArrayList<>();
        for (Row row : rows) {
            if (!row.canBeMeasured()) {
                System.err.printf(
                        "%s is left out: %s%n", row.name(), row.needs().otherwise());
                leftOut.add(row.name());
                continue;
            }
            Result result = measure(row, lab);
            System.out.print(Table.of(result));
            results.add(result);
        }
        return new Report(machine(), began, new Report.Waiting(waiting, waiting()), lab.scale(), results, leftOut);
    }

    private static Result measure(Row row, Lab lab) throws Exception {
        long began = System.nanoTime();
        for (int i = 0; i < lab.scale().rehearsals() || isCold(began, lab.scale()); i++) {
            measure(row, lab, new ArrayList<>(), new ArrayList<>());
        }
        List<Sample> ours = new ArrayList<>();
        List<Sample> other = new ArrayList<>();
        for (int i = 0; i < lab.scale().rounds(); i++) {
            measure(row, lab, ours, other);
        }
        return Result.of(row, ours, other);
    }

    private static boolean isCold(long began, Scale scale) {
        return scale.rehearsals() > 0 && System.nanoTime() - began < REHEARSED_WARM_UPS * scale.warmUpSeconds() * 1e9;
    }

    private static void measure(Row row, Lab lab, List<Sample> ours, List<Sample> other) throws Exception {
        ours.add(row.ours().measure(lab));
        if (row.other() != null) {
            other.add(row.other().measure(lab));
        }
    }

    private static int compare(Report before, Report report) {
        List<String> worse = Comparison.worse(before, report);
        System.out.println(worse.isEmpty() ? "nothing is worse than before by more than noise" : "worse than before:");
        worse.forEach(System.out::println);
        return worse.isEmpty() ? 0 : 1;
    }

    private static String machine() throws IOException {
        return "%d processors, Linux %s, Java %s"
                .formatted(
                        Runtime.getRuntime().availableProcessors(),
                        System.getProperty("os.version"),
                        System.getProperty("java.version"));
    }

    private static double waiting() throws IOException {
        return Double.parseDouble(Files.readString(Path.of("/proc/loadavg")).split(" ")[0]);
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
                Files.delete(file);
            }
        }
    }
}
