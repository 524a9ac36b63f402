package org.objmapper.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tests/bench/run}: that it works, whatever it measures. */
@Tag("one-java")
class RunTest {
    @TempDir
    Path directory;

    @Test
    void aShortRunMeasuresEveryRowAndLeavesNothingButItsResults() throws Exception {
        Outcome outcome = run("--short");

        assertThat(outcome.exitCode).as(outcome.text).isZero();
        Report report = Report.read(directory.resolve("results.json"));
        assertThat(report.results()).extracting(Result::name).containsExactlyElementsOf(names(Row::canBeMeasured));
        assertThat(report.leftOut()).containsExactlyElementsOf(names(row -> !row.canBeMeasured()));
        assertThat(report.results()).allSatisfy(RunTest::hasWhatItsTargetsAreAbout);
        assertThat(Files.readString(directory.resolve("results.md")))
                .contains(report.results().stream().map(Result::title).toList());
        for (Path file : files()) {
            assertThat(file.getFileName().toString())
                    .matches("results\\.json|results\\.md|ratios-\\w+\\.svg|latency-[\\w-]+\\.svg");
            if (file.toString().endsWith(".svg")) {
                DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
            }
        }
        assertThat(files()).contains(directory.resolve("ratios-requests.svg"), directory.resolve("latency-fd-16.svg"));
    }

    private static List<String> names(Predicate<Row> which) {
        return Rows.all().stream().filter(which).map(Row::name).toList();
    }

    private static void hasWhatItsTargetsAreAbout(Result result) {
        assertThat(result.figures()).as(result.name()).isNotEmpty();
        for (Target target : result.targets()) {
            Result.Compared compared = result.figures().get(target.figure());
            assertThat(compared).as(result.name() + ", " + target.figure()).isNotNull();
            double least = target.figure() == Figure.MEMORY ? 0 : Double.MIN_VALUE; // memory need not grow
            assertThat(compared.judged().median()).as(result.name()).isGreaterThanOrEqualTo(least);
        }
    }

    @Test
    void aRunCanBeComparedWithAnEarlierOne() throws Exception {
        Path results = directory.resolve("results.json");
        assertThat(run("--short", "--rows", "^fd-1$").exitCode).isZero();
        Path dream = directory.resolve("dream.json");
        Files.writeString(
                dream,
                Files.readString(results).replaceAll("\"(median|lowest|highest)\" : [0-9.E-]+", "\"$1\" : 1.0E-9"));

        Outcome outcome = run("--short", "--rows", "^fd-1$", "--compare", dream.toString());

        assertThat(outcome.exitCode).isEqualTo(1);
        assertThat(outcome.text).contains("worse than before:\nfd-1, p50: ").doesNotContain("fd-1, requests/s: ");
    }

    @Test
    void rowsThatAreNotThereAreSaidWithThoseThatAre() throws Exception {
        Outcome outcome = run("--rows", "no such row");

        assertThat(outcome.exitCode).isEqualTo(2);
        assertThat(outcome.text).contains("fd-256: a descriptor, one in flight, connections: 256\n");
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    private record Outcome(int exitCode, String text) {}

    private Outcome run(String... options) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("objmapper.root") + "/tests/bench/run",
                "--dist",
                System.getProperty("objmapper.dist"),
                "--output",
                directory.toString()));
        command.addAll(List.of(options));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment()
                .put("OBJMAPPER_JAVA", ProcessHandle.current().info().command().orElseThrow());
        Process process = builder.start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Outcome(process.waitFor(), text);
    }
}
