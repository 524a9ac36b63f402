package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
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
import org.objmapper.server.store.RequestHeaders;
import org.objmapper.server.store.StoreOptions;

/** What CANCEL does to a request in each state that it can be in (protocol-spec.md 5.11). */
class CancelTest {
    private static final int INDEX_THREADS = 2;

    @TempDir
    Path directory;

    private final CountDownLatch storeMayGoOn = new CountDownLatch(1);
    private ServerUnderTest server;
    private RawClient client;

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(
                directory,
                ServerLimits.DEFAULTS,
                1,
                StoreOptions.of(Files.createDirectory(directory.resolve("data")))
                        .withDevice(1, 1_024));
        client = RawClient.greeted(server.socket);
    }

    @AfterEach
    void stop() throws IOException {
        storeMayGoOn.countDown();
        client.close();
        server.close();
    }

    @Test
    void aRequestThatWaitsForItsTurnIsCancelledWhileTheOneBeforeItGoesOn() throws Exception {
        holdDevice();
        client.send(RawClient.put(1, "key", new byte[] {1}));
        client.send(delete(2, "key"));
        client.send(RawClient.get(3, "key"));
        client.send(cancel(4, 2));
        client.send(cancel(5, 3));

        assertThat(statuses(4)).isEqualTo(Map.of(2, Status.CANCELLED, 3, Status.CANCELLED, 4, Status.OK, 5, Status.OK));
        storeMayGoOn.countDown();
        assertThat(statuses(1)).isEqualTo(Map.of(1, Status.OK));
        client.send(RawClient.get(6, "key"));
        assertThat(client.receive().body()).isEqualTo(new byte[] {1});
    }

    @Test
    void aPutWhoseWholeBodyIsThereButWhoseTurnHasNotComeIsCancelled() throws Exception {
        holdDevice();
        client.send(delete(1, "key"));
        client.send(RawClient.put(2, "key", new byte[100_000]));
        client.send(openPut(3, "key"));
        client.send(end(3));
        client.send(cancel(4, 2));
        client.send(cancel(5, 3));

        assertThat(statuses(4)).isEqualTo(Map.of(2, Status.CANCELLED, 3, Status.CANCELLED, 4, Status.OK, 5, Status.OK));
        storeMayGoOn.countDown();
        assertThat(statuses(1)).isEqualTo(Map.of(1, Status.NOT_FOUND));
        assertThat(isThere("key")).isFalse();
    }

    @Test
    void whatWaitedForACancelledRequestTakesItsTurn() throws Exception {
        putSmall("key");
        holdIndex();
        client.send(RawClient.get(1, "key"));
        client.send(delete(2, "key"));
        client.send(RawClient.put(3, "key", new byte[] {3}));
        client.send(cancel(4, 2));

        assertThat(statuses(2)).isEqualTo(Map.of(2, Status.CANCELLED, 4, Status.OK));
        storeMayGoOn.countDown();
        assertThat(statuses(2)).isEqualTo(Map.of(1, Status.OK, 3, Status.OK));
    }

    @Test
    void aGetThatWaitsForTheIndexIsCancelled() throws Exception {
        putSmall("key");
        holdIndex();
        client.send(RawClient.get(1, "key"));
        client.send(cancel(2, 1));

        assertThat(statuses(1)).isEqualTo(Map.of(2, Status.OK));
        storeMayGoOn.countDown();
        assertThat(statuses(1)).isEqualTo(Map.of(1, Status.CANCELLED));
    }

    @Test
    void aListThatWaitsForTheIndexIsCancelled() throws Exception {
        holdLists();
        client.send(RawClient.frame(w -> w.begin(Operation.LIST, 0, 1, Status.OK, 0)));
        client.send(cancel(2, 1));

        assertThat(statuses(1)).isEqualTo(Map.of(2, Status.OK));
        storeMayGoOn.countDown();
        assertThat(statuses(1)).isEqualTo(Map.of(1, Status.CANCELLED));
    }

    @Test
    void aPutWhoseBodyIsHalfSentIsCancelledAndTheRestOfItIsPassedOver() throws Exception {
        client.send(openPut(1, "key"));
        client.send(data(1, new byte[100_000]));
        client.send(cancel(2, 1));

        assertThat(statuses(2)).isEqualTo(Map.of(1, Status.CANCELLED, 2, Status.OK));
        client.send(data(1, new byte[100_000]));
        client.send(cancel(3, 1));
        assertThat(statuses(1)).isEqualTo(Map.of(3, Status.NOT_FOUND));
        client.send(end(1));
        assertThat(isThere("key")).isFalse();
        client.send(RawClient.put(1, "key", new byte[] {1})); // the id is free again
        assertThat(statuses(1)).isEqualTo(Map.of(1, Status.OK));
    }

    @Test
    void changesThatTheStoreHasTakenHappenAndTheCancelSaysThatItIsTooLate() throws Exception {
        client.send(RawClient.put(1, "touched", new byte[1]));
        client.send(RawClient.put(2, "deleted", new byte[1]));
        statuses(2);
        holdDevice();
        client.send(RawClient.put(4, "put", new byte[] {4}));
        client.send(delete(5, "deleted"));
        client.send(RawClient.frame(w -> w.begin(Operation.TOUCH, 0, 6, Status.OK, 0)
                .text(MetadataType.KEY, "touched")
                .u64(MetadataType.TTL, 1)));
        client.send(RawClient.ping(7)); // answered in a turn of the loop that gave the PUT to the store
        statuses(1);
        for (int target = 4; target <= 6; target++) {
            client.send(cancel(target + 10, target));
        }

        assertThat(statuses(3)).isEqualTo(Map.of(14, Status.NOT_FOUND, 15, Status.NOT_FOUND, 16, Status.NOT_FOUND));
        storeMayGoOn.countDown();
        assertThat(statuses(3)).isEqualTo(Map.of(4, Status.OK, 5, Status.OK, 6, Status.OK));
        assertThat(isThere("put")).isTrue();
        assertThat(isThere("deleted")).isFalse();
    }

    @Test
    void aPurgeThatTheStoreHasTakenHappens() throws Exception {
        client.send(RawClient.put(1, "key", new byte[1]));
        statuses(1);
        holdDevice();
        client.send(RawClient.frame(
                w -> w.begin(Operation.PURGE, 0, 2, Status.OK, 0).text(MetadataType.KEY, "key")));
        client.send(cancel(3, 2));

        assertThat(statuses(1)).isEqualTo(Map.of(3, Status.NOT_FOUND));
        storeMayGoOn.countDown();
        assertThat(statuses(1)).isEqualTo(Map.of(2, Status.OK));
        assertThat(isThere("key")).isFalse();
    }

    @Test
    void aBodyThatIsBeingDeliveredByCopyEndsWithCancelled() throws Exception {
        putLarge();
        client.send(RawClient.frame(w -> w.begin(Operation.GET, 0, 1, Status.OK, 0)
                .text(MetadataType.KEY, "large")
                .u32(MetadataType.MODE, Mode.COPY.code())));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
        client.send(cancel(
                2, 1)); // nothing more of the body is read before this, and it is longer than what the socket holds

        Map<Integer, Status> ends = new HashMap<>();
        while (ends.size() < 2) {
            RawClient.Answer answer = client.receive();
            if (answer.operation() != Operation.DATA) {
                ends.put(answer.id(), answer.status());
            }
        }
        assertThat(ends).isEqualTo(Map.of(1, Status.CANCELLED, 2, Status.OK));
        client.send(RawClient.get(1, "absent")); // the session goes on, and the id is free again
        assertThat(statuses(1)).isEqualTo(Map.of(1, Status.NOT_FOUND));
    }

    @Test
    void whatIsDoneOrNeverWasIsNotFound() throws Exception {
        client.send(RawClient.get(1, "absent"));
        statuses(1);
        client.send(cancel(2, 1));
        client.send(cancel(3, 99));
        client.send(cancel(4, 4));

        assertThat(statuses(3)).isEqualTo(Map.of(2, Status.NOT_FOUND, 3, Status.NOT_FOUND, 4, Status.NOT_FOUND));
    }

    @Test
    void aCancelIsTakenWhileAsManyRequestsAreInFlightAsWereGranted() throws Exception {
        holdDevice();
        int granted = Limits.MAX_REQUESTS_DEFAULT;
        client.send(RawClient.put(1, "key", new byte[1]));
        for (int id = 2; id <= granted; id++) {
            client.send(delete(id, "key"));
        }
        client.send(cancel(granted + 1, granted));
        assertThat(statuses(2)).isEqualTo(Map.of(granted, Status.CANCELLED, granted + 1, Status.OK));
    }

    @Test
    void whereAnswersGoInOrderACancelActsAtOnceAndItsAnswerWaitsItsTurn() throws Exception {
        try (RawClient ordered = new RawClient(server.socket)) {
            ordered.send(RawClient.frame(w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC)
                    .versions(1, 1)
                    .u32(MetadataType.ORDERED, 1)));
            ordered.receive();
            holdDevice();
            ordered.send(RawClient.put(1, "key", new byte[1]));
            ordered.send(delete(2, "other"));
            ordered.send(cancel(3, 2));
            ordered.send(RawClient.ping(4));
            // Another session sees that the server has read all that: its own requests come later on the same loop.
            client.send(RawClient.ping(1));
            statuses(1);
            storeMayGoOn.countDown();

            List<Status> expected = List.of(Status.OK, Status.CANCELLED, Status.OK, Status.OK);
            for (int id = 1; id <= 4; id++) {
                RawClient.Answer answer = ordered.receive();
                assertThat(answer.id()).isEqualTo(id);
                assertThat(answer.status()).as("request %d", id).isEqualTo(expected.get(id - 1));
            }
        }
    }

    @Test
    void aCancelWithoutTargetIsABadRequest() throws Exception {
        client.send(RawClient.frame(w -> w.begin(Operation.CANCEL, 0, 1, Status.OK, 0)));
        assertThat(statuses(1)).isEqualTo(Map.of(1, Status.BAD_REQUEST));
    }

    @Test
    void aCancelOfRequest0SaysThatThereIsNone() throws Exception {
        client.send(cancel(1, 0));
        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).isEqualTo(Status.BAD_REQUEST);
        assertThat(answer.message()).startsWith("TARGET is 0");
    }

    @Test
    void goodbyeCountsThePutsWhoseRestWillNotBeReadButNotThoseThatAreAnswered() throws Exception {
        client.send(openPut(1, "key"));
        client.send(RawClient.frame(
                w -> w.begin(Operation.PUT, Frame.MORE, 2, Status.OK, 10).text(MetadataType.PREFIX, "no key")));
        assertThat(statuses(1)).isEqualTo(Map.of(2, Status.BAD_REQUEST));
        client.send(RawClient.frame(w -> w.begin(Operation.GOODBYE, 0, 3, Status.OK, 0)));

        RawClient.Answer answer = client.receive();
        assertThat(answer.operation()).isEqualTo(Operation.GOODBYE);
        assertThat(answer.u64(MetadataType.COUNT)).isEqualTo(1);
        assertThat(client.isClosedByServer()).isTrue();
    }

    /** Changes wait from here on; they are the store's as soon as they are in its queue. */
    private void holdDevice() {
        assertThat(server.store.submit(this::awaitTheTest)).isTrue();
    }

    /** Look-ups wait from here on. */
    private void holdIndex() {
        byte[] key = "nobody's".getBytes(StandardCharsets.UTF_8);
        long hash = server.store.hash(ByteBuffer.wrap(key), 0, key.length);
        for (int i = 0; i < INDEX_THREADS; i++) {
            assertThat(server.store.lookup(key, hash, new RequestHeaders(), (found, failure) -> awaitTheTest()))
                    .isTrue();
        }
    }

    /** Listings wait from here on. */
    private void holdLists() {
        assertThat(server.store.list(new byte[0], null, 1, page -> {
                    page.close();
                    awaitTheTest();
                }))
                .isTrue();
    }

    private void awaitTheTest() {
        try {
            storeMayGoOn.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Its body stands in the index. */
    private void putSmall(String key) throws IOException {
        client.send(RawClient.put(1, key, new byte[] {1}));
        assertThat(statuses(1)).isEqualTo(Map.of(1, Status.OK));
    }

    private void putLarge() throws IOException {
        client.send(openPut(1, "large"));
        for (int i = 0; i < 8; i++) {
            client.send(data(1, new byte[1_000_000]));
        }
        client.send(end(1));
        assertThat(statuses(1)).isEqualTo(Map.of(1, Status.OK));
    }

    private boolean isThere(String key) throws IOException {
        client.send(RawClient.get(1_000, key));
        return client.receive().status() == Status.OK;
    }

    /** The next answers, by request. */
    private Map<Integer, Status> statuses(int count) throws IOException {
        Map<Integer, Status> statuses = new HashMap<>();
        for (int i = 0; i < count; i++) {
            RawClient.Answer answer = client.receive();
            assertThat(statuses.put(answer.id(), answer.status())).isNull();
        }
        return statuses;
    }

    private static ByteBuffer cancel(int id, int target) {
        return RawClient.frame(
                w -> w.begin(Operation.CANCEL, 0, id, Status.OK, 0).u32(MetadataType.TARGET, target));
    }

    private static ByteBuffer delete(int id, String key) {
        return RawClient.frame(
                w -> w.begin(Operation.DELETE, 0, id, Status.OK, 0).text(MetadataType.KEY, key));
    }

    private static ByteBuffer openPut(int id, String key) {
        return RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, id, Status.OK, Limits.UNKNOWN)
                .text(MetadataType.KEY, key));
    }

    private static ByteBuffer data(int id, byte[] bytes) {
        return RawClient.frame(
                w -> w.begin(Operation.DATA, 0, id, Status.OK, 0).body().put(bytes));
    }

    private static ByteBuffer end(int id) {
        return RawClient.frame(w -> w.begin(Operation.END, 0, id, Status.OK, 0));
    }
}
