package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"objmapper", "objmapperd"})
    void aLauncherRunsThroughALinkFromAnotherDirectory(String program) throws Exception {
        Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of(Distribution.program(program)));

        Outcome outcome = run(Map.of(), link.toString(), "--help");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains(program);
    }

    @ParameterizedTest
    @ValueSource(strings = {"objmapper", "objmapperd"})
    void aCopyOfTheDistributionRuns(String program) throws Exception {
        Path copy = Distribution.copyTo(directory.resolve("a copy"));

        Outcome outcome = run(Map.of(), copy.resolve("bin/" + program).toString(), "--help");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.err()).isEmpty();
    }

    @Test
    void aStandardOutputThatIsFullIsNamedInTheError() throws Exception {
        Outcome outcome =
                run(Map.of(), "sh", "-c", "exec \"$0\" --version >/dev/full", Distribution.program("objmapper"));

        assertThat(outcome.exitCode()).isEqualTo(5);
        assertThat(outcome.err()).isEqualTo("objmapper: the standard output: No space left on device\n");
    }

    @Test
    void aStandardOutputThatIsClosedIsNamedInTheError() throws Exception {
        Outcome outcome = run(Map.of(), "sh", "-c", "exec \"$0\" --version >&-", Distribution.program("objmapper"));

        assertThat(outcome).isEqualTo(new Outcome(5, "", "objmapper: the standard output is closed\n"));
    }

    @Test
    void aStandardErrorThatIsClosedIsTalkedToInVain() throws Exception {
        Outcome outcome = run(Map.of(), "sh", "-c", "exec \"$0\" --version 2>&-", Distribution.program("objmapper"));

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).startsWith("objmapper ");
    }

    @Test
    void aStandardInputThatIsClosedIsNotStored() throws Exception {
        try (RunningServer server = RunningServer.in(directory)) {
            String put = "exec \"$0\" put --socket " + server.socket + " key - <&-";
            Outcome outcome = run(Map.of(), "sh", "-c", put, Distribution.program("objmapper"));
            assertThat(outcome).isEqualTo(new Outcome(5, "", "objmapper put: the standard input is closed\n"));

            Outcome get = run(
                    Map.of(), Distribution.program("objmapper"), "get", "--socket", server.socket.toString(), "key");
            assertThat(get.exitCode()).isEqualTo(1);
            assertThat(server.stop()).isZero();
        }
    }

    @Test
    void aStandardOutputThatNobodyReadsAnyMoreIsNoReasonToTalk() throws Exception {
        Outcome outcome = run(
                Map.of(),
                "sh",
                "-c",
                "mkfifo pipe; (: <pipe) & exec 3>pipe; wait; exec \"$0\" --version >&3",
                Distribution.program("objmapper"));

        assertThat(outcome).isEqualTo(new Outcome(5, "", ""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"objmapper", "objmapperd"})
    void aProgramStartsFromItsArchiveOfClassesWhereverTheDistributionLies(String program) throws Exception {
        Path copy = Distribution.copyTo(directory.resolve("a copy"));

        // With -Xshare:on Java refuses to start when it cannot use its archive.
        Outcome outcome = run(
                Map.of("JDK_JAVA_OPTIONS", "-Xshare:on"),
                copy.resolve("bin/" + program).toString(),
                "--version");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"objmapper", "objmapperd"})
    void anArchiveOfClassesThatJavaCannotUseIsPassedOver(String program) throws Exception {
        Path copy = Distribution.copyTo(directory.resolve("copy"));
        Path archive = archiveIn(copy, program);
        Files.delete(archive);
        Files.writeString(archive, "from another world");

        assertVersionAlone(copy, program);
    }

    @ParameterizedTest
    @ValueSource(strings = {"objmapper", "objmapperd"})
    void aJavaWithoutAnArchiveRunsToo(String program) throws Exception {
        Path copy = Distribution.copyTo(directory.resolve("copy"));
        Files.delete(archiveIn(copy, program));

        assertVersionAlone(copy, program);
    }

    @ParameterizedTest
    @ValueSource(strings = {"JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"})
    void theServerRunsWithTheCollectorThatIsNamed(String variable) throws Exception {
        Outcome outcome =
                run(Map.of(variable, "-Xmx128m -XX:+UseParallelGC"), Distribution.program("objmapperd"), "--version");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    }

    private void assertVersionAlone(Path distribution, String program) throws Exception {
        Outcome outcome = run(Map.of(), distribution.resolve("bin/" + program).toString(), "--version");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).startsWith(program + " ").hasLineCount(1);
        assertThat(outcome.err()).isEmpty();
    }

    @Test
    void aJavaThatIsNamedButUnsuitableIsAnError() throws Exception {
        Outcome outcome =
                run(Map.of("OBJMAPPER_JAVA", fakeJava("11.0.2")), Distribution.program("objmapper"), "--version");

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("OBJMAPPER_JAVA=" + directory).contains("17 or later");
    }

    @Test
    void anOldJavaInJavaHomeIsPassedOver() throws Exception {
        Path home = Path.of(fakeJava("11.0.2")).getParent().getParent();

        Outcome outcome = run(Map.of("JAVA_HOME", home.toString()), Distribution.program("objmapper"), "--version");

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"17.0.15, false", "23.0.1, false", "24, true", "25.0.3, true"})
    void whatJavaWarnsOfIsAllowedByName(String version, boolean allowed) throws Exception {
        Outcome outcome = run(Map.of("OBJMAPPER_JAVA", fakeJava(version)), Distribution.program("objmapperd"), "--dev");

        assertThat(outcome.out().lines().anyMatch("--enable-native-access=ALL-UNNAMED"::equals))
                .isEqualTo(allowed);
        assertThat(outcome.out().lines().anyMatch("--sun-misc-unsafe-memory-access=allow"::equals))
                .isEqualTo(allowed);
        assertThat(outcome.out()).endsWith("ObjmapperdCommand\n--dev\n");
    }

    private static Path archiveIn(Path distribution, String program) throws IOException {
        try (Stream<Path> files = Files.list(distribution.resolve("lib"))) {
            return files.filter(file -> file.getFileName().toString().matches(program + "-[0-9.]+\\.jsa"))
                    .findAny()
                    .orElseThrow();
        }
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
        return Outcome.of(directory, environment, command);
    }
}
