package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md tells a newcomer to type works. */
class ReadmeTest {
    private static final Path ROOT = Path.of(System.getProperty("objmapper.root"));

    @TempDir
    Path directory;

    @Test
    void theFirstStepsWork() throws Exception {
        String socket = directory.resolve("objmapper.sock").toString();
        String data = directory.resolve("data").toString();
        Process server = new ProcessBuilder(
                        Distribution.program("objmapperd"), "--dev", "--socket", socket, "--data", data)
                .redirectError(directory.resolve("server.log").toFile())
                .start();
        try (BufferedReader talk = server.inputReader(StandardCharsets.UTF_8)) {
            assertThat(talk.readLine())
                    .as(() -> read(directory.resolve("server.log")))
                    .isEqualTo("objmapperd ready on " + socket);

            // The server of the first line is the one that has been started above.
            String steps = firstSteps()
                    .replaceFirst(".*objmapperd --dev.*\n", "cd '" + ROOT + "'\n")
                    .replace("$PWD/target/dist", Distribution.DIRECTORY.toString());
            Outcome outcome = Outcome.of(directory, Map.of("OBJMAPPER_SOCKET", socket), "bash", "-eu", "-c", steps);

            assertThat(outcome.exitCode()).as(outcome.err()).isZero();
            assertThat(outcome.out()).contains("# objmapper").contains("manual/readme");
        } finally {
            server.destroy();
            server.waitFor();
        }
    }

    private static String firstSteps() throws Exception {
        Matcher block = Pattern.compile("## First steps\n\n```\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(ROOT.resolve("README.md")));
        assertThat(block.find()).isTrue();
        return block.group(1);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (java.io.IOException e) {
            return e.toString();
        }
    }
}
