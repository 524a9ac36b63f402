package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** IDLE_TIMEOUT: from when on a session is idle. */
class IdleTest {
    private static final int HELLO_MILLIS = 200;
    private static final int IDLE_MILLIS = 2_000;
    private static final ServerLimits LIMITS = new ServerLimits(
            10, 16, Limits.MAX_FRAME_DEFAULT, 4_096, 16, 16, 1 << 26, HELLO_MILLIS, IDLE_MILLIS, 30_000, 30_000, 5_000);

    @TempDir
    Path directory;

    private ServerUnderTest server;

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(directory, LIMITS, 1);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void aSessionThatNothingIsAskedOnEndsWithGoodbye() throws Exception {
        try (RawClient idle = RawClient.greeted(server.socket)) {
            assertEndsIdle(idle);
        }
    }

    @Test
    void aSessionIsNotIdleBeforeItsLongDownloadHasEnded() throws Exception {
        try (RawClient client = RawClient.greeted(server.socket)) {
            client.send(RawClient.put(1, "large", new byte[900_000]));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            client.send(RawClient.get(2, "large", Mode.COPY));
            try (RawClient idle = RawClient.greeted(server.socket)) {
                assertEndsIdle(idle); // and nothing was heard of the other for as long
            }
            RawClient.Answer answer = client.receive();
            while (answer.operation() != Operation.END) {
                answer = client.receive();
            }
            waitUntilTheLoopLooksForIdleSessions();
            client.send(RawClient.ping(3));
            assertThat(client.receive().operation()).isEqualTo(Operation.PING);
        }
    }

    private static void assertEndsIdle(RawClient client) throws IOException {
        RawClient.Answer answer = client.receive();
        assertThat(answer.operation()).isEqualTo(Operation.GOODBYE);
        assertThat(answer.status()).isEqualTo(Status.TIMEOUT);
    }

    /** It looks for those who say no HELLO at the same time. */
    private void waitUntilTheLoopLooksForIdleSessions() throws IOException {
        try (RawClient silent = new RawClient(server.socket)) {
            assertThat(silent.receive().status()).isEqualTo(Status.TIMEOUT);
        }
    }
}
