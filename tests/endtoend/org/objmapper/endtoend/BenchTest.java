package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code objmapper bench}: every mode is measured beside the floor, and nothing is left behind. */
class BenchTest {
    @TempDir
    Path directory;

    private Path temporary;
    private RunningServer server;

    @BeforeEach
    void startServer() throws Exception {
        temporary = Files.createDirectory(directory.resolve("tmp"));
        server = RunningServer.in(directory);
    }

    @AfterEach
    void stopServer() throws Exception {
        server.close();
    }

    @Test
    void eachModeIsMeasuredOneByOneAndPipelinedBesideTheFloor() throws Exception {
        Outcome outcome = bench("--size", "64KiB", "--json");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        List<String> rows = outcome.out().lines().toList();
        assertThat(rows)
                .hasSize(8)
                .allMatch(row -> row.matches("\\{.*\"requests_per_second\":[1-9]\\d*,"
                        + ".*\"floor_requests_per_second\":[1-9]\\d*,.*\"ratio_p99\":\\d+\\.\\d+,.*}"));
        assertThat(rows).filteredOn(row -> row.contains("\"in_flight\":16")).hasSize(4);
        for (String way : List.of(
                "fdpass\",\"delivered\":\"fd",
                "copy\",\"delivered\":\"chunks",
                "splice\",\"delivered\":\"chunks",
                "auto\",\"delivered\":\"fd")) {
            assertThat(rows).filteredOn(row -> row.contains(way)).as(way).hasSize(2);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, inline, inline", "100, fd, inline", "5000, fd, fd"})
    void smallObjectsComeInTheReplyOnlyWhereTheServerMayChoose(int size, String fdpass, String auto) throws Exception {
        Outcome outcome = bench("--size", Integer.toString(size), "--depth", "3", "--connections", "2", "--json");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out())
                .contains("\"mode\":\"fdpass\",\"delivered\":\"" + fdpass + "\",\"in_flight\":3")
                .contains("\"mode\":\"auto\",\"delivered\":\"" + auto + "\",\"in_flight\":3");
    }

    @Test
    void aPersonGetsThreeLinesForEachMode() throws Exception {
        Outcome outcome = bench("--depth", "16");

        assertThat(outcome.out().lines()).hasSize(16);
        assertThat(outcome.out())
                .contains("fdpass, 16 in flight\n  objmapper ")
                .contains("auto (by fd), 16 in flight\n")
                .contains("\n  ratio ");
        assertThat(outcome.err()).contains("1048576 bytes, connections: 1; 1 runs of 20 ms");
    }

    @Test
    void nothingIsLeftBehind() throws Exception {
        assertThat(bench("--depth", "1").exitCode()).isZero();

        assertThat(run("ls").out()).isEmpty();
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void aServerThatIsGoneIsSaidWithItsExitCode() throws Exception {
        server.kill();

        assertThat(bench().exitCode()).isEqualTo(3);
    }

    private Outcome bench(String... options) throws Exception {
        return run("bench", List.of(options).toArray(new String[0]));
    }

    private Outcome run(String command, String... options) throws Exception {
        List<String> words = new ArrayList<>(List.of(Distribution.program("objmapper"), command));
        if (command.equals("bench")) {
            words.addAll(List.of("--time", "20ms", "--rounds", "1"));
        }
        words.addAll(List.of(options));
        return Outcome.of(
                directory,
                Map.of(
                        "OBJMAPPER_SOCKET",
                        server.socket.toString(),
                        "JDK_JAVA_OPTIONS",
                        "-Djava.io.tmpdir=" + temporary),
                words.toArray(new String[0]));
    }
}
