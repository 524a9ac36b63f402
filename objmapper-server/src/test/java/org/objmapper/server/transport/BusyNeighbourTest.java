package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Operation;

/** A session on a loop that another one always keeps busy. */
class BusyNeighbourTest {
    private static final int PINGS = 100;

    @TempDir
    Path directory;

    private ServerUnderTest server;
    private final AtomicBoolean enough = new AtomicBoolean();
    private CompletableFuture<Integer> neighbour = CompletableFuture.completedFuture(0);

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(directory, ServerUnderTest.LIMITS, 1);
        neighbour = CompletableFuture.supplyAsync(this::pingOverAndOver);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aClientWhoseSocketHasRoomForAFewRequestsSendsMany() throws Exception {
        try (RawClient client = RawClient.withLittleRoom(server.socket)) {
            for (int i = 1; i <= PINGS; i++) {
                client.send(RawClient.ping(i));
                assertThat(client.receive().operation()).isEqualTo(Operation.PING);
            }
        } finally {
            enough.set(true);
        }
        assertThat(neighbour.get(60, TimeUnit.SECONDS)).isPositive();
    }

    private int pingOverAndOver() {
        int count = 0;
        try (RawClient client = RawClient.greeted(server.socket)) {
            do {
                client.send(RawClient.ping(++count));
                client.receive();
            } while (!enough.get());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return count;
    }
}
