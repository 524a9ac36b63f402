package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** MAX_HELD_INPUT (protocol-spec.md 8.2): what sessions with half a request may hold, and who ends beyond it. */
class HeldInputTest {
    private static final int SMALL = 16 * 1024;
    private static final int FITTING = 32;
    private static final int REQUESTS = 16;
    private static final int OPAQUE = 12_000;
    /** What an open PUT counts for: header and bytes of its opaque metadata and of its key, and what an entry counts for itself. */
    private static final int OPEN_PUT = 8 + OPAQUE + 8 + 8 + 48;

    private static final int OPEN_PUTS = FITTING * SMALL / OPEN_PUT;

    private static final ServerLimits LIMITS = new ServerLimits(
            100,
            REQUESTS,
            Limits.MAX_FRAME_DEFAULT,
            4_096,
            16,
            16,
            FITTING * SMALL,
            30_000,
            60_000,
            30_000,
            30_000,
            5_000);

    @TempDir
    Path directory;

    private final List<RawClient> clients = new ArrayList<>();
    private ServerUnderTest server;

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(directory, LIMITS, 1);
    }

    @AfterEach
    void stop() throws IOException {
        for (RawClient client : clients) {
            client.close();
        }
        await().until(() -> server.server.sessions() == 0);
        assertThat(held()).isZero();
        server.close();
    }

    @Test
    void asManyHalfRequestsAsFitAreKeptAndAnsweredWhenTheyAreWhole() throws Exception {
        for (int i = 0; i < FITTING; i++) {
            begin(RawClient.ping(i + 1));
        }
        await().until(() -> held() == FITTING * SMALL);
        for (int i = 0; i < FITTING; i++) {
            assertThat(finish(i).status()).isEqualTo(Status.OK);
        }
        await().until(() -> held() == 0);
    }

    @Test
    void withOneMoreOneIsEndedWithBusyAndTheOthersAreAnswered() throws Exception {
        for (int i = 0; i < FITTING; i++) {
            begin(RawClient.ping(i + 1));
        }
        await().until(() -> held() == FITTING * SMALL);
        begin(RawClient.ping(FITTING + 1));
        await().until(() -> server.server.sessions() == FITTING);

        int busy = 0;
        for (int i = 0; i <= FITTING; i++) {
            RawClient.Answer answer = finishUnlessEnded(i);
            if (answer.operation() == Operation.ERROR) {
                assertEnded(clients.get(i), answer);
                busy++;
            } else {
                assertThat(answer.status()).isEqualTo(Status.OK);
            }
        }
        assertThat(busy).isEqualTo(1);
    }

    @Test
    void theSessionThatHoldsMostIsEndedAndNoOther() throws Exception {
        ByteBuffer largest = RawClient.frame(w -> {
            w.begin(Operation.GET, 0, 1, Status.OK, 0).text(MetadataType.KEY, "key");
            for (int size = Limits.MAX_METADATA - 16; size > 0; size -= 65_536 + 8) {
                w.bytes(MetadataType.OPAQUE, new byte[Math.min(size - 8, 65_536)]);
            }
        });
        begin(largest);
        await().until(() -> held() > 65_536);
        long left = FITTING * SMALL - held();
        for (int id = 2; held() + SMALL <= FITTING * SMALL; id++) {
            long before = held();
            begin(RawClient.ping(id));
            await().until(() -> held() == before + SMALL);
        }
        assertThat(left).isGreaterThanOrEqualTo(SMALL);
        begin(RawClient.ping(100));

        assertEnded(clients.get(0), clients.get(0).receive());
        for (int i = 1; i < clients.size(); i++) {
            assertThat(finish(i).status()).isEqualTo(Status.OK);
        }
    }

    @Test
    void theMemoryOfAClientThatLeftIsFreeAgain() throws Exception {
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < FITTING; i++) {
                begin(RawClient.ping(i + 1));
            }
            await().until(() -> held() == FITTING * SMALL);
            for (RawClient client : clients) {
                client.close();
            }
            clients.clear();
            await().until(() -> held() == 0);
        }
    }

    @Test
    void theMetadataOfPutsWhoseBodiesAreOpenIsKeptAsFarAsItFits() throws Exception {
        for (int i = 0; i < OPEN_PUTS; i++) {
            openPut(i);
        }
        for (int i = 0; i < OPEN_PUTS; i++) {
            assertThat(endOfPut(i).status()).isEqualTo(Status.OK);
        }
        await().until(() -> held() == 0);
    }

    @Test
    void withTheMetadataOfOneMoreASessionThatHoldsMostIsEndedAndNoOther() throws Exception {
        for (int i = 0; i < OPEN_PUTS; i++) {
            openPut(i);
        }
        sendOpenPut(OPEN_PUTS);

        assertEnded(clients.get(0), clients.get(0).receive());
        for (int i = REQUESTS; i <= OPEN_PUTS; i++) {
            assertThat(endOfPut(i).status()).isEqualTo(Status.OK);
        }
    }

    @Test
    void theMetadataOfPutsIsFreeAgainWhenTheirClientLeaves() throws Exception {
        for (int i = 0; i < REQUESTS; i++) {
            openPut(i);
        }
        clients.get(0).close();
        await().until(() -> held() == 0);
    }

    @Test
    void manySmallEntriesCountForMoreThanTheirBytes() throws Exception {
        ByteBuffer request = RawClient.frame(w -> {
            w.begin(Operation.PUT, Frame.MORE, 1, Status.OK, Limits.UNKNOWN).text(MetadataType.KEY, "key");
            for (int i = 0; i < 1_000; i++) {
                w.bytes(300, new byte[0], 0, 0); // object metadata of an unknown type
            }
        });
        client(0).send(request);
        await().until(() -> held() > 40_000);
    }

    private RawClient client(int index) throws IOException {
        while (clients.size() <= index) {
            clients.add(RawClient.greeted(server.socket));
        }
        return clients.get(index);
    }

    private void openPut(int index) throws IOException {
        long before = held();
        sendOpenPut(index);
        await().until(() -> held() == before + OPEN_PUT);
    }

    private void sendOpenPut(int index) throws IOException {
        client(index / REQUESTS)
                .send(RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, index + 1, Status.OK, Limits.UNKNOWN)
                        .text(MetadataType.KEY, "key" + index)
                        .bytes(MetadataType.OPAQUE, new byte[OPAQUE])));
    }

    private RawClient.Answer endOfPut(int index) throws IOException {
        RawClient client = client(index / REQUESTS);
        client.send(RawClient.frame(w -> w.begin(Operation.END, 0, index + 1, Status.OK, 0)));
        return client.receive();
    }

    private final List<ByteBuffer> rests = new ArrayList<>();

    /** Sends all of a request but its last bytes, on a session of its own. */
    private void begin(ByteBuffer request) throws IOException {
        RawClient client = RawClient.greeted(server.socket);
        clients.add(client);
        int end = request.limit();
        client.send(request.limit(end - 8));
        rests.add(request.limit(end));
    }

    private RawClient.Answer finish(int index) throws IOException {
        clients.get(index).send(rests.get(index));
        return clients.get(index).receive();
    }

    private RawClient.Answer finishUnlessEnded(int index) throws IOException {
        try {
            clients.get(index).send(rests.get(index));
        } catch (IOException e) {
            // ended: what it was told is there to be read
        }
        return clients.get(index).receive();
    }

    private static void assertEnded(RawClient client, RawClient.Answer answer) throws Exception {
        assertThat(answer.operation()).isEqualTo(Operation.ERROR);
        assertThat(answer.status()).isEqualTo(Status.BUSY);
        assertThat(answer.message()).contains("MAX_HELD_INPUT");
        assertThat(isEnded(client)).isTrue();
    }

    private static boolean isEnded(RawClient client) {
        try {
            return client.isClosedByServer();
        } catch (IOException e) {
            return true; // reset: it had sent more meanwhile
        }
    }

    private long held() {
        return server.server.heldInputBytes();
    }
}
