package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.JavaCommand;
import org.objmapper.server.transport.RawClient;
import org.objmapper.server.transport.ServerUnderTest;

/** A process that is killed in the middle of all that a client does takes nothing with it. */
@Timeout(300)
class KilledClientTest {
    private static final int KILLED = 2;
    private static final byte[] BODY = new byte[8 << 20];

    static {
        new Random(29).nextBytes(BODY);
    }

    @TempDir
    Path directory;

    @Test
    void theServerHasWhatItHadAndAnotherSessionGoesOn() throws Exception {
        try (ServerUnderTest server = new ServerUnderTest(directory);
                RawClient other = RawClient.passing(server.socket, 1)) {
            put(other, 1, DoomedClient.BODY_KEY);
            assertHasBody(other, 2);
            assertNotFound(other, 3, "chunks");
            long descriptors = Descriptors.count();
            for (int i = 0; i < KILLED; i++) {
                beginPut(other, 4);
                await().until(() -> server.server.heldInputBytes() > 0);
                long held = server.server.heldInputBytes(); // of the other session
                Process doomed = start(server.socket);
                try (BufferedReader lines = doomed.inputReader(StandardCharsets.UTF_8)) {
                    assertThat(lines.readLine()).isEqualTo("doomed " + DoomedClient.SESSIONS);
                    await().until(() -> server.server.heldInputBytes() > held);
                    assertThat(server.server.sessions()).isEqualTo(1 + DoomedClient.SESSIONS);
                    assertHasBody(other, 5);
                } finally {
                    doomed.destroyForcibly(); // SIGKILL
                    doomed.waitFor();
                }
                await().until(() -> server.server.sessions() == 1);
                assertThat(server.server.heldInputBytes()).isEqualTo(held);
                assertHasBody(other, 6);
                endPut(other, 4);
                await().untilAsserted(() -> assertThat(Descriptors.count()).isLessThanOrEqualTo(descriptors));
            }
            for (String key : List.of("whole", "chunks", "half")) {
                assertNotFound(other, 7, key);
            }
        }
    }

    private static Process start(Path socket) throws IOException {
        return new ProcessBuilder(JavaCommand.of(DoomedClient.class, socket.toString()))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static void beginPut(RawClient client, int id) throws IOException {
        client.send(RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, id, Status.OK, Limits.UNKNOWN)
                .text(MetadataType.KEY, "other")));
    }

    private static void endPut(RawClient client, int id) throws Exception {
        client.send(RawClient.frame(w -> w.begin(Operation.END, 0, id, Status.OK, 0)));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    private static void put(RawClient client, int id, String key) throws IOException {
        client.send(RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, id, Status.OK, Limits.UNKNOWN)
                .text(MetadataType.KEY, key)));
        int chunk = 1 << 20;
        for (int i = 0; i < BODY.length; i += chunk / 2) {
            int from = i;
            client.send(RawClient.frame(
                    w -> w.begin(Operation.DATA, 0, id, Status.OK, 0).body().put(BODY, from, chunk / 2)));
        }
        client.send(RawClient.frame(w -> w.begin(Operation.END, 0, id, Status.OK, 0)));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    private static void assertHasBody(RawClient client, int id) throws IOException {
        client.send(RawClient.get(id, DoomedClient.BODY_KEY, Mode.COPY));
        RawClient.Answer frame = client.receive();
        assertThat(frame.status()).isEqualTo(Status.OK);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        while (frame.operation() != Operation.END) {
            body.write(frame.body());
            frame = client.receive();
        }
        assertThat(frame.status()).isEqualTo(Status.OK);
        assertThat(body.toByteArray()).isEqualTo(BODY);
    }

    private static void assertNotFound(RawClient client, int id, String key) throws IOException {
        client.send(RawClient.get(id, key));
        assertThat(client.receive().status()).isEqualTo(Status.NOT_FOUND);
    }
}
