package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A C session in a burst of passed descriptors, and when its server is killed in the middle of an answer. */
class CSessionTest {
    @TempDir
    Path directory;

    @Test
    void aCSessionEndsWithItsServerAndAnotherGoesOn() throws Exception {
        Path errors = directory.resolve("outlive.err");
        Process client;
        try (RunningServer server = RunningServer.in(directory)) {
            client = new ProcessBuilder(
                            System.getProperty("objmapper.root") + "/native/target/cmake/"
                                    + System.getProperty("objmapper.preset", "dev") + "/endtoend/outlive",
                            server.socket.toString())
                    .redirectError(errors.toFile())
                    .start();
            assertThat(client.inputReader().readLine()).as(errors.toString()).isEqualTo("mid-answer");
            server.kill();
        }
        BufferedReader said = client.inputReader();
        goOn(client);
        assertThat(said.readLine()).as(Files.readString(errors)).isEqualTo("ended");
        try (RunningServer server = RunningServer.in(directory)) {
            goOn(client);
            assertThat(said.readLine()).as(Files.readString(errors)).isEqualTo("anew");
            assertThat(client.waitFor()).isZero();
            assertThat(server.stop()).isZero();
        } finally {
            client.destroy();
        }
    }

    private static void goOn(Process client) throws IOException {
        OutputStream in = client.getOutputStream();
        in.write('\n');
        in.flush();
    }
}
