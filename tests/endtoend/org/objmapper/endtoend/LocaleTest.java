package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys and file names beyond ASCII are UTF-8 in every locale. All scripts are ASCII, so that this JVM's locale does not matter either. */
class LocaleTest {
    /** A snowman, for printf. */
    private static final String SNOWMAN = "\\342\\230\\203";

    @TempDir
    Path directory;

    private RunningServer server;

    @BeforeEach
    void startServer() throws Exception {
        server = RunningServer.in(directory);
    }

    @AfterEach
    void stopServer() throws Exception {
        server.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "POSIX", "C.UTF-8", "de_XX.ISO-8859-1"})
    void aKeyAndAFileNameBeyondAsciiAreKept(String locale) throws Exception {
        Outcome outcome = bash(locale, """
                name=$(printf '%s')
                echo body >"$name"
                objmapper put "key/$name" "$name"
                objmapper get "key/$name" -o "$name.back"
                cmp "$name" "$name.back"
                objmapper import . --prefix tree/ 2>/dev/null
                objmapper export exported --prefix tree/ 2>/dev/null
                cmp "$name" "exported/$name"
                objmapper ls key/
                objmapper head "key/$name" | head -1
                """.formatted(SNOWMAN));

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).isEqualTo("key/☃\nkey: key/☃\n");
    }

    @Test
    void aWordThatIsNoUtf8IsAUsageErrorAndNotAnotherKey() throws Exception {
        Outcome outcome = bash("C", "objmapper put \"$(printf 'k\\377')\" /dev/null");

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("is not UTF-8");
        assertThat(bash("C", "objmapper ls").out()).isEmpty();
    }

    @Test
    void theReplacementCharacterItselfIsACharacterLikeAnyOther() throws Exception {
        Outcome outcome = bash("C", "k=$(printf '\\357\\277\\275'); objmapper put \"$k\" /dev/null; objmapper ls");

        assertThat(outcome.out()).as(outcome.err()).isEqualTo("\uFFFD\n");
    }

    @Test
    void aFileWhoseNameIsNoUtf8IsToldAndNotImported() throws Exception {
        Outcome outcome = bash("C", "mkdir d; >d/a; >\"$(printf 'd/b\\377')\"; objmapper import d");

        assertThat(outcome.exitCode()).isEqualTo(5);
        assertThat(outcome.err()).contains("its name is not UTF-8");
        assertThat(bash("C", "objmapper ls").out()).isEqualTo("a\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "de_XX.ISO-8859-1", ""})
    void theCommandOfWithHasTheLocaleOfItsCaller(String locale) throws Exception {
        Outcome outcome = bash(
                locale,
                "objmapper put k /dev/null; objmapper with k -- sh -c 'echo \"$LC_ALL\"; env | grep -c OBJMAPPER_LC_ALL'");

        assertThat(outcome.out()).as(outcome.err()).isEqualTo(locale + "\n0\n");
    }

    private Outcome bash(String locale, String script) throws Exception {
        Map<String, String> environment = new HashMap<>();
        environment.put("LC_ALL", locale);
        environment.put("OBJMAPPER_SOCKET", server.socket.toString());
        environment.put("PATH", Distribution.DIRECTORY.resolve("bin") + ":" + System.getenv("PATH"));
        return Outcome.of(Files.createTempDirectory(directory, "work"), environment, "bash", "-c", "set -e\n" + script);
    }
}
