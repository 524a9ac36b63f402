package org.objmapper.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.objmapper.client.ScriptedServer.Peer;
import org.objmapper.client.ScriptedServer.Received;
import org.objmapper.client.ScriptedServer.Script;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

class ObjmapperClientTest extends AgainstScript {
    private static final Key KEY = Key.of("a/key");
    private static final byte[] HELLO = "hello, world".getBytes(UTF_8);

    @Test
    void theGreetingStatesWhatTheClientTakes() throws Exception {
        try (Script script = server.serve(peer -> {
            assertThat(peer.hello.metadata.find(MetadataType.MAX_MESSAGE_DESCRIPTORS))
                    .isTrue();
            assertThat(peer.hello.metadata.u32()).isEqualTo(60);
            assertThat(peer.hello.metadata.find(MetadataType.FEATURES)).isTrue();
            assertThat(peer.hello.metadata.u64())
                    .as("fill tokens, variants, bans")
                    .isEqualTo(7);
            peer.reply(peer.receive(), Status.OK, new byte[0]);
        })) {
            client.ping();
        }
    }

    @Test
    void anInlineBodyComesAsBytesStreamBufferChannelAndMapping() throws Exception {
        try (Script script = server.serve(peer -> peer.reply(peer.receive(), Status.OK, HELLO))) {
            try (StoredObject object = client.get(KEY).orElseThrow()) {
                assertThat(object.mode()).isEqualTo(Mode.INLINE);
                assertThat(object.length()).isEqualTo(HELLO.length);
                assertAllViewsAre(object, HELLO);
            }
        }
    }

    @Test
    void aMissComesWithWhatItTakesToFillIt() throws Exception {
        byte[] token = {1, 2, 3};
        try (Script script = server.serve(peer -> {
            for (int i = 0; i < 2; i++) {
                Received get = peer.receive();
                peer.send(writer -> writer.begin(Operation.GET, Frame.REPLY, get.id, Status.NOT_FOUND, 0)
                        .bytes(MetadataType.FILL_TOKEN, token)
                        .text(MetadataType.VARIANT_HEADER, "accept-encoding")
                        .text(MetadataType.VARIANT_HEADER, "accept-language"));
            }
            Received put = peer.receive();
            assertThat(put.metadata.find(MetadataType.FILL_TOKEN)).isTrue();
            assertThat(put.metadata.bytes()).isEqualTo(token);
            peer.reply(put, Status.STALE_FILL, new byte[0]);
        })) {
            try (Lookup miss = client.lookup(KEY, new GetOptions());
                    Lookup again = client.lookupAsync(KEY, new GetOptions()).join()) {
                assertThat(miss.object()).isEmpty();
                assertThat(miss.variantHeaders()).containsExactly("accept-encoding", "accept-language");
                assertThat(again.fillToken().orElseThrow()).isEqualTo(token);
                PutOptions filling = new PutOptions().fillToken(miss.fillToken().orElseThrow());
                ObjmapperException stale =
                        catchThrowableOfType(ObjmapperException.class, () -> client.put(KEY, Body.of(HELLO), filling));
                assertThat(stale.status()).contains(Status.STALE_FILL);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("executors")
    void answersToFuturesStartNoThreadEach(Consumer<ObjmapperClient.Builder> executor) throws Exception {
        int answers = 1_000;
        ObjmapperClient.Builder builder = builder();
        executor.accept(builder);
        try (ObjmapperClient pooled = builder.build();
                Script script = server.serve(peer -> {
                    for (int i = 0; i < answers; i++) {
                        peer.reply(peer.receive(), Status.OK, HELLO);
                    }
                })) {
            long before = ManagementFactory.getThreadMXBean().getTotalStartedThreadCount();
            for (int i = 0; i < answers; i++) {
                pooled.getAsync(KEY, new GetOptions()).join().orElseThrow().close();
            }
            assertThat(ManagementFactory.getThreadMXBean().getTotalStartedThreadCount() - before)
                    .isLessThan(answers / 10);
        }
    }

    static Stream<Consumer<ObjmapperClient.Builder>> executors() {
        return Stream.of(builder -> {}, builder -> builder.executor(ForkJoinPool.commonPool()));
    }

    @Test
    void aLookupThatHitsHasTheObjectAndClosesIt() throws Exception {
        try (Script script = server.serve(peer -> peer.reply(peer.receive(), Status.OK, HELLO))) {
            Lookup hit = client.lookup(KEY, new GetOptions());
            StoredObject object = hit.object().orElseThrow();
            assertThat(object.bytes()).isEqualTo(HELLO);
            assertThat(hit.fillToken()).isEmpty();
            hit.close();
            assertThatThrownBy(object::bytes).hasMessageContaining("is closed");
        }
    }

    @Test
    void aPassedDescriptorOutlivesTheClientThatFetchedIt() throws Exception {
        Path file = Files.write(directory.resolve("body"), HELLO);
        long before = openDescriptors();
        try (Script script = server.serve(peer -> {
            Received get = peer.receive();
            try (FileInputStream body = new FileInputStream(file.toFile())) {
                peer.sendWith(body.getFD(), writer -> writer.begin(
                                Operation.GET, Frame.REPLY, get.id, Status.OK, HELLO.length)
                        .descriptors(1)
                        .u32(MetadataType.MODE, Mode.FDPASS.code())
                        .pair(MetadataType.DESCRIPTOR_RANGE, 0, HELLO.length));
            }
        })) {
            StoredObject object = client.get(KEY).orElseThrow();
            client.close();
            assertThat(object.mode()).isEqualTo(Mode.FDPASS);
            assertAllViewsAre(object, HELLO);
            object.close();
            assertThatThrownBy(object::bytes).hasMessageContaining("is closed");
        }
        await().until(() -> openDescriptors() <= before);
    }

    @Test
    void aRangeInADescriptorIsReadWhereItStands() throws Exception {
        Path file = Files.write(directory.resolve("body"), HELLO);
        try (Script script = server.serve(peer -> {
            Received get = peer.receive();
            assertThat(get.metadata.find(MetadataType.RANGE)).isTrue();
            assertThat(get.metadata.u64()).isEqualTo(7);
            try (FileInputStream body = new FileInputStream(file.toFile())) {
                peer.sendWith(body.getFD(), writer -> writer.begin(
                                Operation.GET, Frame.REPLY, get.id, Status.OK, HELLO.length)
                        .descriptors(1)
                        .pair(MetadataType.RANGE, 7, 5)
                        .u32(MetadataType.MODE, Mode.FDPASS.code())
                        .pair(MetadataType.DESCRIPTOR_RANGE, 7, 5));
            }
        })) {
            try (StoredObject object =
                    client.get(KEY, new GetOptions().range(7, 5)).orElseThrow()) {
                assertThat(object.rangeOffset()).isEqualTo(7);
                assertThat(object.metadata().length()).isEqualTo(HELLO.length);
                assertAllViewsAre(object, "world".getBytes(UTF_8));
            }
        }
    }

    @Test
    void aLongBodyThatComesInChunksIsKeptInAFile() throws Exception {
        byte[] body = random(CopiedBody.MEMORY_BYTES + 1);
        try (Script script = server.serve(peer -> {
            Received get = peer.receive();
            peer.send(writer -> writer.begin(Operation.GET, Frame.REPLY | Frame.MORE, get.id, Status.OK, body.length)
                    .u32(MetadataType.MODE, Mode.COPY.code()));
            for (int at = 0; at < body.length; at += 100_000) {
                byte[] chunk = Arrays.copyOfRange(body, at, Math.min(body.length, at + 100_000));
                peer.frame(Operation.DATA, get.id, 0, Status.OK, chunk);
            }
            peer.frame(Operation.END, get.id, 0, Status.OK, new byte[0]);
        })) {
            try (StoredObject object = client.get(KEY).orElseThrow()) {
                assertThat(object.mode()).isEqualTo(Mode.COPY);
                assertAllViewsAre(object, body);
            }
        }
    }

    @Test
    void aBodyThatEndsWithAnErrorDoesNotCount() throws Exception {
        try (Script script = server.serve(peer -> {
            Received get = peer.receive();
            peer.send(writer -> writer.begin(Operation.GET, Frame.REPLY | Frame.MORE, get.id, Status.OK, HELLO.length));
            peer.frame(Operation.DATA, get.id, 0, Status.OK, HELLO);
            peer.frame(Operation.END, get.id, 0, Status.IO_ERROR, new byte[0]);
        })) {
            ObjmapperException failure = catchThrowableOfType(ObjmapperException.class, () -> client.get(KEY));
            assertThat(failure.status()).contains(Status.IO_ERROR);
            assertThat(failure.key()).contains(KEY);
            assertThat(failure).hasMessageContaining("GET a/key");
        }
    }

    @Test
    void aMissIsEmptyAndAnUnchangedObjectHasNoBody() throws Exception {
        try (Script script = server.serve(peer -> {
            peer.reply(peer.receive(), Status.NOT_FOUND, new byte[0]);
            Received second = peer.receive();
            assertThat(second.metadata.find(MetadataType.IF_GENERATION_NOT)).isTrue();
            peer.reply(second, Status.NOT_MODIFIED, new byte[0]);
        })) {
            assertThat(client.get(KEY)).isEmpty();
            try (StoredObject same =
                    client.get(KEY, new GetOptions().ifGenerationNot(7)).orElseThrow()) {
                assertThat(same.notModified()).isTrue();
                assertThatIllegalStateException().isThrownBy(same::bytes).withMessageContaining("not modified");
                assertThatIllegalStateException().isThrownBy(same::stream);
                assertThatIllegalStateException().isThrownBy(same::channel);
            }
        }
    }

    @Test
    void repliesMayComeInAnyOrder() throws Exception {
        try (Script script = server.serve(peer -> {
            peer.reply(peer.receive(), Status.OK, new byte[0]);
            Received first = peer.receive();
            Received second = peer.receive();
            peer.reply(second, Status.OK, new byte[] {2});
            peer.reply(first, Status.OK, new byte[] {1});
        })) {
            client.ping();
            CompletableFuture<Optional<StoredObject>> one = client.getAsync(KEY, new GetOptions());
            CompletableFuture<Optional<StoredObject>> two = client.getAsync(Key.of("other"), new GetOptions());
            try (StoredObject second = two.get().orElseThrow();
                    StoredObject first = one.get().orElseThrow()) {
                assertThat(first.bytes()).containsExactly(1);
                assertThat(second.bytes()).containsExactly(2);
            }
        }
    }

    @Test
    void everyKindOfBodyArrivesWhole() throws Exception {
        byte[] bytes = random(300_001);
        Path file = Files.write(directory.resolve("body"), bytes);
        try (Script script = server.serve(peer -> {
            for (int i = 0; i < 5; i++) {
                assertThat(receivePut(peer, i == 3 ? -1 : bytes.length)).isEqualTo(bytes);
            }
            assertThat(receivePut(peer, HELLO.length)).isEqualTo(HELLO);
        })) {
            client.put(KEY, Body.of(bytes));
            client.put(KEY, Body.of(ByteBuffer.wrap(bytes)));
            client.put(KEY, Body.of(file));
            client.put(KEY, Body.of(new ByteArrayInputStream(bytes)));
            client.putAsync(KEY, Body.of(new ByteArrayInputStream(bytes), bytes.length), new PutOptions())
                    .get();
            assertThat(client.put(KEY, Body.of(HELLO)).generation()).isEqualTo(5);
        }
    }

    @Test
    void aBodyThatCannotBeReadCancelsThePutAndSparesTheSession() throws Exception {
        InputStream broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("the source is gone");
            }
        };
        try (Script script = server.serve(peer -> {
            Received put = peer.receive();
            Received end = peer.receive();
            assertThat(end.operation).isEqualTo(Operation.END);
            assertThat(Status.of(end.status)).isEqualTo(Status.CANCELLED);
            peer.reply(put, Status.CANCELLED, new byte[0]);
            peer.reply(peer.receive(), Status.OK, new byte[0]);
        })) {
            assertThatThrownBy(() -> client.put(KEY, Body.of(broken))).hasMessageContaining("the source is gone");
            client.ping();
        }
    }

    @Test
    void aBodyShorterThanItSaysCancelsThePut() throws Exception {
        try (Script script = server.serve(peer -> {
            Received put = peer.receive();
            assertThat(peer.receive().operation).isEqualTo(Operation.DATA);
            assertThat(Status.of(peer.receive().status)).isEqualTo(Status.CANCELLED);
            peer.reply(put, Status.CANCELLED, new byte[0]);
        })) {
            assertThatThrownBy(() -> client.put(KEY, Body.of(new ByteArrayInputStream(HELLO), 100)))
                    .hasMessageContaining("12 bytes instead of 100");
        }
    }

    @Test
    void aBodyThatFailsInAnyWayIsNotStoredAndNotSentAgain() throws Exception {
        InputStream broken = new InputStream() {
            @Override
            public int read() {
                throw new IllegalStateException("the source is broken");
            }
        };
        try (Script script = server.serve(peer -> {
            Received put = peer.receive();
            assertThat(Status.of(peer.receive().status)).isEqualTo(Status.CANCELLED);
            peer.reply(put, Status.CANCELLED, new byte[0]);
            assertThat(peer.receive().operation).isEqualTo(Operation.PING);
        })) {
            assertThatThrownBy(() -> client.put(KEY, Body.of(broken))).hasMessageContaining("the source is broken");
            assertThatThrownBy(() -> client.put(KEY, Body.of(directory.resolve("absent"))))
                    .hasMessageContaining("absent does not exist");
            assertThatThrownBy(() -> client.put(KEY, Body.of(directory))).hasMessageContaining("is not a regular file");
            client.pingAsync();
        }
    }

    @Test
    void anInterruptEndsThePutAndSparesTheSession() throws Exception {
        try (Script script = server.serve(peer -> {
            Received put = peer.receive();
            assertThat(Status.of(peer.receive().status)).isEqualTo(Status.CANCELLED);
            peer.reply(put, Status.CANCELLED, new byte[0]);
            peer.reply(peer.receive(), Status.OK, new byte[0]);
        })) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> client.put(KEY, Body.of(new ByteArrayInputStream(HELLO))))
                    .hasMessageContaining("interrupted");
            assertThat(Thread.interrupted()).isTrue();
            client.ping();
        }
    }

    @Test
    void aFutureWaitsForASessionToBeginAndIsBusyWhereAllPlacesOfAllSessionsAreTaken() throws Exception {
        server.maxRequests = 1;
        CountDownLatch told = new CountDownLatch(1);
        try (Script script = server.serve(peer -> {
            Received first = peer.receive();
            told.await();
            peer.reply(first, Status.OK, HELLO);
            peer.reply(peer.receive(), Status.OK, HELLO);
        })) {
            CompletableFuture<Optional<StoredObject>> first = client.getAsync(KEY, new GetOptions());
            await().until(() -> isBusy(client.getAsync(KEY, new GetOptions())));
            told.countDown();
            first.get().orElseThrow().close();
            client.get(KEY).orElseThrow().close();
        }
    }

    /** Whether it was refused at once; one that was not is given up. */
    private static boolean isBusy(CompletableFuture<?> answer) {
        if (!answer.isDone()) {
            answer.cancel(false);
            return false;
        }
        assertThatThrownBy(answer::get)
                .cause()
                .isInstanceOfSatisfying(
                        ObjmapperException.class, e -> assertThat(e.status()).contains(Status.BUSY))
                .hasMessageContaining("all 1 sessions have as many requests in flight as the server takes");
        return true;
    }

    @Test
    void aBusyServerIsAskedAgainEvenForAChange() throws Exception {
        try (Script script = server.serve(peer -> {
            peer.reply(peer.receive(), Status.BUSY, new byte[0]);
            peer.reply(peer.receive(), Status.OK, new byte[0]);
        })) {
            client.put(KEY, Body.of(HELLO));
        }
    }

    @Test
    void aReadSurvivesALostConnectionAndAChangeIsNotRepeated() throws Exception {
        try (Script script = ScriptedServer.script(() -> {
            try (Peer peer = server.accept()) {
                peer.receive();
            }
            try (Peer peer = server.accept()) {
                peer.reply(peer.receive(), Status.OK, HELLO);
                peer.receive();
            }
        })) {
            try (StoredObject object = client.get(KEY).orElseThrow()) {
                assertThat(object.bytes()).isEqualTo(HELLO);
            }
            ObjmapperException failure = catchThrowableOfType(ObjmapperException.class, () -> client.delete(KEY));
            assertThat(failure.hadNoEffect()).isFalse();
            assertThat(failure.status()).isEmpty();
        }
    }

    @Test
    void aSessionThatTheServerClosedAsIdleLosesNoChange() throws Exception {
        try (Script script = ScriptedServer.script(() -> {
            try (Peer peer = server.accept()) {
                peer.reply(peer.receive(), Status.OK, new byte[0]);
                peer.receive();
                peer.frame(Operation.GOODBYE, 0, 0, Status.TIMEOUT, new byte[0]);
            }
            try (Peer peer = server.accept()) {
                peer.reply(peer.receive(), Status.OK, new byte[0]);
            }
        })) {
            client.ping();
            assertThat(client.delete(KEY)).isTrue();
        }
    }

    @Test
    void anObjectThatNobodyClosedIsClosedAndReported() throws Exception {
        System.setProperty(Leaks.PROPERTY, "all");
        try (Script script = server.serve(peer -> peer.reply(peer.receive(), Status.OK, HELLO))) {
            long before = Leaks.found();
            assertThat(client.get(KEY)).isPresent();
            await().until(() -> {
                System.gc();
                return Leaks.found() > before;
            });
        } finally {
            System.clearProperty(Leaks.PROPERTY);
        }
    }

    @Test
    void mappingsAreBounded() throws Exception {
        client.close();
        client = builder().maxMappedBytes(HELLO.length).build();
        try (Script script = server.serve(peer -> peer.reply(peer.receive(), Status.OK, HELLO))) {
            try (StoredObject object = client.get(KEY).orElseThrow()) {
                ByteBuffer first = object.map();
                assertThatThrownBy(() -> object.map(0, 1)).hasMessageContaining("maxMappedBytes");
                assertThat(first.get(0)).isEqualTo(HELLO[0]);
            }
        }
    }

    @Test
    void aServerThatBreaksTheProtocolEndsTheSessionWithTheClause() throws Exception {
        try (Script script = server.serve(peer -> {
            Received get = peer.receive();
            peer.send(writer -> writer.begin(Operation.GET, Frame.REPLY, get.id, Status.OK, 5)
                    .descriptors(1));
        })) {
            assertThatThrownBy(() -> client.delete(KEY)).hasMessageContaining("1.5");
        }
    }

    @Test
    void withoutAServerTheErrorSaysWhereItLooked() throws Exception {
        server.close();
        client.close();
        client = builder().connectTimeoutMillis(1).build();
        assertThatThrownBy(() -> client.ping())
                .hasMessageContaining(directory.resolve("socket").toString())
                .hasMessageContaining("objmapperd --dev");
    }

    @Test
    void aServerThatDoesNotGreetIsSaidToBeStopped() throws Exception {
        client.close();
        client = builder().connectTimeoutMillis(1).build();
        assertThatThrownBy(() -> client.ping())
                .hasMessageContaining("no greeting from " + directory.resolve("socket") + " within 1 ms");
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aSettingTakesBothEndsOfItsRangeAndNothingBeyond(
            String name, long lowest, long highest, BiConsumer<ObjmapperClient.Builder, Long> set) {
        set.accept(builder(), lowest);
        set.accept(builder(), highest);
        for (long beyond : new long[] {lowest - 1, highest + 1}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> set.accept(builder(), beyond))
                    .withMessage(name + " is " + beyond + "; it takes " + lowest + " to " + highest);
        }
    }

    static Stream<Arguments> settings() {
        return Stream.of(
                setting("poolSize", 1, 256, (builder, value) -> builder.poolSize(value.intValue())),
                setting("maxRequests", 1, 4_096, (builder, value) -> builder.maxRequests(value.intValue())),
                setting("inlineLimitBytes", 0, 65_536, (builder, value) -> builder.inlineLimitBytes(value.intValue())),
                setting("connectTimeoutMillis", 1, 600_000, ObjmapperClient.Builder::connectTimeoutMillis),
                setting("timeoutMillis", 1, 86_400_000, ObjmapperClient.Builder::timeoutMillis),
                setting("maxMappedBytes", 0, Long.MAX_VALUE / 2, ObjmapperClient.Builder::maxMappedBytes),
                setting("the length of name", 1, 64, (builder, value) -> builder.name("x".repeat(value.intValue()))));
    }

    private static Arguments setting(
            String name, long lowest, long highest, BiConsumer<ObjmapperClient.Builder, Long> set) {
        return Arguments.of(name, lowest, highest, set);
    }

    @Test
    void aModeForRepliesCanNotBeAskedFor() {
        assertThatIllegalArgumentException().isThrownBy(() -> builder().mode(Mode.INLINE));
        assertThatIllegalArgumentException().isThrownBy(() -> new GetOptions().mode(Mode.INLINE));
    }

    @Test
    void aKeyHasOneTo4096Bytes() {
        assertThatIllegalArgumentException().isThrownBy(() -> Key.of("")).withMessageContaining("1 to 4096 bytes");
        assertThatIllegalArgumentException().isThrownBy(() -> Key.of(new byte[4_097]));
        assertThat(Key.of("k").toBytes()).hasSize(1);
        assertThat(Key.of(new byte[4_096]).toBytes()).hasSize(4_096);
    }

    private static byte[] receivePut(Peer peer, long length) throws IOException {
        Received put = peer.receive();
        assertThat(put.operation).isEqualTo(Operation.PUT);
        assertThat(put.objectLength).isEqualTo(length);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.write(put.descriptors == 1 ? peer.readPassed() : put.body);
        for (Received next = put; next.more || next.operation == Operation.DATA; ) {
            next = peer.receive();
            assertThat(next.id).isEqualTo(put.id);
            body.write(next.body);
        }
        peer.send(writer ->
                writer.begin(Operation.PUT, Frame.REPLY, put.id, Status.OK, 0).u64(MetadataType.GENERATION, 5));
        return body.toByteArray();
    }

    private static void assertAllViewsAre(StoredObject object, byte[] expected) throws IOException {
        assertThat(object.bytes()).isEqualTo(expected);
        try (InputStream stream = object.stream()) {
            assertThat(stream.readAllBytes()).isEqualTo(expected);
        }
        assertThat(bytesOf(object.buffer())).isEqualTo(expected);
        assertThat(bytesOf(object.map())).isEqualTo(expected);
        ByteBuffer read = ByteBuffer.allocate(expected.length);
        while (read.hasRemaining() && object.channel().read(read, object.channelOffset() + read.position()) > 0) {
            continue;
        }
        assertThat(read.array()).isEqualTo(expected);
    }

    private static byte[] bytesOf(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static long openDescriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }
}
