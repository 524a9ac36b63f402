package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.durable;
import static org.objmapper.server.store.StoreUnderTest.plain;
import static org.objmapper.server.store.StoreUnderTest.with;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import net.openhft.hashing.LongHashFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.index.Digests;

class StorePutGetTest {
    @TempDir
    Path directory;

    private StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        store = new StoreUnderTest(StoreOptions.of(directory).withMaxObjectBytes(3_000_000));
    }

    @AfterEach
    void close() {
        store.close();
    }

    private static byte[] body(int length) {
        byte[] body = new byte[length];
        new Random(length).nextBytes(body);
        return body;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4_095, 4_096, 4_097, 262_143, 262_144, 262_145, 2_500_000})
    void whatIsPutIsThereAtOnceAndAfterReopening(int length) throws Exception {
        Result relaxed = store.put(plain("relaxed"), body(length));
        Result durable = store.put(durable("durable"), body(length));
        Result unknownLength = store.put(plain("unknown"), body(length), -1);

        for (Result result : new Result[] {relaxed, durable, unknownLength}) {
            assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
            assertThat(result.sha256()).isEqualTo(Digests.sha256().digest(body(length)));
        }
        for (int round = 0; round < 2; round++) {
            for (String key : new String[] {"relaxed", "durable", "unknown"}) {
                assertThat(store.get(key).body()).isEqualTo(body(length));
                assertThat(store.get(key).inFile()).isEqualTo(length > 4_096);
                assertThat(StoreUnderTest.value(store.get(key), MetadataType.SHA256.code()))
                        .isEqualTo(relaxed.sha256());
            }
            store.reopen();
        }
    }

    @Test
    void aLaterPutReplacesTheBodyAndAReaderKeepsTheOldOne() throws Exception {
        store.put(durable("key"), body(10_000));
        StoredObject old = store.pin("key");
        store.put(durable("key"), body(20_000));

        assertThat(StoreUnderTest.body(old)).isEqualTo(body(10_000));
        assertThat(store.get("key").body()).isEqualTo(body(20_000));
        await().untilAsserted(() -> assertThat(store.objectFiles()).hasSize(1));
        old.unpin();
    }

    @Test
    void objectFilesCanBeReadByTheirOwnerAlone() throws Exception {
        store.put(durable("key"), body(10_000));

        assertThat(store.objectFiles()).hasSize(1).allSatisfy(file -> assertThat(
                        PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("r--------"));
    }

    @Test
    void generationsGrowAndAreNotUsedAgainAfterReopening() throws Exception {
        long first = store.putOk("a", body(1));
        long second = store.putOk("a", body(1));
        store.delete("a");
        store.reopen();
        long third = store.putOk("b", body(1));

        assertThat(second).isGreaterThan(first);
        assertThat(third).isGreaterThan(second);
    }

    @Test
    void theConditionAbsentHoldsOnlyWhereNoUnexpiredObjectStands() {
        Put ifAbsent = new Put(bytes("key"), new ObjectMetadata(), 1_000, true, null, null, null, false);
        long generation = store.put(ifAbsent, body(1)).generation();
        Result refused =
                store.put(new Put(bytes("key"), new ObjectMetadata(), 1_000, true, null, null, null, false), body(2));
        store.nowMillis.addAndGet(1_000);
        Result afterExpiry =
                store.put(new Put(bytes("key"), new ObjectMetadata(), -1, true, null, null, null, false), body(3));

        assertThat(refused.status()).isEqualTo(Status.PRECONDITION_FAILED);
        assertThat(refused.generation()).isEqualTo(generation);
        assertThat(afterExpiry.status()).isEqualTo(Status.OK);
        assertThat(store.get("key").body()).hasSize(3);
    }

    @Test
    void theConditionOnAGenerationHoldsOnlyForThatOne() {
        long generation = store.putOk("key", body(1));
        Put wrong = new Put(bytes("key"), new ObjectMetadata(), -1, false, generation + 1, null, null, false);
        Put missing = new Put(bytes("other"), new ObjectMetadata(), -1, false, generation, null, null, false);
        Put right = new Put(bytes("key"), new ObjectMetadata(), -1, false, generation, null, null, false);

        assertThat(store.put(wrong, body(10_000)).generation()).isEqualTo(generation);
        assertThat(store.put(missing, body(2)).status()).isEqualTo(Status.PRECONDITION_FAILED);
        assertThat(store.put(right, body(2)).status()).isEqualTo(Status.OK);
        assertThat(store.get("key").body()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {100, 10_000, 1_500_000})
    void aBodyThatDiffersFromItsChecksumIsRefusedAndTheOldOneStays(int length) {
        byte[] body = body(length);
        byte[] sha256 = Digests.sha256().digest(body);
        long xxh3 = LongHashFunction.xx3().hashBytes(body);
        store.putOk("key", body(5));

        byte[] wrongSha = sha256.clone();
        wrongSha[0]++;
        Put bySha = new Put(bytes("key"), new ObjectMetadata(), -1, false, null, wrongSha, null, false);
        Put byXxh3 = new Put(bytes("key"), new ObjectMetadata(), -1, false, null, null, xxh3 + 1, false);
        assertThat(store.put(bySha, body).status()).isEqualTo(Status.CHECKSUM_MISMATCH);
        assertThat(store.put(byXxh3, body).status()).isEqualTo(Status.CHECKSUM_MISMATCH);
        assertThat(store.get("key").body()).hasSize(5);

        Put right = new Put(bytes("key"), new ObjectMetadata(), -1, false, null, sha256, xxh3, false);
        assertThat(store.put(right, body).xxh3()).isEqualTo(xxh3);
        assertThat(StoreUnderTest.u64(store.get("key"), MetadataType.XXH3)).isEqualTo(xxh3);
    }

    @ParameterizedTest
    @ValueSource(ints = {100, 10_000, 1_500_000})
    void aBodyOfAnotherLengthThanSaidIsRefused(int length) {
        assertThat(store.put(plain("key"), body(length), length - 1).status()).isEqualTo(Status.LENGTH_MISMATCH);
        assertThat(store.put(plain("key"), body(length), length + 1).status()).isEqualTo(Status.LENGTH_MISMATCH);
        assertThat(store.get("key")).isNull();
    }

    @Test
    void aBodyAtTheLimitIsTakenAndALongerOneIsNot() {
        assertThat(store.put(plain("key"), body(3_000_000)).status()).isEqualTo(Status.OK);
        assertThat(store.put(plain("key"), body(3_000_001)).status()).isEqualTo(Status.TOO_LARGE);
        assertThat(store.put(plain("key"), body(3_000_001), -1).status()).isEqualTo(Status.TOO_LARGE);
        assertThat(store.get("key").body()).hasSize(3_000_000);
    }

    @Test
    void aBodyThatIsGivenUpLeavesNothingBehind() throws Exception {
        BodyWriter writer = store.receive(-1, () -> {});
        writer.write(java.nio.ByteBuffer.wrap(body(300_000)), 0, 300_000);
        writer.discard();
        store.reopen();

        assertThat(store.objectFiles()).isEmpty();
    }

    @Test
    void theWholeKeyCountsUpToItsLongest() {
        String longest = "k".repeat(4_096);
        String almost = "k".repeat(4_095) + "l";
        store.putOk(longest, body(1));
        store.putOk(almost, body(2));

        assertThat(store.get(longest).body()).hasSize(1);
        assertThat(store.get(almost).body()).hasSize(2);
        assertThat(store.get("k".repeat(400))).isNull();
    }

    @Test
    void metadataOfEveryKindComesBackInTheOrderOfTheProtocol() throws Exception {
        ObjectMetadata given = new ObjectMetadata()
                .add(9_999, bytes("unknown, second type"))
                .add(MetadataType.TAG.code(), bytes("b"))
                .add(MetadataType.ETAG.code(), bytes("etag"))
                .add(MetadataType.TAG.code(), bytes("a"))
                .add(MetadataType.VARIANT.code(), new byte[] {1, 0, 'n', 'v'})
                .add(MetadataType.EVICTABLE.code(), new byte[] {1, 0, 0, 0})
                .add(777, bytes("unknown"));
        store.put(with("key", given, -1), body(1));
        store.reopen();

        java.util.List<String> types = new java.util.ArrayList<>();
        byte[] encoded = store.getVariant("key", VariantsTest.headers("n", "v"))
                .metadata()
                .encode();
        var reader = new org.objmapper.protocol.MetadataReader()
                .wrap(java.nio.ByteBuffer.wrap(encoded).order(java.nio.ByteOrder.LITTLE_ENDIAN), 0, encoded.length);
        while (reader.next()) {
            types.add(reader.type() + (reader.type() == 266 ? new String(reader.bytes(), StandardCharsets.UTF_8) : ""));
        }
        assertThat(types).containsExactly("256", "257", "259", "263", "266b", "266a", "267", "269", "9999", "777");
    }

    @Test
    void metadataAtItsLimitIsTakenAndMoreIsNot() {
        // GENERATION, SHA256 and CREATED take 16 + 40 + 16 bytes, an entry's header 8.
        int room = Limits.MAX_OBJECT_METADATA - 72 - 8;
        ObjectMetadata atLimit = new ObjectMetadata().add(9_999, new byte[room]);
        ObjectMetadata beyond = new ObjectMetadata().add(9_999, new byte[room + 1]);

        assertThat(store.put(with("key", atLimit, -1), body(1)).status()).isEqualTo(Status.OK);
        assertThat(store.put(with("key", beyond, -1), body(10_000)).status()).isEqualTo(Status.BAD_REQUEST);
        assertThat(store.get("key").body()).hasSize(1);
    }

    @Test
    void whenTheQueueIsFullAPutIsToldBusyAtOnce() throws Exception {
        try (StoreUnderTest small =
                new StoreUnderTest(StoreOptions.of(Files.createDirectory(directory.resolve("small")))
                        .withDevice(1, 1))) {
            CompletableFuture<Void> hold = new CompletableFuture<>();
            CompletableFuture<Void> held = new CompletableFuture<>();
            small.store().submit(() -> {
                held.complete(null);
                hold.join();
            });
            StoreUnderTest.await(held);
            assertThat(small.store().submit(() -> {})).isTrue();

            Result refused = small.put(plain("key"), body(1));
            boolean deleteTaken = small.store().delete(bytes("key"), null, false, result -> {});
            hold.complete(null);

            assertThat(refused.status()).isEqualTo(Status.BUSY);
            assertThat(deleteTaken).isFalse();
        }
    }
}
