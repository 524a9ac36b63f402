package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The launchers in bin/ find their files and a suitable Java, wherever the distribution lies. */
class LauncherTest {
    private static final Path DIST = Path.of(System.getProperty("objmapper.dist"));

    @TempDir
    Path directory;

    /** What a program said and how it ended. */
    private record Outcome(int exitCode, String out, String err) {}

    @ParameterizedTest
    @ValueSource(strings = {"objmapper"})
    void aLauncherRunsThroughALinkFromAnotherDirectory(String program) throws Exception {
        Path link = Files.createSymbolicLink(directory.resolve("link"), DIST.resolve("bin/" + program));

        Outcome outcome = run(Map.of(), link.toString(), "--help");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains(program);
    }

    @ParameterizedTest
    @ValueSource(strings = {"objmapper"})
    void aCopyOfTheDistributionRuns(String program) throws Exception {
        Path copy = directory.resolve("a copy");
        copyTree(DIST, copy);

        Outcome outcome = run(Map.of(), copy.resolve("bin/" + program).toString(), "--help");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.err()).isEmpty();
    }

    @Test
    void theToolStartsFromTheArchiveOfClassesThatWasWrittenForThisJava() throws Exception {
        try (Stream<Path> files = Files.list(DIST.resolve("lib"))) {
            assertThat(files).anyMatch(file -> file.toString().endsWith(".jsa"));
        }

        // With -Xshare:on Java refuses to start when it cannot use its archive.
        Outcome outcome = run(
                Map.of("JDK_JAVA_OPTIONS", "-Xshare:on"),
                DIST.resolve("bin/objmapper").toString(),
                "--version");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    }

    @Test
    void aJavaThatIsNamedButUnsuitableIsAnError() throws Exception {
        Outcome outcome = run(
                Map.of("OBJMAPPER_JAVA", fakeJava("11.0.2")),
                DIST.resolve("bin/objmapper").toString(),
                "--version");

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("OBJMAPPER_JAVA=" + directory).contains("17 or later");
    }

    @Test
    void anOldJavaInJavaHomeIsPassedOver() throws Exception {
        Path home = Path.of(fakeJava("11.0.2")).getParent().getParent();

        Outcome outcome = run(
                Map.of("JAVA_HOME", home.toString()),
                DIST.resolve("bin/objmapper").toString(),
                "--version");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"17.0.15, false", "23.0.1, false", "24, true", "25.0.3, true"})
    void nativeCodeIsAllowedByNameWhereJavaAsksForIt(String version, boolean allowed) throws Exception {
        Outcome outcome = run(
                Map.of("OBJMAPPER_JAVA", fakeJava(version)),
                DIST.resolve("bin/objmapperd").toString(),
                "--dev");

        assertThat(outcome.out().lines().anyMatch("--enable-native-access=ALL-UNNAMED"::equals))
                .isEqualTo(allowed);
        assertThat(outcome.out()).endsWith("ObjmapperdCommand\n--dev\n");
    }

    /** A java that says how it was called. */
    private String fakeJava(String version) throws IOException {
        Path home = directory.resolve("java-" + version);
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"us\"\nJAVA_VERSION=\"" + version + "\"\n");
        Path java = Files.writeString(home.resolve("bin/java"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        return java.toString();
    }

    private Outcome run(Map<String, String> environment, String... command) throws Exception {
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().putAll(environment);
        int exitCode = builder.start().waitFor();
        return new Outcome(
                exitCode,
                Files.readString(out, StandardCharsets.UTF_8),
                // Java itself says so when it is given options by the environment.
                Files.readString(err, StandardCharsets.UTF_8).replaceAll("NOTE: Picked up .*\n", ""));
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(
                        file,
                        to.resolve(from.relativize(file).toString()),
                        StandardCopyOption.COPY_ATTRIBUTES,
                        LinkOption.NOFOLLOW_LINKS);
            }
        }
    }
}
