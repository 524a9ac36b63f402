package org.objmapper.server.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.evictability;
import static org.objmapper.server.store.StoreUnderTest.plain;
import static org.objmapper.server.store.StoreUnderTest.with;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.Status;
import org.objmapper.server.badinput.SmallFileSystem;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.eviction.PolicyName;
import org.objmapper.server.store.tier.Capacity;

class StoreEvictionTest extends AgainstStore {
    private void assertEvictable(long objects, long bytes) throws Exception {
        store.store().flush();
        assertThat(store.figure("objmapper_store_evictable_objects")).isEqualTo(objects);
        assertThat(store.figure("objmapper_store_evictable_bytes")).isEqualTo(bytes);
    }

    @Test
    void anObjectIsKeptUnlessItsPutSaysThatItIsEvictable() throws Exception {
        store.putOk("kept", new byte[10]);
        store.put(with("said to be kept", evictability(false), -1), new byte[10_000]);
        store.put(with("small", evictability(true), -1), new byte[100]);
        store.put(with("large", evictability(true), -1), new byte[5_000]);

        assertEvictable(2, 5_100);
        store.reopen();
        assertEvictable(2, 5_100);
    }

    @Test
    void aTouchMakesAnObjectEvictableOrKept() throws Exception {
        store.putOk("a", new byte[100]);
        store.touch("a", evictability(true), null);
        assertEvictable(1, 100);

        store.touch("a", new ObjectMetadata(), 1_000L);
        assertEvictable(1, 100);

        store.touch("a", evictability(false), null);
        assertEvictable(0, 0);
    }

    @Test
    void anOverwriteSaysAnewWhetherAnObjectIsEvictable() throws Exception {
        store.put(with("a", evictability(true), -1), new byte[100]);
        store.putOk("a", new byte[200]);

        assertEvictable(0, 0);
        store.delete("a");
        assertEvictable(0, 0);
    }

    // ---- capacity

    private static final int KIB = 1 << 10;

    private void openWith(Capacity capacity) throws Exception {
        store.close();
        store = new StoreUnderTest(StoreOptions.of(directory).withCapacity(capacity));
    }

    private static Capacity bytes(long bytes) {
        return new Capacity(bytes, Capacity.MAX_OBJECTS, 90, 50, PolicyName.LRU);
    }

    private Result putEvictable(String key, int length) {
        return store.put(with(key, evictability(true), -1), new byte[length]);
    }

    /** Puts one after the other, each on disk before the next. */
    private void putEvictables(String prefix, int count, int length) throws Exception {
        for (int i = 0; i < count; i++) {
            assertThat(putEvictable(prefix + i, length).status()).isEqualTo(Status.OK);
            store.store().flush();
        }
    }

    private void awaitBytes(long atMost) {
        await().untilAsserted(
                        () -> assertThat(store.figure("objmapper_store_bytes")).isLessThanOrEqualTo(atMost));
    }

    @Test
    void aboveTheHighWatermarkTheStoreEvictsDownToTheLowOne() throws Exception {
        openWith(bytes(100 * KIB));
        putEvictables("a", 9, 10 * KIB);
        assertThat(store.figure("objmapper_store_evictions_capacity_total")).isZero();

        putEvictables("b", 1, 10 * KIB);

        awaitBytes(50 * KIB);
        assertThat(store.figure("objmapper_store_bytes")).isEqualTo(50 * KIB);
        assertThat(store.figure("objmapper_store_evictions_capacity_total")).isEqualTo(5);
        assertThat(store.figure("objmapper_store_evicted_bytes_total")).isEqualTo(50 * KIB);
        String ofDevice = "{device=\"" + store.store().deviceId() + "\"}";
        assertThat(store.figure("objmapper_device_evictions_capacity_total" + ofDevice))
                .isEqualTo(5);
        assertThat(store.figure("objmapper_device_evictions_no_space_total" + ofDevice))
                .isZero();
        assertThat(store.keys("", 100)).containsExactly("a5", "a6", "a7", "a8", "b0");
        await().untilAsserted(() -> assertThat(store.objectFiles()).hasSize(5));
    }

    @Test
    void whoWasAskedForStaysLonger() throws Exception {
        openWith(bytes(100 * KIB));
        putEvictables("a", 9, 10 * KIB);
        StoredObject first = store.pin("a0");
        store.store().found(first);
        first.unpin();

        putEvictables("b", 1, 10 * KIB);

        awaitBytes(50 * KIB);
        assertThat(store.keys("", 100)).containsExactly("a0", "a6", "a7", "a8", "b0");
    }

    @Test
    void whatAClientGaveOfItsOwnStaysLongerToo() throws Exception {
        openWith(bytes(100 * KIB));
        putEvictables("a", 9, 10 * KIB);
        store.store().servedByClient("a0".getBytes(UTF_8), 1);

        putEvictables("b", 1, 10 * KIB);

        awaitBytes(50 * KIB);
        assertThat(store.keys("", 100)).containsExactly("a0", "a6", "a7", "a8", "b0");
    }

    @Test
    void objectsAreBoundedAsBytesAre() throws Exception {
        openWith(new Capacity(1 << 30, 10, 90, 50, PolicyName.FIFO));
        putEvictables("small", 10, 1);

        await().untilAsserted(() ->
                assertThat(store.figure("objmapper_store_objects")).isEqualTo(5));
        assertThat(store.keys("", 100)).containsExactly("small5", "small6", "small7", "small8", "small9");
    }

    @Test
    void aPutThatNeedsRoomGetsIt() throws Exception {
        openWith(new Capacity(100 * KIB, Capacity.MAX_OBJECTS, 100, 100, PolicyName.LRU));
        putEvictables("a", 10, 10 * KIB);

        assertThat(putEvictable("large", 95 * KIB).status()).isEqualTo(Status.OK);
        store.store().flush();

        assertThat(store.keys("", 100)).containsExactly("large");
        assertThat(store.figure("objmapper_store_evictions_capacity_total")).isEqualTo(10);
    }

    @Test
    void keptObjectsAreNeverEvictedAndAStoreOfThemAnswersNoSpace() throws Exception {
        openWith(bytes(100 * KIB));
        for (int i = 0; i < 10; i++) {
            store.putOk("kept" + i, new byte[10 * KIB]);
        }

        Result kept = store.put(plain("more"), new byte[1]);
        Result evictable = putEvictable("evictable", 1);

        assertThat(kept.status()).isEqualTo(Status.NO_SPACE);
        assertThat(kept.message()).contains("102400 bytes in 10 objects").contains("capacity");
        assertThat(evictable.status()).isEqualTo(Status.NO_SPACE);
        assertThat(store.keys("", 100)).hasSize(10);
        assertThat(store.delete("kept3").status()).isEqualTo(Status.OK);
        assertThat(store.put(plain("more"), new byte[10 * KIB]).status()).isEqualTo(Status.OK);
        assertThat(store.figure("objmapper_store_evictions_capacity_total")).isZero();
    }

    @Test
    void aBodyOfTheWholeCapacityFitsAndALongerOneDoesNot() throws Exception {
        openWith(bytes(100 * KIB));
        putEvictables("a", 5, 10 * KIB);

        assertThat(store.put(plain("longer"), new byte[100 * KIB + 1]).status()).isEqualTo(Status.NO_SPACE);
        assertThat(store.keys("", 100)).as("nothing is evicted in vain").hasSize(5);
        assertThat(store.put(plain("whole"), new byte[100 * KIB]).status()).isEqualTo(Status.OK);
        assertThat(store.keys("", 100)).containsExactly("whole");
    }

    @Test
    void anOverwriteNeedsNoRoomForWhatItReplaces() throws Exception {
        openWith(bytes(100 * KIB));
        store.putOk("a", new byte[60 * KIB]);

        assertThat(store.put(plain("a"), new byte[100 * KIB]).status()).isEqualTo(Status.OK);
        assertThat(store.put(plain("a"), new byte[100 * KIB + 1]).status()).isEqualTo(Status.NO_SPACE);
        assertThat(store.get("a").body()).hasSize(100 * KIB);
    }

    @Test
    void objectsFromBeforeTheStartAreEvictedToo() throws Exception {
        putEvictables("a", 10, 10 * KIB);
        store.putOk("kept", new byte[10 * KIB]);

        openWith(bytes(100 * KIB));

        awaitBytes(50 * KIB);
        assertThat(store.keys("", 100)).hasSize(5).contains("kept");
    }

    @Test
    void whatATouchMakesKeptIsNotEvictedAndWhatItMakesEvictableIs() throws Exception {
        openWith(bytes(100 * KIB));
        putEvictables("a", 1, 40 * KIB);
        store.putOk("b", new byte[40 * KIB]);
        store.touch("a0", evictability(false), null);
        store.touch("b", evictability(true), null);

        assertThat(store.put(plain("c"), new byte[40 * KIB]).status()).isEqualTo(Status.OK);

        assertThat(store.keys("", 100)).containsExactly("a0", "c");
    }

    // ---- restarts

    @Test
    void theOrderOfEvictionOutlivesAStop() throws Exception {
        openWith(bytes(100 * KIB));
        putEvictables("a", 9, 10 * KIB);
        for (String key : List.of("a1", "a0", "a3")) {
            StoredObject asked = store.pin(key);
            store.store().found(asked);
            asked.unpin();
            store.reopen(); // each use is in the order before the next
        }

        putEvictables("b", 1, 10 * KIB);

        awaitBytes(50 * KIB);
        assertThat(store.keys("", 100)).containsExactly("a0", "a1", "a3", "a8", "b0");
    }

    @Test
    void whatCameAndWentSinceTheOrderWasSavedCostsNothing() throws Exception {
        openWith(bytes(100 * KIB));
        putEvictables("a", 8, 10 * KIB);
        store.reopen();
        store.delete("a0");
        store.putOk("a1", new byte[10 * KIB]);
        store.reopen();

        putEvictables("b", 2, 10 * KIB);
        putEvictables("c", 2, 10 * KIB);

        awaitBytes(60 * KIB);
        assertThat(store.keys("", 100)).contains("a1").doesNotContain("a0", "a2");
        assertThat(store.figure("objmapper_store_bytes"))
                .isEqualTo(store.keys("", 100).size() * 10L * KIB);
    }

    // ---- a full file system

    @Test
    void onAFullFileSystemEvictableObjectsMakeRoom() throws Exception {
        try (SmallFileSystem small = new SmallFileSystem(directory.resolve("small"), "16m");
                StoreUnderTest full = new StoreUnderTest(small.root)) {
            full.putOk("kept", new byte[100 * KIB]);
            int taken = 0;
            for (int i = 0; i < 60; i++) {
                Result result = full.put(with("e" + i, evictability(true), -1), new byte[512 * KIB]);
                assertThat(result.status()).as(result.message()).isIn(Status.OK, Status.NO_SPACE);
                taken += result.status() == Status.OK ? 1 : 0;
                full.store().flush();
            }

            assertThat(taken).as("more than the file system has room for").isGreaterThan(32);
            assertThat(full.figure("objmapper_store_evictions_no_space_total")).isPositive();
            assertThat(full.get("kept").body()).hasSize(100 * KIB);
            await().untilAsserted(() -> assertThat(full.put(with("last", evictability(true), -1), new byte[512 * KIB])
                            .status())
                    .isEqualTo(Status.OK));
        }
    }

    /** One in sixteen is durable, so that whoever puts them waits for the disk and does not outrun it. */
    private static Put nowAndThenDurable(String prefix, int number, ObjectMetadata metadata) {
        byte[] key = StoreUnderTest.bytes(prefix + number);
        return new Put(key, metadata, -1, false, null, null, null, number % 16 == 0);
    }

    @Test
    void aPutThatTheIndexHasNoRoomForIsTriedAgainWhenOthersWereEvicted() throws Exception {
        try (SmallFileSystem small = new SmallFileSystem(directory.resolve("small"), "24m");
                StoreUnderTest full = new StoreUnderTest(small.root)) {
            for (int i = 0; i < 12_000; i++) {
                Result result = full.put(nowAndThenDurable("e", i, evictability(true)), new byte[4 * KIB]);
                assertThat(result.status())
                        .as("put %d: %s", i, result.message())
                        .isEqualTo(Status.OK);
            }

            assertThat(full.figure("objmapper_store_changes_lost_total")).isZero();
            assertThat(full.figure("objmapper_store_evictions_no_space_total")).isPositive();
        }
    }

    @ParameterizedTest
    @EnumSource(PolicyName.class)
    void aFullIndexEvictsWhatMakesRoomInItAndNoBodiesOnOtherDisks(PolicyName policy) throws Exception {
        try (SmallFileSystem small = new SmallFileSystem(directory.resolve("small"), "16m");
                SmallFileSystem large = new SmallFileSystem(directory.resolve("large"), "64m");
                StoreUnderTest full = new StoreUnderTest(StoreOptions.of(small.root)
                        .withCapacity(new Capacity(1 << 30, Capacity.MAX_OBJECTS, 95, 90, policy))
                        .withDevices(DeviceOptions.USUAL_WEIGHT, List.of(DeviceOptions.of(large.root))))) {
            for (int i = 0; i < 40; i++) {
                Result result = full.put(with("large" + i, evictability(true), -1), new byte[512 * KIB]);
                assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
            }
            full.store().flush();
            Device second = full.store().devices().all().get(1);
            String onSecond = "{device=\"" + second.id() + "\"}";
            long before = full.figure("objmapper_device_objects" + onSecond);
            assertThat(before).isPositive();

            for (int i = 0; i < 5_000; i++) {
                Result result = full.put(nowAndThenDurable("e", i, evictability(true)), new byte[4 * KIB]);
                assertThat(result.status())
                        .as("put %d: %s", i, result.message())
                        .isEqualTo(Status.OK);
            }

            assertThat(full.figure("objmapper_store_evictions_no_space_total")).isPositive();
            assertThat(full.figure("objmapper_device_evictions_no_space_total" + onSecond))
                    .isZero();
            assertThat(full.figure("objmapper_device_objects" + onSecond)).isEqualTo(before);
        }
    }

    /** What is on another disk frees no more than its row in the index; where that is all there is, it has to do. */
    @Test
    void aFullIndexEvictsObjectsOnOtherDisksWhereThereAreNoneElse() throws Exception {
        try (SmallFileSystem small = new SmallFileSystem(directory.resolve("small"), "16m");
                StoreUnderTest full = new StoreUnderTest(StoreOptions.of(small.root)
                        .withDevices(
                                DeviceOptions.USUAL_WEIGHT,
                                List.of(DeviceOptions.of(Files.createDirectory(directory.resolve("large"))))))) {
            List<String> elsewhere = new ArrayList<>();
            Device first = full.store().devices().first();
            for (int i = 0; elsewhere.size() < 100; i++) {
                String key = "large" + i;
                if (full.store().devices().place(StoreUnderTest.bytes(key)) != first) {
                    assertThat(full.put(with(key, evictability(true), -1), new byte[5 * KIB])
                                    .status())
                            .isEqualTo(Status.OK);
                    elsewhere.add(key);
                }
            }
            full.store().flush();
            boolean refused = false;
            for (int i = 0; i < 5_000 && !refused; i++) {
                Result result = full.put(nowAndThenDurable("k", i, evictability(false)), new byte[4 * KIB]);
                refused = result.status() == Status.NO_SPACE;
            }

            assertThat(refused).isTrue();
            await().untilAsserted(() ->
                    assertThat(full.figure("objmapper_store_evictable_objects")).isZero());
        }
    }
}
