package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreOptions;

/** Sessions against a real server: what they answer, and what they bear. */
class SessionTest {
    private static final ServerLimits LIMITS = new ServerLimits(
            1_200, 16, Limits.MAX_FRAME_DEFAULT, 4_096, 16, 16, 1 << 26, 30_000, 60_000, 30_000, 30_000, 5_000);

    @TempDir
    Path directory;

    private Path socket;
    private Store store;
    private Server server;

    @BeforeEach
    void start() throws IOException {
        Path data = Files.createDirectory(directory.resolve("data"));
        socket = directory.resolve("s");
        store = Store.open(StoreOptions.of(data));
        Listener listener = Listener.open(ListenerRules.everything(socket.toString()), null, null, 0600);
        server = new Server(
                LIMITS, List.of(new Service(List.of(listener), () -> new Exchanges(store))), ServerUnderTest.loops(2));
        server.start();
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        store.close();
        assertThat(socket).doesNotExist();
    }

    @Test
    void helloIsAnsweredWithWhatIsGranted() throws Exception {
        try (RawClient client = new RawClient(socket)) {
            client.send(RawClient.hello());
            RawClient.Answer answer = client.receive();
            assertThat(answer.operation()).isEqualTo(Operation.HELLO);
            assertThat(answer.status()).isEqualTo(Status.OK);
            assertThat(answer.objectLength()).isEqualTo(Limits.MAGIC);
        }
    }

    @Test
    void garbageInsteadOfHelloIsRefusedWithItsClause() throws Exception {
        try (RawClient client = new RawClient(socket)) {
            client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
            RawClient.Answer answer = client.receive();
            assertThat(answer.operation()).isEqualTo(Operation.ERROR);
            assertThat(answer.status()).isEqualTo(Status.MALFORMED);
            assertThat(answer.clause()).isEqualTo("2.2");
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @Test
    void aVersionThatNobodySpeaksIsRefusedWithTheServersRange() throws Exception {
        try (RawClient client = new RawClient(socket)) {
            client.send(RawClient.frame(
                    w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC).versions(2, 9)));
            RawClient.Answer answer = client.receive();
            assertThat(answer.status()).isEqualTo(Status.VERSION_MISMATCH);
            assertThat(answer.message()).contains("2 to 9");
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 31, 2.2",
        "0, -1, 2.2",
        "0, 1048577, 2.2",
        "16, 4, 2.2",
        "16, -8, 2.2",
        "16, 131080, 2.2",
        "20, 1, 2.2"
    })
    void aLengthFieldOutOfBoundsIsRefused(int offset, int value, String clause) throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            ByteBuffer frame = RawClient.ping(1);
            frame.putInt(offset, value);
            client.send(frame);
            RawClient.Answer answer = client.receive();
            assertThat(answer.status()).isEqualTo(Status.MALFORMED);
            assertThat(answer.clause()).isEqualTo(clause);
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @Test
    void framesCutAtEveryByteAreAnsweredAllTheSame() throws Exception {
        ByteBuffer whole = ByteBuffer.allocate(4_096);
        whole.put(RawClient.hello())
                .put(RawClient.ping(1))
                .put(RawClient.get(2, "absent"))
                .flip();
        for (int cut = 1; cut < whole.limit(); cut++) {
            try (RawClient client = new RawClient(socket)) {
                client.send(whole.duplicate().limit(cut));
                client.send(whole.duplicate().position(cut));
                assertThat(client.receive().operation()).isEqualTo(Operation.HELLO);
                Set<Integer> ids = new HashSet<>();
                ids.add(client.receive().id());
                ids.add(client.receive().id());
                assertThat(ids).containsExactlyInAnyOrder(1, 2);
            }
        }
    }

    @Test
    void anUnknownOperationIsUnsupportedAndTheSessionGoesOn() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(
                    RawClient.frame(w -> w.begin(200, 0, 1, Status.OK, 0).body().put(new byte[100])));
            assertThat(client.receive().status()).isEqualTo(Status.UNSUPPORTED);
            client.send(RawClient.ping(2));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
    }

    @ParameterizedTest
    @CsvSource({"2, BAD_REQUEST", "10, BAD_REQUEST", "9, BAD_REQUEST", "200, UNSUPPORTED"})
    void aBodyThatNobodyAskedForIsPassedOverAndTheSessionGoesOn(int operation, Status status) throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.frame(w -> w.begin(operation, 0, 1, Status.OK, 0)
                    .text(MetadataType.KEY, "k")
                    .body()
                    .put(new byte[1_000_000])));
            assertThat(client.receive().status()).isEqualTo(status);
            client.send(RawClient.ping(2));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
    }

    @Test
    void aFrameThatClaimsADescriptorThatDidNotComeIsRefused() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.frame(w ->
                    w.begin(Operation.PUT, 0, 1, Status.OK, 5).descriptors(1).text(MetadataType.KEY, "k")));
            RawClient.Answer answer = client.receive();
            assertThat(answer.status()).isEqualTo(Status.MALFORMED);
            assertThat(answer.clause()).isEqualTo("1.5");
        }
    }

    @Test
    void dataWithoutAnOpenBodyIsRefused() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.frame(w -> w.begin(Operation.DATA, 0, 1, Status.OK, 0)));
            assertThat(client.receive().clause()).isEqualTo("5.1");
        }
    }

    @Test
    void whatWasPutIsGotInTheSameBatchOfRequests() throws Exception {
        byte[] body = new byte[1_000];
        new Random(7).nextBytes(body);
        try (RawClient client = RawClient.greeted(socket)) {
            ByteBuffer both = ByteBuffer.allocate(8_192);
            both.put(RawClient.put(1, "key", body)).put(RawClient.get(2, "key")).flip();
            client.send(both);
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            RawClient.Answer answer = client.receive();
            assertThat(answer.status()).isEqualTo(Status.OK);
            assertThat(answer.body()).isEqualTo(body);
        }
    }

    @Test
    void aListingShowsWhatEarlierRequestsChangedAndNothingOfLaterOnes() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            for (int round = 0; round < 20; round++) {
                String prefix = "listed in round " + round + "/";
                ByteBuffer three = ByteBuffer.allocate(8_192);
                three.put(RawClient.put(1, prefix + 1, new byte[1]))
                        .put(RawClient.frame(
                                w -> w.begin(Operation.LIST, 0, 2, Status.OK, 0).text(MetadataType.PREFIX, prefix)))
                        .put(RawClient.put(3, prefix + 2, new byte[1]))
                        .flip();
                client.send(three);
                for (int i = 0; i < 3; i++) {
                    RawClient.Answer answer = client.receive();
                    if (answer.id() == 2) {
                        assertThat(answer.u64(MetadataType.COUNT)).isEqualTo(1);
                    }
                }
            }
        }
    }

    @Test
    void aPutAndATouchAreAnsweredWithTheLengthOfTheObject() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, 1, Status.OK, Limits.UNKNOWN)
                    .text(MetadataType.KEY, "key")
                    .body()
                    .put(new byte[7])));
            client.send(RawClient.frame(w -> w.begin(Operation.END, 0, 1, Status.OK, 0)));
            assertThat(client.receive().objectLength()).isEqualTo(7);
            client.send(RawClient.frame(
                    w -> w.begin(Operation.TOUCH, 0, 2, Status.OK, 0).text(MetadataType.KEY, "key")));
            assertThat(client.receive().objectLength()).isEqualTo(7);
            client.send(RawClient.frame(
                    w -> w.begin(Operation.DELETE, 0, 3, Status.OK, 0).text(MetadataType.KEY, "key")));
            assertThat(client.receive().objectLength()).isZero();
        }
    }

    @Test
    void requestsOnOneKeyTakeEffectInTheirOrderAndAStreamedPutWhereItsEndStands() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            ByteBuffer batch = ByteBuffer.allocate(8_192);
            batch.put(RawClient.put(1, "key", new byte[] {1}));
            batch.put(RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, 2, Status.OK, Limits.UNKNOWN)
                    .text(MetadataType.KEY, "key")));
            batch.put(RawClient.frame(
                    w -> w.begin(Operation.DATA, 0, 2, Status.OK, 0).body().put(new byte[] {2})));
            batch.put(RawClient.get(3, "key"));
            batch.put(RawClient.frame(w -> w.begin(Operation.END, 0, 2, Status.OK, 0)));
            batch.put(RawClient.get(4, "key")).flip();
            client.send(batch);
            assertThat(client.receive().id()).isEqualTo(1);
            RawClient.Answer before = client.receive();
            assertThat(before.id()).isEqualTo(3);
            assertThat(before.body()).isEqualTo(new byte[] {1});
            assertThat(client.receive().id()).isEqualTo(2);
            assertThat(client.receive().body()).isEqualTo(new byte[] {2});
        }
    }

    @Test
    void aLargeBodyIsTheSameByCopyAndBySplice() throws Exception {
        byte[] body = new byte[900_000];
        new Random(8).nextBytes(body);
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.put(1, "large", body));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            for (Mode mode : List.of(Mode.COPY, Mode.SPLICE, Mode.AUTO)) {
                client.send(RawClient.frame(w -> w.begin(Operation.GET, 0, 2, Status.OK, 0)
                        .text(MetadataType.KEY, "large")
                        .u32(MetadataType.MODE, mode.code())));
                RawClient.Answer first = client.receive();
                assertThat(first.status()).as(mode.toString()).isEqualTo(Status.OK);
                assertThat(first.more()).isTrue();
                assertThat(client.receiveBody()).as(mode.toString()).isEqualTo(body);
            }
        }
    }

    @Test
    void aRangeIsCutOutOfTheObject() throws Exception {
        byte[] body = new byte[100_000];
        new Random(9).nextBytes(body);
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.put(1, "ranged", body));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            client.send(range(2, 99_990, -1));
            assertThat(client.receive().body()).isEqualTo(Arrays.copyOfRange(body, 99_990, 100_000));
            client.send(range(3, -1, 4));
            assertThat(client.receive().body()).isEqualTo(Arrays.copyOfRange(body, 99_996, 100_000));
            client.send(range(4, 100_000, 1));
            RawClient.Answer outside = client.receive();
            assertThat(outside.status()).isEqualTo(Status.RANGE_NOT_SATISFIABLE);
            assertThat(outside.objectLength()).isEqualTo(100_000);
            assertThat(outside.message())
                    .isEqualTo("the range (1 bytes from 100000) lies outside the object's 100000 bytes");
            client.send(range(5, 100_000, -1));
            assertThat(client.receive().message())
                    .isEqualTo("the range (all from 100000 to the end) lies outside the object's 100000 bytes");
            client.send(range(6, -1, 0));
            assertThat(client.receive().message()).startsWith("the range (the last 0 bytes) lies outside");
        }
    }

    private static ByteBuffer range(int id, long offset, long length) {
        return RawClient.frame(w -> w.begin(Operation.GET, 0, id, Status.OK, 0)
                .text(MetadataType.KEY, "ranged")
                .pair(MetadataType.RANGE, offset, length));
    }

    @Test
    void moreRequestsThanAgreedAreBusyAndTheOthersAreAnswered() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            // Each PUT is open until its END comes, so they all are in flight at once.
            for (int id = 1; id <= LIMITS.maxRequests() + 1; id++) {
                int request = id;
                client.send(RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, request, Status.OK, Limits.UNKNOWN)
                        .text(MetadataType.KEY, "k" + request)));
            }
            RawClient.Answer refused = client.receive();
            assertThat(refused.status()).isEqualTo(Status.BUSY);
            assertThat(refused.id()).isEqualTo(LIMITS.maxRequests() + 1);
            for (int id = 1; id <= LIMITS.maxRequests() + 1; id++) {
                int request = id;
                client.send(RawClient.frame(w -> w.begin(Operation.END, 0, request, Status.OK, 0)));
            }
            for (int id = 1; id <= LIMITS.maxRequests(); id++) {
                assertThat(client.receive().status()).isEqualTo(Status.OK);
            }
        }
    }

    @Test
    void anIdInFlightIsNotTakenTwice() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            ByteBuffer open = RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, 5, Status.OK, Limits.UNKNOWN)
                    .text(MetadataType.KEY, "k"));
            client.send(open.duplicate());
            client.send(open);
            assertThat(client.receive().clause()).isEqualTo("4.1");
        }
    }

    @Test
    void aClientThatDiesInsideAPutLeavesTheOldObject() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.put(1, "kept", new byte[] {1, 2, 3}));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
        try (RawClient dying = RawClient.greeted(socket)) {
            dying.send(RawClient.frame(w ->
                    w.begin(Operation.PUT, Frame.MORE, 1, Status.OK, 1_000_000).text(MetadataType.KEY, "kept")));
            dying.send(RawClient.frame(
                    w -> w.begin(Operation.DATA, 0, 1, Status.OK, 0).body().put(new byte[300_000])));
        }
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.get(1, "kept"));
            assertThat(client.receive().body()).isEqualTo(new byte[] {1, 2, 3});
        }
    }

    @Test
    void aClientThatDiesAnywhereInsideAFrameTakesItsSessionWithItAtOnce() throws Exception {
        ByteBuffer put = RawClient.put(1, "cut", new byte[60_000]);
        ByteBuffer open = RawClient.frame(
                w -> w.begin(Operation.PUT, Frame.MORE, 1, Status.OK, 100_000).text(MetadataType.KEY, "cut"));
        ByteBuffer data = RawClient.frame(
                w -> w.begin(Operation.DATA, 0, 1, Status.OK, 0).body().put(new byte[50_000]));
        ByteBuffer unknown =
                RawClient.frame(w -> w.begin(99, 0, 1, Status.OK, 0).body().put(new byte[60_000]));

        dieAfter(put.duplicate().limit(20)); // inside the header
        dieAfter(put.duplicate().limit(36)); // inside the metadata
        dieAfter(put.duplicate().limit(30_000)); // inside the body
        dieAfter(put.duplicate(), RawClient.put(2, "cut", new byte[60_000]).limit(30_000)); // with one before it
        dieAfter(open.duplicate(), data.duplicate().limit(20_000)); // inside a DATA frame
        dieAfter(open.duplicate(), data.duplicate()); // between two DATA frames
        dieAfter(unknown.duplicate().limit(500)); // inside what nobody wants
    }

    /** The server's time limits are far longer than is waited here. */
    private void dieAfter(ByteBuffer... parts) throws IOException {
        try (RawClient dying = RawClient.greeted(socket)) {
            for (ByteBuffer part : parts) {
                dying.send(part);
            }
        }
        await().until(() -> server.sessions() == 0);
    }

    @Test
    void aThousandSessionsAtOnceAreAllServed() throws Exception {
        List<RawClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 1_000; i++) {
                clients.add(RawClient.greeted(socket));
            }
            for (RawClient client : clients) {
                client.send(RawClient.ping(1));
            }
            for (RawClient client : clients) {
                assertThat(client.receive().status()).isEqualTo(Status.OK);
            }
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
        await().until(() -> server.sessions() == 0);
    }

    @Test
    void oneSessionMoreThanTheLimitIsTurnedAway() throws Exception {
        List<RawClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < LIMITS.maxSessions(); i++) {
                clients.add(RawClient.greeted(socket));
            }
            try (RawClient one = new RawClient(socket)) {
                assertThat(one.receive().status()).isEqualTo(Status.TOO_MANY_SESSIONS);
                assertThat(one.isClosedByServer()).isTrue();
            }
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
    }

    @Test
    void aClientThatDoesNotReadHarmsNobodyElse() throws Exception {
        byte[] body = new byte[900_000];
        try (RawClient client = RawClient.greeted(socket);
                RawClient deaf = RawClient.greeted(socket)) {
            client.send(RawClient.put(1, "large", body));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            for (int id = 1; id <= 10; id++) {
                deaf.send(RawClient.get(id, "large"));
            }
            for (int id = 2; id < 50; id++) {
                client.send(RawClient.ping(id));
                assertThat(client.receive().status()).isEqualTo(Status.OK);
            }
        }
    }

    @Test
    void sessionsLeaveNoDescriptorBehind() throws Exception {
        byte[] body = new byte[200_000];
        oneOfEach(body); // opens what stays open
        await().until(() -> server.sessions() == 0);
        long before = descriptors();
        for (int i = 0; i < 50; i++) {
            oneOfEach(body);
        }
        await().until(() -> server.sessions() == 0);
        await().untilAsserted(() -> assertThat(descriptors()).isLessThanOrEqualTo(before));
    }

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"COPY", "SPLICE", "FDPASS"})
    void aClientThatLeavesInsideItsAnswersLeavesNothingBehind(Mode mode) throws Exception {
        leaveInsideAnswers(mode); // opens what stays open
        long before = descriptors();
        for (int i = 0; i < 3; i++) {
            leaveInsideAnswers(mode);
        }
        await().untilAsserted(() -> assertThat(descriptors()).isLessThanOrEqualTo(before));
    }

    /** Asks for more than its socket has room for, and leaves with the first answer; then the object, which nobody has any more, is deleted. */
    private void leaveInsideAnswers(Mode mode) throws IOException {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.put(1, "large", new byte[900_000]));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            try (RawClient leaving = RawClient.passing(socket, 1)) {
                for (int id = 1; id <= 4; id++) {
                    leaving.send(RawClient.get(id, "large", mode));
                }
                assertThat(leaving.receive().status()).isEqualTo(Status.OK);
            }
            await().until(() -> server.sessions() == 1);
            client.send(RawClient.frame(
                    w -> w.begin(Operation.DELETE, 0, 2, Status.OK, 0).text(MetadataType.KEY, "large")));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
        await().until(() -> server.sessions() == 0);
    }

    private void oneOfEach(byte[] body) throws IOException {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.put(1, "same", body));
            client.receive();
            client.send(RawClient.get(2, "same"));
            client.receive();
        }
        try (SocketChannel silent = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            silent.connect(UnixDomainSocketAddress.of(socket));
        }
    }

    private static long descriptors() throws IOException {
        try (var open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    @Test
    void goodbyeIsAnsweredAndTheSessionCloses() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.frame(w -> w.begin(Operation.GOODBYE, 0, 1, Status.OK, 0)));
            RawClient.Answer answer = client.receive();
            assertThat(answer.operation()).isEqualTo(Operation.GOODBYE);
            assertThat(answer.u64(MetadataType.COUNT)).isZero();
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @Test
    void aServerThatDrainsSaysGoodbye() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            assertThat(server.drain()).isEqualTo(new Server.GivenUp(0, 0));
            assertThat(client.receive().status()).isEqualTo(Status.SHUTTING_DOWN);
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @Test
    void aClientThatEndsItsInputGetsItsAnswersFirst() throws Exception {
        try (RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.ping(1));
            client.send(RawClient.get(2, "absent"));
            client.endInput();
            Set<Integer> ids = new HashSet<>();
            ids.add(client.receive().id());
            ids.add(client.receive().id());
            assertThat(ids).containsExactlyInAnyOrder(1, 2);
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @Test
    void aSocketWithALiveServerIsNotTaken() {
        assertThat(catchThrowable(() -> Listener.open(ListenerRules.everything(socket.toString()), null, null, 0600)))
                .hasMessageContaining("a live server listens");
        assertThat(socket).exists();
    }

    @Test
    void aSocketPathThatIsTooLongIsRefusedWithItsLength() {
        String path = directory.resolve("x".repeat(120)).toString();
        assertThat(catchThrowable(() -> Listener.open(ListenerRules.everything(path), null, null, 0600)))
                .hasMessageContaining("the kernel takes 107");
    }
}
