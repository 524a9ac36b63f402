package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.client.Body;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.protocol.Features;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.store.StoreOptions;

/** The validity table over a socket: who gets it, and what replies say of it (protocol-spec.md 11). */
class ValidityTest {
    private static final int EPOCH_AT = 64;
    private static final int CLOCK_AT = 128;

    @TempDir
    Path directory;

    private ServerUnderTest server;

    @BeforeEach
    void start() throws IOException {
        Path data = Files.createDirectories(directory.resolve("data"));
        server = new ServerUnderTest(
                directory,
                ServerUnderTest.LIMITS,
                2,
                StoreOptions.of(data).withValidityTable(directory.resolve("s.validity")));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private static ByteBuffer map(RawClient client) throws IOException {
        FileDescriptor[] passed = client.takeDescriptors();
        assertThat(passed).hasSize(1);
        try (FileChannel file = new FileInputStream(passed[0]).getChannel()) {
            return file.map(FileChannel.MapMode.READ_ONLY, 0, file.size()).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /** What a reply says: epoch, slot, word, deadline. */
    private static ByteBuffer validity(RawClient.Answer answer) throws Exception {
        byte[] value = answer.value(MetadataType.VALIDITY);
        assertThat(value).hasSize(32);
        return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static RawClient.Answer ask(RawClient client, ByteBuffer request) throws IOException {
        client.send(request);
        return client.receive();
    }

    private static long word(ByteBuffer table, ByteBuffer validity) {
        return table.getLong((int) table.getLong(16) + (int) validity.getLong(8) * Long.BYTES);
    }

    @Test
    void aClientTellsHowOftenItGaveWhatItKeeps() throws Exception {
        Key key = Key.of("key");
        try (ObjmapperClient client =
                ObjmapperClient.builder(server.socket).cache(10, 1_000, 60_000).build()) {
            client.put(key, Body.of("a body".getBytes(StandardCharsets.UTF_8)));
            client.get(key).orElseThrow().close();
            assertThat(client.cachedObjects()).isEqualTo(1);
            long asked = client.stat().get("objmapper_store_hits_total");
            int gets = 100;
            for (int i = 0; i < gets; i++) {
                client.get(key).orElseThrow().close();
            }
            // Each of them was a hit of the one or the other, also where a pause made the client ask.
            await().untilAsserted(() -> {
                Map<String, Long> figures = client.stat();
                assertThat(figures.get("objmapper_client_hits_total")
                                + figures.get("objmapper_store_hits_total")
                                - asked)
                        .isEqualTo(gets);
                assertThat(figures.get("objmapper_client_hits_total")).isPositive();
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {10, 100_000})
    void aReplyHasTheWordOfItsKeyWhichChangesWithTheObject(int length) throws Exception {
        try (RawClient client = RawClient.asking(server.socket, Features.VALIDITY)) {
            assertThat(client.receive().u64(MetadataType.FEATURES)).isEqualTo(Features.VALIDITY);
            ByteBuffer table = map(client);
            assertThat(table.getLong(CLOCK_AT))
                    .as("the clock goes before anybody reads it")
                    .isPositive();
            ask(client, RawClient.put(1, "key", new byte[length]));

            RawClient.Answer first = ask(client, RawClient.get(2, "key"));
            ByteBuffer validity = validity(first);
            assertThat(validity.getLong(0)).isEqualTo(table.getLong(EPOCH_AT)).isEven();
            assertThat(word(table, validity)).isEqualTo(validity.getLong(16)).isEven();
            assertThat(validity.getLong(24)).as("it never expires").isEqualTo(Limits.UNKNOWN);

            ask(client, RawClient.put(3, "key", new byte[length]));
            assertThat(word(table, validity))
                    .isGreaterThan(validity.getLong(16))
                    .isEven();
            assertThat(validity(ask(client, RawClient.get(4, "key"))).getLong(16))
                    .isEqualTo(word(table, validity));
        }
    }

    @Test
    void theDeadlineIsTheExpiryAndAReplyThatNothingChangedHasItToo() throws Exception {
        try (RawClient client = RawClient.asking(server.socket, Features.VALIDITY)) {
            client.receive();
            ask(client, RawClient.frame(w -> w.begin(Operation.PUT, 0, 1, Status.OK, 0)
                    .bytes(MetadataType.KEY, "key".getBytes(StandardCharsets.UTF_8))
                    .u64(MetadataType.TTL, 1_000_000)));
            RawClient.Answer whole = ask(client, RawClient.get(2, "key"));
            assertThat(validity(whole).getLong(24)).isEqualTo(whole.u64(MetadataType.EXPIRY));
            RawClient.Answer unchanged = ask(client, RawClient.frame(w -> w.begin(Operation.GET, 0, 3, Status.OK, 0)
                    .bytes(MetadataType.KEY, "key".getBytes(StandardCharsets.UTF_8))
                    .u64(MetadataType.IF_GENERATION_NOT, generation(whole))));
            assertThat(unchanged.status()).isEqualTo(Status.NOT_MODIFIED);
            assertThat(validity(unchanged)).isEqualTo(validity(whole));
        }
    }

    private static long generation(RawClient.Answer answer) {
        try {
            return answer.u64(MetadataType.GENERATION);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whoDoesNotAskGetsNeitherTableNorWords() throws Exception {
        try (RawClient client = RawClient.passing(server.socket, 16)) {
            ask(client, RawClient.put(1, "key", new byte[10]));
            assertThat(ask(client, RawClient.get(2, "key")).value(MetadataType.VALIDITY))
                    .isEmpty();
        }
    }

    @Test
    void whoTakesNoDescriptorsIsNotGrantedIt() throws Exception {
        try (RawClient client = new RawClient(server.socket)) {
            client.send(RawClient.frame(w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC)
                    .versions(1, 1)
                    .u64(MetadataType.FEATURES, Features.VALIDITY)));
            assertThat(client.receive().u64(MetadataType.FEATURES)).isZero();
            ask(client, RawClient.put(1, "key", new byte[10]));
            assertThat(ask(client, RawClient.get(2, "key")).value(MetadataType.VALIDITY))
                    .isEmpty();
        }
    }

    @Test
    void theClockGoesAsLongAsASessionHasTheTable() throws Exception {
        try (RawClient client = RawClient.asking(server.socket, Features.VALIDITY)) {
            client.receive();
            ByteBuffer table = map(client);
            long first = table.getLong(CLOCK_AT);
            await().until(() -> table.getLong(CLOCK_AT) > first);
        }
    }

    /** Too many descriptors are in flight for the user: the session begins without the table. */
    @Test
    void aTableThatCannotBePassedIsTakenBackOutOfTheHello() throws Exception {
        OutputQueue queue = new OutputQueue(new BufferPool(4_096, 1));
        queue.frame(1_024)
                .begin(Operation.HELLO, Frame.REPLY, 0, Status.OK, Limits.MAGIC)
                .u64(MetadataType.FEATURES, Features.VALIDITY | Features.BANS);
        queue.end(new Exchanges(server.store).handValidity(), 16);
        queue.answerByCopy(queue.head(), Limits.MAX_FRAME_DEFAULT);
        Segment head = queue.head();
        assertThat(head.descriptorCount).isZero();
        assertThat(head.buffer.get(5)).isZero();
        assertThat(head.buffer.getLong(Limits.HEADER + 8)).isEqualTo(Features.BANS);
        assertThat(head.length).isEqualTo(Limits.HEADER + 16);
        queue.clear();
    }
}
