package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.config.ConfigurationFile;
import org.objmapper.server.transport.RawClient;

/**
 * Both sides of every limit that is configured, from the line of the file to the bytes on the socket. The fixed limits have their vectors
 * (tests/vectors/limits.txt).
 */
class LimitsTest {
    @TempDir
    private Path directory;

    private @Nullable ServerRun server;
    private int emptyBody = -1;

    private void serve(String table, String... lines) throws Exception {
        stopServer();
        Files.createDirectories(directory.resolve("data"));
        String text = """
                [[listener]]
                path = "%1$s/s"
                [store]
                directory = "%1$s/data"
                [%2$s]
                """.formatted(directory, table) + String.join("\n", lines);
        server = ServerRun.start(ConfigurationFile.parse("test.toml", text));
    }

    private void stopServer() {
        if (server != null) {
            server.close();
            server = null;
        }
    }

    @AfterEach
    void stop() {
        stopServer();
        if (emptyBody >= 0) {
            NativeIo.close(emptyBody);
        }
    }

    private Path socket() {
        return directory.resolve("s");
    }

    private static ByteBuffer hello(Consumer<FrameWriter> terms) {
        return RawClient.frame(writer -> terms.accept(
                writer.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC).versions(1, 1)));
    }

    private static long term(RawClient.Answer answer, MetadataType type) throws Exception {
        MetadataReader reader = new MetadataReader()
                .wrap(answer.metadata(), 0, answer.metadata().limit());
        assertThat(reader.find(type)).isTrue();
        return Integer.toUnsignedLong(reader.u32());
    }

    private static ByteBuffer openPut(int id) {
        return RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, id, Status.OK, Limits.UNKNOWN)
                .text(MetadataType.KEY, "key" + id));
    }

    private static ByteBuffer endOf(int id) {
        return RawClient.frame(w -> w.begin(Operation.END, 0, id, Status.OK, 0));
    }

    private static ByteBuffer together(ByteBuffer first, ByteBuffer second) {
        return ByteBuffer.allocate(first.remaining() + second.remaining())
                .put(first)
                .put(second)
                .flip();
    }

    private static void assertAlive(RawClient client) throws IOException {
        client.send(RawClient.ping(99));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    private static void assertEnded(RawClient client, Status status, String clause) throws Exception {
        RawClient.Answer answer = client.receive();
        assertThat(answer.operation()).isEqualTo(Operation.ERROR);
        assertThat(answer.status()).as(answer.message()).isEqualTo(status);
        assertThat(answer.clause()).isEqualTo(clause);
        assertThat(client.isClosedByServer()).isTrue();
    }

    // ---- what is agreed on in HELLO

    @ParameterizedTest
    @CsvSource({
        "max_requests, MAX_REQUESTS, 1, 4096",
        "max_frame, MAX_FRAME, 262144, 16777216",
        "inline_limit, INLINE_LIMIT, 0, 65536"
    })
    void whatAClientAsksForIsGrantedUpToWhatIsConfigured(String key, MetadataType type, int lowest, int highest)
            throws Exception {
        serve("limits", key + " = " + lowest);
        assertGranted(type, highest, lowest);
        serve("limits", key + " = " + highest);
        assertGranted(type, highest, highest);
        assertGranted(type, lowest, lowest);
    }

    private void assertGranted(MetadataType type, int asked, int granted) throws Exception {
        try (RawClient client = new RawClient(socket())) {
            client.send(hello(w -> w.u32(type, asked)));
            assertThat(term(client.receive(), type)).isEqualTo(granted);
        }
    }

    @Test
    void asManyRequestsAsConfiguredAreInFlightAndOneMoreIsBusy() throws Exception {
        serve("limits", "max_requests = 2");
        try (RawClient client = RawClient.greeted(socket())) {
            for (int id = 1; id <= 3; id++) {
                client.send(openPut(id));
            }
            RawClient.Answer refused = client.receive();
            assertThat(refused.id()).isEqualTo(3);
            assertThat(refused.status()).isEqualTo(Status.BUSY);
            client.send(together(endOf(1), endOf(2)));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Limits.MAX_FRAME_LOWEST, Limits.MAX_FRAME_HIGHEST})
    void aFrameAsLongAsConfiguredIsTakenAndALongerOneEndsTheSession(int length) throws Exception {
        serve("limits", "max_frame = " + length);
        try (RawClient client = new RawClient(socket())) {
            client.send(hello(w -> w.u32(MetadataType.MAX_FRAME, Limits.MAX_FRAME_HIGHEST)));
            client.receive();
            client.send(putFrame(length));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            client.send(putFrame(length + 1).limit(Limits.HEADER));
            assertEnded(client, Status.MALFORMED, "2.2");
        }
    }

    private static ByteBuffer putFrame(int length) {
        ByteBuffer frame = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        int bodyLength = length - Limits.HEADER - MetadataReader.sizeOf(1);
        FrameWriter writer = new FrameWriter().wrap(frame);
        ByteBuffer body = writer.begin(Operation.PUT, 0, 1, Status.OK, bodyLength)
                .text(MetadataType.KEY, "k")
                .body();
        body.position(body.position() + bodyLength);
        writer.end();
        return frame.flip();
    }

    @Test
    void aBodyUpToTheInlineLimitComesInTheReplyAndALongerOneDoesNot() throws Exception {
        serve("limits", "inline_limit = 100");
        try (RawClient client = RawClient.greeted(socket())) {
            for (int length : new int[] {100, 101}) {
                client.send(RawClient.put(1, "key", new byte[length]));
                assertThat(client.receive().status()).isEqualTo(Status.OK);
                client.send(RawClient.get(2, "key"));
                RawClient.Answer answer = client.receive();
                boolean inline = length == 100;
                assertThat(term(answer, MetadataType.MODE)).isEqualTo((inline ? Mode.INLINE : Mode.COPY).code());
                assertThat(answer.body()).hasSize(inline ? length : 0);
                assertThat(answer.more()).isEqualTo(!inline);
                while (answer.more() || answer.operation() == Operation.DATA) {
                    answer = client.receive();
                }
            }
        }
    }

    // ---- descriptors

    @ParameterizedTest
    @CsvSource({"2, 5, 2", "253, 300, 253", "16, 4, 4"})
    void asManyDescriptorsAsConfiguredComeInAMessageAndOneMoreEndsTheSession(int message, int queued, int most)
            throws Exception {
        serve("limits", "max_message_descriptors = " + message, "max_queued_descriptors = " + queued);
        try (RawClient client = RawClient.passing(socket(), 1)) {
            client.sendWith(RawClient.ping(1), emptyBodies(most));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
        try (RawClient client = RawClient.passing(socket(), 1)) {
            if (most < 253) { // the kernel takes no more in a message
                client.sendWith(RawClient.ping(1), emptyBodies(most + 1));
                assertThat(client.receive().id()).isEqualTo(1);
                assertEnded(client, Status.MALFORMED, "1.5");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"2, 3", "16, 40", "253, 600"})
    void asManyDescriptorsAsConfiguredMayWaitAndOneMoreEndsTheSession(int message, int queued) throws Exception {
        serve("limits", "max_message_descriptors = " + message, "max_queued_descriptors = " + queued);
        try (RawClient client = RawClient.passing(socket(), 1)) {
            int id = 1;
            for (int sent = 0; sent < queued; id++) {
                int now = Math.min(message, queued - sent);
                client.sendWith(RawClient.ping(id), emptyBodies(now));
                assertThat(client.receive().status()).isEqualTo(Status.OK);
                sent += now;
            }
            client.send(RawClient.putDescriptor(id, "key", 0));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            client.sendWith(RawClient.ping(id + 1), emptyBodies(1));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            client.sendWith(RawClient.ping(id + 2), emptyBodies(1));
            assertThat(client.receive().id()).isEqualTo(id + 2);
            assertEnded(client, Status.MALFORMED, "1.5");
        }
    }

    @Test
    void aServerThatTakesNoDescriptorsSaysSoAndEndsASessionThatPassesOne() throws Exception {
        serve("limits", "max_message_descriptors = 0", "max_queued_descriptors = 0");
        try (RawClient client = new RawClient(socket())) {
            client.send(RawClient.hello());
            RawClient.Answer hello = client.receive();
            assertThat(term(hello, MetadataType.MAX_MESSAGE_DESCRIPTORS)).isZero();
            assertThat(term(hello, MetadataType.MAX_QUEUED_DESCRIPTORS)).isZero();
        }
        try (RawClient client = RawClient.passing(socket(), 1)) {
            client.sendWith(RawClient.ping(1), emptyBodies(1));
            assertThat(client.receive().id()).isEqualTo(1);
            assertEnded(client, Status.MALFORMED, "1.5");
        }
    }

    @Test
    void manyMessagesWithDescriptorsThatTheirFramesClaimAtOnceAreTaken() throws Exception {
        serve("limits");
        try (RawClient client = RawClient.passing(socket(), 1)) {
            for (int message = 0; message < 20; message++) {
                ByteBuffer puts = ByteBuffer.allocate(10 * 64);
                for (int i = 1; i <= 10; i++) {
                    puts.put(RawClient.putDescriptor(message * 10 + i, "key" + i, 0));
                }
                client.sendWith(puts.flip(), emptyBodies(10));
                if (message % 5 == 4) {
                    for (int i = 0; i < 50; i++) {
                        assertThat(client.receive().status()).isIn(Status.OK, Status.BUSY);
                    }
                }
            }
        }
    }

    /** The same empty body so many times. */
    private int[] emptyBodies(int count) {
        if (emptyBody < 0) {
            emptyBody = sealed(0);
        }
        int[] descriptors = new int[count];
        Arrays.fill(descriptors, emptyBody);
        return descriptors;
    }

    private static int sealed(int length) {
        int descriptor = NativeIo.sealedMemory(NativeIo.address(ByteBuffer.allocateDirect(length + 1)), length);
        assertThat(descriptor).isNotNegative();
        return descriptor;
    }

    // ---- sessions and objects

    @Test
    void asManySessionsAsConfiguredAreServedAndOneMoreIsTurnedAway() throws Exception {
        serve("limits", "max_sessions = 2");
        try (RawClient first = RawClient.greeted(socket());
                RawClient second = RawClient.greeted(socket());
                RawClient third = new RawClient(socket())) {
            assertEnded(third, Status.TOO_MANY_SESSIONS, "");
            assertAlive(first);
            assertAlive(second);
        }
    }

    @Test
    void anObjectAsLongAsConfiguredIsTakenAndALongerOneIsTooLargeHoweverItComes() throws Exception {
        serve("limits", "max_object = 1000");
        try (RawClient client = RawClient.passing(socket(), 1)) {
            for (int length = 1_000; length <= 1_001; length++) {
                Status expected = length == 1_000 ? Status.OK : Status.TOO_LARGE;
                client.send(RawClient.put(1, "key", new byte[length]));
                assertThat(client.receive().status()).as("in the frame").isEqualTo(expected);
                for (long said : new long[] {length, Limits.UNKNOWN}) {
                    sendInPieces(client, length, said);
                    assertThat(client.receive().status()).as("in pieces").isEqualTo(expected);
                }
                int descriptor = sealed(length);
                client.sendWith(RawClient.putDescriptor(3, "key", length), descriptor);
                NativeIo.close(descriptor);
                assertThat(client.receive().status()).as("as a descriptor").isEqualTo(expected);
            }
            assertAlive(client);
        }
    }

    private static void sendInPieces(RawClient client, int length, long said) throws IOException {
        client.send(RawClient.frame(
                w -> w.begin(Operation.PUT, Frame.MORE, 2, Status.OK, said).text(MetadataType.KEY, "key")));
        client.send(RawClient.frame(
                w -> w.begin(Operation.DATA, 0, 2, Status.OK, 0).body().put(new byte[length])));
        client.send(endOf(2));
    }

    // ---- timeouts: what is beyond one ends while what is within goes on

    @Test
    void whoDoesNotGreetInTimeIsEnded() throws Exception {
        serve("timeouts", "hello = \"100 ms\"");
        try (RawClient silent = new RawClient(socket())) {
            assertEnded(silent, Status.TIMEOUT, "");
        }
    }

    @Test
    void whoGreetsByHalfIsEnded() throws Exception {
        serve("timeouts", "hello = \"100 ms\"", "frame = \"10 min\"");
        try (RawClient half = new RawClient(socket())) {
            half.send(RawClient.hello().limit(Limits.HEADER + 1));
            assertEnded(half, Status.TIMEOUT, "");
        }
    }

    @Test
    void whoGreetsByDripsIsEnded() throws Exception {
        serve("timeouts", "hello = \"400 ms\"", "idle = \"100 ms\"", "frame = \"10 min\"");
        try (RawClient dripping = new RawClient(socket())) {
            ByteBuffer hello = RawClient.hello();
            int length = hello.limit();
            for (int sent = 4; sent <= length && !dripping.hasAnswer(); sent += 4) {
                dripping.send(hello.limit(sent));
                awaitIdleTimeout();
            }
            assertEnded(dripping, Status.TIMEOUT, "");
        }
    }

    @Test
    void aGreetingInTimeIsAnswered() throws Exception {
        serve("timeouts", "hello = \"10 min\"", "frame = \"100 ms\"", "idle = \"100 ms\"", "reply = \"100 ms\"");
        try (RawClient early = new RawClient(socket())) {
            awaitIdleTimeout();
            early.send(RawClient.hello());
            assertThat(early.receive().operation()).isEqualTo(Operation.HELLO);
        }
    }

    /** A session of its own begins and ends of being idle: 100 ms have passed. */
    private void awaitIdleTimeout() throws Exception {
        try (RawClient idle = RawClient.greeted(socket())) {
            RawClient.Answer answer = idle.receive();
            assertThat(answer.operation()).isEqualTo(Operation.GOODBYE);
            assertThat(answer.status()).isEqualTo(Status.TIMEOUT);
            assertThat(idle.isClosedByServer()).isTrue();
        }
    }

    @Test
    void anIdleSessionEndsAndOneWithARequestInFlightDoesNot() throws Exception {
        serve("timeouts", "idle = \"100 ms\"");
        try (RawClient busy = new RawClient(socket())) {
            busy.send(together(RawClient.hello(), openPut(1)));
            busy.receive();
            awaitIdleTimeout();
            busy.send(endOf(1));
            assertThat(busy.receive().status()).isEqualTo(Status.OK);
        }
    }

    @Test
    void aSessionThatMayBeIdleForEverStaysOpen() throws Exception {
        serve("timeouts", "idle = \"never\"", "hello = \"10 min\"", "frame = \"100 ms\"", "reply = \"100 ms\"");
        try (RawClient idle = RawClient.greeted(socket());
                RawClient stalled = new RawClient(socket())) {
            stalled.send(together(RawClient.hello(), openPut(1)));
            stalled.receive();
            assertEnded(stalled, Status.TIMEOUT, "");
            assertAlive(idle);
        }
    }

    @Test
    void aFrameThatStallsEndsItsSessionAndNoOther() throws Exception {
        serve("timeouts", "frame = \"100 ms\"");
        try (RawClient other = RawClient.greeted(socket());
                RawClient stalled = new RawClient(socket())) {
            stalled.send(together(RawClient.hello(), RawClient.ping(1).limit(Limits.HEADER - 1)));
            stalled.receive();
            assertEnded(stalled, Status.TIMEOUT, "");
            assertAlive(other);
        }
    }

    @Test
    void aFrameThatStallsIsNotTakenForAnIdleSession() throws Exception {
        serve("timeouts", "frame = \"300 ms\"", "idle = \"100 ms\"");
        try (RawClient stalled = RawClient.greeted(socket())) {
            stalled.send(RawClient.ping(1).limit(Limits.HEADER - 1));
            assertEnded(stalled, Status.TIMEOUT, "");
        }
    }

    @Test
    void anIdleSessionIsNotTakenForAFrameThatStalls() throws Exception {
        serve("timeouts", "frame = \"100 ms\"", "idle = \"300 ms\"");
        awaitIdleTimeout();
    }

    @Test
    void aBodyThatStallsEndsItsSessionAndNoOther() throws Exception {
        serve("timeouts", "frame = \"100 ms\"");
        try (RawClient other = RawClient.greeted(socket());
                RawClient stalled = new RawClient(socket())) {
            stalled.send(together(RawClient.hello(), openPut(1)));
            stalled.receive();
            assertEnded(stalled, Status.TIMEOUT, "");
            assertAlive(other);
        }
    }

    @Test
    void aPieceOfABodyThatStallsEndsItsSessionAndNoOther() throws Exception {
        serve("timeouts", "frame = \"100 ms\"");
        try (RawClient other = RawClient.greeted(socket());
                RawClient stalled = RawClient.greeted(socket())) {
            stalled.send(together(openPut(1), halfOf(dataOf(1))));
            assertEnded(stalled, Status.TIMEOUT, "");
            other.send(RawClient.get(2, "key1"));
            assertThat(other.receive().status()).isEqualTo(Status.NOT_FOUND);
        }
    }

    /** The time is told by a session that never greets: it ends after 100 ms. */
    @Test
    void whoIsSlowWithinTheTimeoutsIsServedToTheEnd() throws Exception {
        serve("timeouts", "hello = \"100 ms\"", "frame = \"10 min\"", "reply = \"10 min\"", "idle = \"10 min\"");
        try (RawClient idle = RawClient.greeted(socket());
                RawClient frame = RawClient.greeted(socket());
                RawClient body = RawClient.greeted(socket());
                RawClient reply = RawClient.greeted(socket());
                RawClient silent = new RawClient(socket())) {
            store(idle, 900_000);
            ByteBuffer ping = RawClient.ping(1);
            frame.send(ping.duplicate().limit(Limits.HEADER - 1));
            ByteBuffer data = dataOf(2);
            body.send(together(openPut(2), halfOf(data)));
            reply.send(RawClient.get(3, "large"));
            assertEnded(silent, Status.TIMEOUT, "");

            frame.send(ping.position(Limits.HEADER - 1));
            assertThat(frame.receive().status()).isEqualTo(Status.OK);
            body.send(together(data.position(halfOf(data).limit()), endOf(2)));
            assertThat(body.receive().status()).isEqualTo(Status.OK);
            RawClient.Answer answer = reply.receive();
            while (answer.more() || answer.operation() == Operation.DATA) {
                answer = reply.receive();
            }
            assertThat(answer.operation()).isEqualTo(Operation.END);
            assertAlive(reply);
            assertAlive(idle);
        }
    }

    private static ByteBuffer dataOf(int id) {
        return RawClient.frame(
                w -> w.begin(Operation.DATA, 0, id, Status.OK, 0).body().put(new byte[1_000]));
    }

    private static ByteBuffer halfOf(ByteBuffer frame) {
        return frame.duplicate().limit(frame.limit() / 2);
    }

    @Test
    void aClientThatDoesNotReadIsEndedWithoutAFrameAndOneThatReadsIsNot() throws Exception {
        serve("timeouts", "reply = \"100 ms\"");
        try (RawClient reading = RawClient.greeted(socket());
                RawClient deaf = RawClient.greeted(socket())) {
            store(reading, 900_000);
            deaf.send(RawClient.get(1, "large"));
            await().until(() -> sessions(reading) == 1);
            assertThat(operationsLeft(deaf)).isSubsetOf(Operation.GET, Operation.DATA);
        }
    }

    private static void store(RawClient client, int length) throws IOException {
        client.send(RawClient.put(1, "large", new byte[length]));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    private static long sessions(RawClient client) throws IOException {
        client.send(RawClient.frame(w -> w.begin(Operation.STAT, 0, 1, Status.OK, 0)));
        String figures = new String(client.receive().body(), StandardCharsets.UTF_8);
        return figures.lines()
                .filter(line -> line.startsWith("objmapper_sessions "))
                .mapToLong(line -> Long.parseLong(line.split(" ")[1]))
                .sum();
    }

    /** Of which kinds the whole frames are that come before the session ends. */
    private static Set<Integer> operationsLeft(RawClient client) throws IOException {
        Set<Integer> operations = new HashSet<>();
        try {
            while (true) {
                operations.add(client.receive().operation());
            }
        } catch (EOFException e) {
            return operations;
        }
    }

    @Test
    void whatIsInFlightWhenTheDrainTimeoutHasPassedIsGivenUp() throws Exception {
        serve("timeouts", "drain = \"0 s\"");
        try (RawClient client = RawClient.greeted(socket())) {
            store(client, 900_000);
            client.send(RawClient.get(2, "large"));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            server().drain();
            server().close();
            assertThat(operationsLeft(client)).doesNotContain(Operation.END);
        }
    }

    @Test
    void whatIsInFlightIsFinishedWithinTheDrainTimeout() throws Exception {
        serve("timeouts", "drain = \"10 min\"");
        try (RawClient idle = RawClient.greeted(socket());
                RawClient client = RawClient.greeted(socket())) {
            store(client, 900_000);
            client.send(RawClient.get(2, "large"));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            CompletableFuture<Void> drained = CompletableFuture.runAsync(this::drain);
            assertThat(idle.receive().status()).isEqualTo(Status.SHUTTING_DOWN);
            assertThat(operationsLeft(client)).contains(Operation.END);
            drained.join();
        }
    }

    private void drain() {
        try {
            server().drain();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private ServerRun server() {
        ServerRun running = server;
        if (running == null) {
            throw new AssertionError("no server runs");
        }
        return running;
    }
}
