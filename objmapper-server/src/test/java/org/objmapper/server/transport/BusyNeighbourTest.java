package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** A session on a loop that another one always keeps busy. */
class BusyNeighbourTest {
    private static final int PINGS = 100;
    private static final int LARGE = 1_000_000;
    private static final int TIMES = 20;

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

    /** In steps that are cut short for the neighbour's sake. */
    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"COPY", "SPLICE"})
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void largeBodiesComeWholeAllTheSame(Mode mode) throws Exception {
        byte[] body = new byte[LARGE];
        new Random(LARGE).nextBytes(body);
        try (RawClient client = RawClient.greeted(server.socket)) {
            client.send(RawClient.put(1, "large", body));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            for (int i = 0; i < TIMES; i++) {
                client.send(RawClient.get(2 + i, "large", mode));
                assertThat(client.receiveBody()).isEqualTo(body);
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
