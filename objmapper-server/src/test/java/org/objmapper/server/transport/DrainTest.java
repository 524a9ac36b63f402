package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** What a server that stops goes on with, for how long, and what it refuses (protocol-spec.md 5.12). */
@Timeout(120)
class DrainTest {
    private static final int NO_TIME = 0;
    private static final int ENOUGH_TIME = 600_000;

    @TempDir
    Path directory;

    private @Nullable ServerUnderTest server;

    private ServerUnderTest serve(int drainMillis) throws IOException {
        ServerUnderTest started = new ServerUnderTest(
                directory,
                new ServerLimits(
                        10, 64, 1_048_576, 4_096, 16, 16, 1 << 26, 30_000, 60_000, 30_000, 30_000, drainMillis),
                2);
        server = started;
        return started;
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private static CompletableFuture<Server.GivenUp> drain(ServerUnderTest server) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return server.server.drain();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }

    private static void assertToldOfTheStop(RawClient client) throws IOException {
        RawClient.Answer goodbye = client.receive();
        assertThat(goodbye.operation()).isEqualTo(Operation.GOODBYE);
        assertThat(goodbye.id()).isZero();
        assertThat(goodbye.status()).isEqualTo(Status.SHUTTING_DOWN);
    }

    // ---- within the time

    @Test
    void aPutWhoseBodyComesInTimeIsStoredAndAcknowledged() throws Exception {
        ServerUnderTest running = serve(ENOUGH_TIME);
        try (RawClient client = RawClient.greeted(running.socket)) {
            beginPut(client, 1);
            client.send(data(1, new byte[10_000]));
            CompletableFuture<Server.GivenUp> drained = drain(running);
            assertToldOfTheStop(client);
            client.send(data(1, new byte[10_000]));
            client.send(end(1));

            RawClient.Answer answer = client.receive();
            assertThat(answer.operation()).isEqualTo(Operation.PUT);
            assertThat(answer.status()).isEqualTo(Status.OK);
            assertThat(client.isClosedByServer()).isTrue();
            assertThat(drained.join()).isEqualTo(new Server.GivenUp(0, 0));
        }
        assertThat(storedBytes("key1")).isEqualTo(20_000);
    }

    @Test
    void aPutWhoseFrameIsCutByTheStopGoesOnToo() throws Exception {
        ServerUnderTest running = serve(ENOUGH_TIME);
        try (RawClient client = RawClient.greeted(running.socket)) {
            ByteBuffer put = RawClient.put(2, "key", new byte[20_000]);
            client.send(ByteBuffer.allocate(10_000)
                    .put(RawClient.ping(1))
                    .put(put.duplicate().limit(10_000 - Limits.HEADER))
                    .flip());
            client.receive(); // both came in one message
            CompletableFuture<Server.GivenUp> drained = drain(running);
            assertToldOfTheStop(client);
            client.send(put.position(10_000 - Limits.HEADER));

            assertThat(client.receive().status()).isEqualTo(Status.OK);
            assertThat(drained.join()).isEqualTo(new Server.GivenUp(0, 0));
        }
        assertThat(storedBytes("key")).isEqualTo(20_000);
    }

    @Test
    void aBodyThatAClientReadsIsSentToItsEnd() throws Exception {
        ServerUnderTest running = serve(ENOUGH_TIME);
        try (RawClient client = RawClient.greeted(running.socket)) {
            storeLarge(client);
            client.send(RawClient.get(1, "large", Mode.COPY));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            CompletableFuture<Server.GivenUp> drained = drain(running);
            int bytes = 0;
            for (RawClient.Answer next = client.receive(); next.operation() != Operation.END; next = client.receive()) {
                bytes += next.body().length;
            }
            assertThat(bytes).isEqualTo(900_000);
            assertThat(drained.join()).isEqualTo(new Server.GivenUp(0, 0));
        }
    }

    @Test
    void anIdleSessionAndOneThatNeverGreetedCloseAtOnce() throws Exception {
        ServerUnderTest running = serve(ENOUGH_TIME);
        try (RawClient idle = RawClient.greeted(running.socket);
                RawClient silent = new RawClient(running.socket)) {
            await().until(() -> running.server.sessions() == 2);
            CompletableFuture<Server.GivenUp> drained = drain(running);
            assertToldOfTheStop(idle);
            assertThat(idle.isClosedByServer()).isTrue();
            assertThat(silent.isClosedByServer()).isTrue();
            assertThat(drained.join()).isEqualTo(new Server.GivenUp(0, 0));
        }
    }

    @Test
    void newRequestsAreRefusedAndACancelIsNot() throws Exception {
        ServerUnderTest running = serve(ENOUGH_TIME);
        try (RawClient client = RawClient.greeted(running.socket)) {
            beginPut(client, 1);
            CompletableFuture<Server.GivenUp> drained = drain(running);
            assertToldOfTheStop(client);
            client.send(RawClient.get(2, "key"));
            assertThat(client.receive().status()).isEqualTo(Status.SHUTTING_DOWN);
            client.send(openPut(3));
            assertThat(client.receive().status()).isEqualTo(Status.SHUTTING_DOWN);
            client.send(RawClient.frame(
                    w -> w.begin(Operation.CANCEL, 0, 4, Status.OK, 0).u32(MetadataType.TARGET, 1)));

            assertThat(client.receive().status()).isIn(Status.OK, Status.CANCELLED);
            assertThat(client.receive().status()).isIn(Status.OK, Status.CANCELLED);
            assertThat(client.isClosedByServer()).isTrue();
            assertThat(drained.join()).isEqualTo(new Server.GivenUp(0, 0));
        }
    }

    @Test
    void newConnectionsAreTurnedAway() throws Exception {
        ServerUnderTest running = serve(ENOUGH_TIME);
        try (RawClient client = RawClient.greeted(running.socket)) {
            beginPut(client, 1);
            final CompletableFuture<Server.GivenUp> drained = drain(running);
            assertToldOfTheStop(client);
            await().untilAsserted(
                            () -> { // each loop learns of the stop by itself
                                try (RawClient late = new RawClient(running.socket)) {
                                    assertThat(late.receive().status()).isEqualTo(Status.SHUTTING_DOWN);
                                }
                            });
            client.send(end(1));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            drained.join();
        }
    }

    // ---- when the time is over

    @Test
    void putsWithoutTheirEndAreCutAndNothingOfThemIsKept() throws Exception {
        ServerUnderTest running = serve(NO_TIME);
        try (RawClient one = RawClient.greeted(running.socket);
                RawClient other = RawClient.greeted(running.socket)) {
            beginPut(one, 1);
            one.send(data(1, new byte[10_000]));
            beginPut(one, 2);
            beginPut(other, 3);

            assertThat(running.server.drain()).isEqualTo(new Server.GivenUp(2, 3));
            assertToldOfTheStop(other);
            assertThat(other.isClosedByServer()).isTrue();
        }
        assertThat(storedBytes("key1")).isEqualTo(-1);
    }

    @Test
    void aDrainThatIsCutShortWaitsNoLonger() throws Exception {
        ServerUnderTest running = serve(ENOUGH_TIME);
        try (RawClient client = RawClient.greeted(running.socket)) {
            beginPut(client, 1);
            CompletableFuture<Server.GivenUp> drained = drain(running);
            assertToldOfTheStop(client);
            running.server.cutDrainShort();

            assertThat(drained.join()).isEqualTo(new Server.GivenUp(1, 1));
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @Test
    void bodiesThatAClientDoesNotReadAreGivenUpWithItsSession() throws Exception {
        ServerUnderTest running = serve(NO_TIME);
        try (RawClient client = RawClient.greeted(running.socket)) {
            storeLarge(client);
            ByteBuffer gets = ByteBuffer.allocate(1_000);
            for (int id = 1; id <= 3; id++) {
                gets.put(RawClient.get(id, "large", Mode.COPY));
            }
            client.send(gets.flip());
            assertThat(client.receive().status()).isEqualTo(Status.OK); // all came in one message

            assertThat(running.server.drain()).isEqualTo(new Server.GivenUp(1, 3));
        }
    }

    private static void storeLarge(RawClient client) throws IOException {
        client.send(RawClient.put(1, "large", new byte[900_000]));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    /** The length of what stands under a key after another start; -1 for nothing. */
    private long storedBytes(String key) throws IOException {
        stop();
        ServerUnderTest next = serve(NO_TIME);
        try (RawClient client = RawClient.greeted(next.socket)) {
            client.send(RawClient.frame(
                    w -> w.begin(Operation.HEAD, 0, 1, Status.OK, 0).text(MetadataType.KEY, key)));
            RawClient.Answer answer = client.receive();
            return answer.status() == Status.OK ? answer.objectLength() : -1;
        }
    }

    private static void beginPut(RawClient client, int id) throws IOException {
        client.send(openPut(id));
        waitUntilRead(client);
    }

    private static ByteBuffer openPut(int id) {
        return RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, id, Status.OK, Limits.UNKNOWN)
                .text(MetadataType.KEY, "key" + id));
    }

    private static ByteBuffer data(int id, byte[] bytes) {
        return RawClient.frame(
                w -> w.begin(Operation.DATA, 0, id, Status.OK, 0).body().put(bytes));
    }

    private static ByteBuffer end(int id) {
        return RawClient.frame(w -> w.begin(Operation.END, 0, id, Status.OK, 0));
    }

    /** What was sent before a PING that is answered has been read. */
    private static void waitUntilRead(RawClient client) throws IOException {
        client.send(RawClient.ping(99));
        while (client.receive().id() != 99) {
            // what was answered before
        }
    }
}
