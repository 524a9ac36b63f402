package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.badinput.DirectoryOnDisk;
import org.objmapper.server.store.eviction.PolicyName;
import org.objmapper.server.store.tier.Capacity;

/** Objects that are asked for often have a copy in memory, which is as good as their file. */
class StoreMemoryTierTest {
    private static final int ALL_SEALS = 0xf;
    private static final int PAGE = 4_096;
    private static final int BODY_BYTES = 10_000;
    private static final int BODY_PAGES = 3;

    @TempDir(factory = DirectoryOnDisk.class)
    Path directory;

    private StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        store = new StoreUnderTest(options(1 << 20, 100));
    }

    @AfterEach
    void close() {
        store.close();
    }

    private StoreOptions options(long bytes, long objects) {
        Capacity capacity = new Capacity(bytes, objects, 95, 90, PolicyName.LRU);
        return StoreOptions.of(directory).withTiers(TierOptions.ofMemory(capacity));
    }

    private void reopen(long bytes, long objects) throws Exception {
        store.close();
        store = new StoreUnderTest(options(bytes, objects));
    }

    private static byte[] body(int filler) {
        byte[] body = new byte[BODY_BYTES];
        Arrays.fill(body, (byte) filler);
        return body;
    }

    /** As a GET does. */
    private StoredObject ask(String key) {
        StoredObject object = store.pin(key);
        assertThat(object).as(key).isNotNull();
        store.store().found(object);
        return object;
    }

    private boolean isInMemoryWhenAsked(String key) {
        StoredObject object = ask(key);
        try {
            return object.isInMemory();
        } finally {
            object.unpin();
        }
    }

    private void promote(String key) {
        await().until(() -> isInMemoryWhenAsked(key));
    }

    private void promoteNew(String key, int filler) {
        store.put(StoreUnderTest.durable(key), body(filler));
        promote(key);
    }

    private long figure(String name) {
        return store.figure("objmapper_memory_" + name);
    }

    @Test
    void whatIsAskedForOftenIsHandedOutOfMemory() {
        promoteNew("a", 7);

        StoredObject object = ask("a");
        assertThat(StoreUnderTest.body(object)).isEqualTo(body(7));
        assertThat(object.inlineBody()).isNull();
        object.unpin();
        await().until(() -> figure("objects") == 1);
        assertThat(figure("bytes")).isEqualTo(BODY_PAGES * PAGE);
        assertThat(figure("promotions_total")).isEqualTo(1);
        assertThat(figure("hits_total")).isPositive();
        assertThat(figure("misses_total")).isPositive();
    }

    @Test
    void aCopyCanNotBeWrittenToOrChangedByAnyone() {
        promoteNew("a", 7);

        StoredObject object = ask("a");
        int descriptor = object.descriptor();
        assertThat(NativeIo.seals(descriptor)).isEqualTo(ALL_SEALS);
        assertThat(NativeIo.statusFlags(descriptor) & 3)
                .as("open for reading only")
                .isZero();
        int writable = NativeIo.openAt(-100, ("/proc/self/fd/" + descriptor + "\0").getBytes(), 2, 0);
        if (writable >= 0) { // the owner may open it so; the seals keep it from writing
            assertThat(NativeIo.write(writable, address(), 1, 0)).isNegative();
            NativeIo.close(writable);
        }
        object.unpin();
    }

    private static long address() {
        return NativeIo.address(ByteBuffer.allocateDirect(1));
    }

    @Test
    void whatIsAskedForOnceStaysWhereItIs() {
        store.put(StoreUnderTest.durable("once"), body(1));
        ask("once").unpin();
        promoteNew("often", 2);

        assertThat(isInMemoryWhenAsked("once")).isFalse();
    }

    @Test
    void anInlineBodyIsNotCopied() {
        store.put(StoreUnderTest.durable("small"), new byte[Store.INLINE_BODY_BYTES]);
        store.put(StoreUnderTest.durable("file"), body(1));
        await().until(() -> {
            ask("small").unpin();
            return isInMemoryWhenAsked("file");
        });

        assertThat(isInMemoryWhenAsked("small")).isFalse();
        assertThat(figure("promotions_total")).isEqualTo(1);
    }

    @Test
    void aDeletedObjectLeaves() {
        promoteNew("a", 7);
        assertThat(store.delete("a", null, true).status()).isEqualTo(Status.OK);

        assertThat(store.pin("a")).isNull();
        await().until(() -> figure("objects") == 0);
        assertThat(figure("bytes")).isZero();
        assertThat(figure("evictions_capacity_total")).isZero();
    }

    @Test
    void anOverwrittenObjectLeavesAndItsSuccessorMayCome() {
        promoteNew("a", 7);
        store.put(StoreUnderTest.durable("a"), body(8));

        assertThat(store.get("a").body()).isEqualTo(body(8));
        promote("a");
        assertThat(store.get("a").body()).isEqualTo(body(8));
        await().until(() -> figure("objects") == 1);
    }

    @Test
    void aTouchedObjectStays() {
        promoteNew("a", 7);
        assertThat(store.touchDurably("a", 1_000_000L).status()).isEqualTo(Status.OK);

        assertThat(isInMemoryWhenAsked("a")).isTrue();
        assertThat(figure("promotions_total")).isEqualTo(1);
    }

    @Test
    void aPurgedObjectLeaves() {
        promoteNew("a/1", 7);
        assertThat(store.purgePrefix("a/", false).status()).isEqualTo(Status.OK);

        assertThat(store.pin("a/1")).isNull();
        await().until(() -> figure("objects") == 0);
    }

    @Test
    void aClientKeepsTheCopyThatItHoldsAndThatCountsAsHeld() {
        promoteNew("a", 7);
        StoredObject object = ask("a");
        int held = NativeIo.reopen(object.descriptor(), -1, 0);
        object.unpin();
        store.delete("a", null, true);

        await().until(() -> store.figure("objmapper_store_held_objects") == 1);
        assertThat(store.figure("objmapper_store_held_bytes")).isEqualTo(BODY_BYTES);
        assertThat(store.figure("objmapper_memory_held_bytes")).isEqualTo(BODY_BYTES);
        NativeIo.close(held);
        await().until(() -> store.figure("objmapper_store_held_objects") == 0);
    }

    @Test
    void whoWasNotAskedForLatelyLeavesWhenTheTierIsFull() throws Exception {
        reopen(10 * BODY_PAGES * PAGE, 100);
        for (int i = 0; i < 12; i++) {
            promoteNew("a" + i, i);
        }

        await().until(() -> figure("bytes") <= 9 * BODY_PAGES * PAGE + BODY_PAGES * PAGE / 2);
        assertThat(figure("evictions_capacity_total")).isPositive();
        assertThat(isInMemoryWhenAsked("a11")).isTrue();
        for (int i = 0; i < 12; i++) {
            assertThat(store.get("a" + i).body()).isEqualTo(body(i));
        }
    }

    @Test
    void whoIsAskedForAsOftenAsThoseWhoAreThereDoesNotTakeTheirPlace() throws Exception {
        reopen(10 * BODY_PAGES * PAGE, 100);
        for (int i = 0; i < 20; i++) {
            store.put(StoreUnderTest.durable("a" + i), body(i));
        }
        await().until(() -> {
            for (int i = 0; i < 20; i++) {
                ask("a" + i).unpin();
            }
            return figure("hits_total") > 200;
        });

        assertThat(figure("promotions_total")).isLessThan(20);
    }

    @Test
    void objectsAreBoundedToo() throws Exception {
        reopen(1 << 20, 4);
        for (int i = 0; i < 6; i++) {
            promoteNew("a" + i, i);
        }

        await().until(() -> figure("objects") <= 3);
        assertThat(figure("evictions_capacity_total")).isGreaterThanOrEqualTo(3);
    }

    @Test
    void aBodyThatWouldTakeTooMuchOfTheTierIsNotCopied() throws Exception {
        reopen(3 * BODY_PAGES * PAGE, 100);
        store.put(StoreUnderTest.durable("large"), body(1));
        store.put(StoreUnderTest.durable("small"), new byte[PAGE + 1]);
        await().until(() -> {
            ask("large").unpin();
            return isInMemoryWhenAsked("small");
        });

        assertThat(isInMemoryWhenAsked("large")).isFalse();
    }

    @Test
    void aBodyThatIsNotWhatWasStoredIsNotCopied() throws Exception {
        store.put(StoreUnderTest.durable("a"), body(1));
        Path file = store.objectFiles().get(0);
        assertThat(file.toFile().setWritable(true)).isTrue();
        Files.write(file, body(2));

        await().until(() -> {
            ask("a").unpin();
            return figure("promotion_failures_total") > 0;
        });
        assertThat(isInMemoryWhenAsked("a")).isFalse();
    }

    @Test
    void nothingIsLeftOpenWhenTheStoreCloses() throws Exception {
        long before = openMemory();
        promoteNew("a", 1);
        assertThat(openMemory()).isGreaterThan(before);
        store.close();
        assertThat(openMemory()).isEqualTo(before);
        store = new StoreUnderTest(directory);
        assertThat(store.get("a").body()).isEqualTo(body(1));
    }

    private static long openMemory() throws Exception {
        try (var links = Files.list(Path.of("/proc/self/fd"))) {
            return links.filter(StoreMemoryTierTest::isMemory).count();
        }
    }

    private static boolean isMemory(Path link) {
        try {
            return Files.readSymbolicLink(link).toString().contains("memfd:objmapper");
        } catch (IOException e) {
            return false;
        }
    }
}
