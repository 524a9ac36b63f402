package org.objmapper.varnish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Runs each .vtc file beside this package's directory with varnishtest; where the module was not built for want of Varnish, none. */
class VarnishModuleTest {
    private static final Path CASES = Path.of(System.getProperty("objmapper.root"), "tests", "varnish");
    private static final Path DISTRIBUTION = Path.of(System.getProperty("objmapper.dist"));
    private static final Path MODULE = DISTRIBUTION.resolve("lib/varnish/vmods/libvmod_objmapper.so");
    private static final int END_OF_LOG = 8_000;

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
                .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> passes(file)));
    }

    private void passes(Path file) throws Exception {
        Path log = directory.resolve("log");
        Process varnishtest = new ProcessBuilder(
                        "varnishtest",
                        "-t120",
                        "-Dvmod_so=" + MODULE,
                        "-Dobjmapperd=" + DISTRIBUTION.resolve("bin/objmapperd"),
                        "-Dobjmapper=" + DISTRIBUTION.resolve("bin/objmapper"),
                        file.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertThat(varnishtest.waitFor()).as(() -> endOf(log)).isZero();
    }

    private static String endOf(Path log) {
        try {
            String all = Files.readString(log);
            return all.substring(Math.max(0, all.length() - END_OF_LOG));
        } catch (IOException e) {
            return e.toString();
        }
    }
}
