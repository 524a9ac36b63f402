package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** A server that drains says what it could not wait for; here it waits for nothing. */
class DrainTest {
    private static final ServerLimits NO_TIME =
            new ServerLimits(10, 64, 1_048_576, 4_096, 16, 16, 1 << 26, 30_000, 60_000, 30_000, 30_000, 0);

    @TempDir
    Path directory;

    private ServerUnderTest server;

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(directory, NO_TIME, 2);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void putsWithoutTheirEndAreGivenUp() throws Exception {
        try (RawClient one = RawClient.greeted(server.socket);
                RawClient other = RawClient.greeted(server.socket)) {
            beginPut(one, 1);
            beginPut(one, 2);
            beginPut(other, 1);

            assertThat(server.server.drain().requests()).isEqualTo(3);
        }
    }

    @Test
    void bodiesThatAClientDoesNotReadAreGivenUpWithItsSession() throws Exception {
        try (RawClient client = RawClient.greeted(server.socket)) {
            client.send(RawClient.put(1, "large", new byte[900_000]));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            for (int id = 1; id <= 3; id++) {
                client.send(RawClient.get(id, "large", Mode.COPY));
            }
            waitUntilRead(client);

            assertThat(server.server.drain()).isEqualTo(new Server.GivenUp(1, 3));
        }
    }

    @Test
    void whatIsAnsweredIsNotGivenUp() throws Exception {
        try (RawClient client = RawClient.greeted(server.socket)) {
            client.send(RawClient.put(1, "key", new byte[10]));
            assertThat(client.receive().status()).isEqualTo(Status.OK);

            assertThat(server.server.drain().requests()).isZero();
        }
    }

    private static void beginPut(RawClient client, int id) throws IOException {
        client.send(RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, id, Status.OK, Limits.UNKNOWN)
                .text(MetadataType.KEY, "key" + id)));
        waitUntilRead(client);
    }

    /** What was sent before a PING that is answered has been read. */
    private static void waitUntilRead(RawClient client) throws IOException {
        client.send(RawClient.ping(99));
        while (client.receive().id() != 99) {
            // what was answered before
        }
    }
}
