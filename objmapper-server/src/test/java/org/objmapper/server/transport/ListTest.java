package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
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
import org.objmapper.server.store.ListedPage;
import org.objmapper.server.store.Store;

/** What LISTs take of the store, whether their client reads or not. */
class ListTest {
    /** MAX_LISTINGS of protocol-spec.md 8. */
    private static final int MAX_LISTINGS = 256;

    @TempDir
    Path directory;

    private final CountDownLatch listsMayGoOn = new CountDownLatch(1);
    private ServerUnderTest server;
    private RawClient client;

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(directory, ServerLimits.DEFAULTS, 1);
        client = RawClient.greeted(server.socket);
    }

    @AfterEach
    void stop() throws IOException {
        listsMayGoOn.countDown();
        client.close();
        server.close();
    }

    @Test
    void aSessionHasOneListUnderWayAndTheOthersWaitForIt() throws Exception {
        holdLists();
        for (int id = 1; id <= 60; id++) {
            client.send(list(id));
        }
        client.send(RawClient.ping(61));
        assertThat(client.receive().id()).isEqualTo(61);

        assertThat(takeAllPlaces()).isEqualTo(MAX_LISTINGS - 2); // the one that holds, and the session's
        listsMayGoOn.countDown();
        Set<Integer> answered = new HashSet<>();
        for (int i = 0; i < 60; i++) {
            RawClient.Answer answer = client.receive();
            assertThat(answer.status()).isIn(Status.OK, Status.BUSY);
            answered.add(answer.id());
        }
        assertThat(answered).hasSize(60);
    }

    @Test
    void aListIsBusyWhereTooManyAreUnderWay() throws Exception {
        holdLists();
        takeAllPlaces();

        client.send(list(1));
        assertThat(client.receive().status()).isEqualTo(Status.BUSY);
    }

    @Test
    void aListWhoseClientDoesNotReadIsNotBegun() throws Exception {
        client.send(RawClient.frame(w ->
                w.begin(Operation.PUT, Frame.MORE, 1, Status.OK, Limits.UNKNOWN).text(MetadataType.KEY, "large")));
        for (int i = 0; i < 8; i++) {
            client.send(RawClient.frame(
                    w -> w.begin(Operation.DATA, 0, 1, Status.OK, 0).body().put(new byte[1_000_000])));
        }
        client.send(RawClient.frame(w -> w.begin(Operation.END, 0, 1, Status.OK, 0)));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
        client.send(RawClient.get(2, "large", Mode.COPY));
        assertThat(client.receive().more()).isTrue();
        client.send(list(3));
        try (RawClient other = RawClient.greeted(server.socket)) {
            other.send(RawClient.ping(1)); // on the same loop, and so behind the LIST
            other.receive();
        }
        holdLists();

        assertThat(takeAllPlaces()).isEqualTo(MAX_LISTINGS - 1);
        listsMayGoOn.countDown();
        RawClient.Answer answer = client.receive();
        while (answer.id() != 3) {
            answer = client.receive();
        }
        assertThat(answer.status()).isIn(Status.OK, Status.BUSY);
    }

    private static ByteBuffer list(int id) {
        return RawClient.frame(w -> w.begin(Operation.LIST, 0, id, Status.OK, 0));
    }

    /** Listings wait from here on. */
    private void holdLists() {
        assertThat(list(page -> {
                    awaitTheTest();
                    page.close();
                }))
                .isTrue();
    }

    /** Begins listings until the store takes no more; returns how many it took. */
    private int takeAllPlaces() {
        int count = 0;
        while (list(ListedPage::close)) {
            count++;
        }
        return count;
    }

    private boolean list(Store.Listing listing) {
        return server.store.list(new byte[0], null, 1, listing);
    }

    private void awaitTheTest() {
        try {
            listsMayGoOn.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
