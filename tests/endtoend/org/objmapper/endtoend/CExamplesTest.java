package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of docs/examples/c, built as a newcomer would build them, against a server of the distribution. */
class CExamplesTest {
    private static final Path EXAMPLES = Path.of(System.getProperty("objmapper.dist"))
            .resolve("../../docs/examples/c")
            .normalize();

    @TempDir
    Path directory;

    private RunningServer server;

    @BeforeEach
    void startAServer() throws IOException {
        server = RunningServer.in(directory);
    }

    @AfterEach
    void stopTheServer() throws InterruptedException {
        server.close();
    }

    @Test
    void aBatchOfTenThousandIsAnswered() throws Exception {
        build("batch");

        Outcome batch = run("./batch " + server.socket);

        assertThat(batch.exitCode()).as(batch.err()).isZero();
        assertThat(batch.out()).isEqualTo("10000 answers\n");
    }

    @Test
    void getWritesTheObjectAndSaysWhenThereIsNone() throws Exception {
        build("get");
        String text = "a line of the body\n".repeat(10_000);
        Files.writeString(directory.resolve("file"), text);
        Outcome put = run(Distribution.program("objmapper") + " put --socket " + server.socket + " key file");
        assertThat(put.exitCode()).as(put.err()).isZero();

        Outcome found = run("./get " + server.socket + " key");
        Outcome absent = run("./get " + server.socket + " absent");

        assertThat(found.exitCode()).as(found.err()).isZero();
        assertThat(found.out()).isEqualTo(text);
        assertThat(absent.exitCode()).isEqualTo(1);
    }

    private void build(String example) throws Exception {
        Outcome built = run("cc " + EXAMPLES.resolve(example + ".c") + " -o " + example
                + " $(pkg-config --cflags --libs objmapper)");
        assertThat(built.exitCode()).as(built.err()).isZero();
    }

    private Outcome run(String command) throws Exception {
        Path library = Distribution.DIRECTORY.resolve("lib");
        Map<String, String> environment = Map.of(
                "PKG_CONFIG_PATH", library.resolve("pkgconfig").toString(), "LD_LIBRARY_PATH", library.toString());
        return Outcome.of(directory, environment, "sh", "-c", command);
    }
}
