package org.objmapper.varnish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs each .vtc file beside this package's directory with varnishtest, and the example; where the module was not built for want of Varnish, none.
 *
 * <p>An origin that answers one request after another closes after each: before Varnish has put a connection back it may ask on a new one, where nobody listens.
 */
@Tag("one-java")
class VarnishModuleTest {
    private static final Path ROOT = Path.of(System.getProperty("objmapper.root"));
    private static final Path CASES = ROOT.resolve("tests/varnish");
    private static final Path DISTRIBUTION = Path.of(System.getProperty("objmapper.dist"));
    private static final Path MODULE = DISTRIBUTION.resolve("lib/varnish/vmods/libvmod_objmapper.so");
    private static final Path BUILD =
            ROOT.resolve("native/target/cmake/" + System.getProperty("objmapper.preset", "dev"));
    private static final Path FAULTY_FILE_SYSTEM = BUILD.resolve("fuse/faulty-fs");

    /** As it is built for any release of Varnish but the one whose insides it knows. */
    private static final Path MODULE_ELSEWHERE = BUILD.resolve("vmod/libvmod_objmapper_elsewhere.so");

    private static final List<String> CASES_ELSEWHERE = List.of("http.vtc", "lifetimes.vtc", "purge.vtc", "vary.vtc");

    private static final Path VARNISHS_OWN = ROOT.resolve("../shared/data/varnish-7.1.1-tests");
    private static final int END_OF_LOG = 8_000;

    /** Many times what any of them takes: one that hangs must not stop all that follow. */
    private static final int MOST_MINUTES = 10;

    @TempDir
    Path directory;

    @BeforeAll
    static void theModuleIsThere() {
        assumeTrue(
                Files.exists(MODULE),
                "left out: vmod_objmapper is not built where no libvarnishapi-dev 7.1 is installed");
    }

    @TestFactory
    Stream<DynamicTest> cases() throws IOException {
        List<Path> cases;
        try (Stream<Path> files = Files.list(CASES)) {
            cases = files.filter(file -> file.toString().endsWith(".vtc"))
                    .sorted()
                    .toList();
        }
        assertThat(cases).isNotEmpty();
        return cases.stream()
                .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> passes(file, MODULE)));
    }

    @TestFactory
    Stream<DynamicTest> casesOfAModuleForAnotherRelease() {
        return CASES_ELSEWHERE.stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> passes(CASES.resolve(name), MODULE_ELSEWHERE)));
    }

    @Test
    void theExampleRestartsWarm() throws Exception {
        assertThat(run(ROOT.resolve("packaging/try-varnish").toString(), DISTRIBUTION.toString()))
                .contains("fetched, from:            store ")
                .contains("requests that the origin has seen: 1\n");
    }

    /** A few of them, one of each kind; tests/varnish/run-suite by hand runs them all. */
    @Test
    void varnishsOwnCasesPassWithTheModuleInThePathOfEachFetch() throws Exception {
        assumeTrue(Files.exists(VARNISHS_OWN), "left out: Varnish's own cases are not in " + VARNISHS_OWN);
        List<String> command = new ArrayList<>(List.of(
                CASES.resolve("run-suite").toString(),
                "--jobs",
                "2",
                VARNISHS_OWN.toString(),
                DISTRIBUTION.toString()));
        List<String> sample = List.of(
                "b00009", "c00004", "c00005", "c00021", "c00041", "c00100", "e00003", "g00003", "s00002", "v00006",
                "v00025");
        command.addAll(sample);
        assertThat(run(command.toArray(String[]::new))).contains("1 alone, " + (sample.size() - 1) + " passes");
    }

    /** A short while of it; tests/varnish/under-fire by hand takes ten minutes. */
    @Test
    void nothingWrongIsDeliveredUnderFire() throws Exception {
        assertThat(run(
                        CASES.resolve("under-fire").toString(),
                        DISTRIBUTION.toString(),
                        "--seconds",
                        "8",
                        "--objects",
                        "200",
                        "--largest",
                        "1000000"))
                .contains("nothing was wrong");
    }

    private void passes(Path file, Path module) throws Exception {
        run(
                "varnishtest",
                "-t300",
                "-b8m", // what it logs of one case
                "-Dvmod_so=" + module,
                "-Dvmod_elsewhere_so=" + MODULE_ELSEWHERE,
                "-Dobjmapperd=" + DISTRIBUTION.resolve("bin/objmapperd"),
                "-Dobjmapper=" + DISTRIBUTION.resolve("bin/objmapper"),
                "-Dfaulty_fs=" + FAULTY_FILE_SYSTEM,
                file.toString());
    }

    /** What a command says that has to end well: the end of it. */
    private String run(String... command) throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        boolean isOver = process.waitFor(MOST_MINUTES, TimeUnit.MINUTES);
        process.destroy();
        int exitCode = process.waitFor();
        String all = Files.readString(log);
        String end = all.substring(Math.max(0, all.length() - END_OF_LOG));
        assertThat(isOver).as("over within %d minutes: %s", MOST_MINUTES, end).isTrue();
        assertThat(exitCode).as(end).isZero();
        return end;
    }
}
