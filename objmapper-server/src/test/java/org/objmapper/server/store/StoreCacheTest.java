package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.eviction.PolicyName;
import org.objmapper.server.store.tier.Capacity;

/** Objects that are asked for often have a copy in the cache directory, and none is lost with it. */
class StoreCacheTest {
    private static final int BODY_BYTES = 10_000;
    private static final int BODY_BLOCKS_BYTES = 12_288;

    @TempDir
    Path temporary;

    private Path data;
    private Path cache;
    private StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        data = Files.createDirectories(temporary.resolve("data"));
        cache = Files.createDirectories(temporary.resolve("cache"));
        store = new StoreUnderTest(options(1 << 20));
    }

    @AfterEach
    void close() {
        store.close();
    }

    private StoreOptions options(long bytes) {
        return options(data, cache, bytes);
    }

    private static StoreOptions options(Path data, Path cache, long bytes) {
        Capacity capacity = new Capacity(bytes, 1_000, 95, 90, PolicyName.LRU);
        return StoreOptions.of(data)
                .withTiers(new TierOptions(null, new TierOptions.CacheOptions(cache, capacity, 2, 64)));
    }

    private void reopen(long bytes) throws Exception {
        store.close();
        store = new StoreUnderTest(options(bytes));
    }

    private static byte[] body(int filler) {
        byte[] body = new byte[BODY_BYTES];
        Arrays.fill(body, (byte) filler);
        return body;
    }

    private boolean isCachedWhenAsked(String key) {
        StoredObject object = store.pin(key);
        assertThat(object).as(key).isNotNull();
        try {
            store.store().found(object);
            return object.tier() == OpenBody.Tier.CACHE;
        } finally {
            object.unpin();
        }
    }

    private void promoteNew(String key, int filler) {
        store.put(StoreUnderTest.durable(key), body(filler));
        await().until(() -> isCachedWhenAsked(key));
    }

    private List<Path> copies() throws IOException {
        return StoreUnderTest.objectFiles(cache);
    }

    private void forgetAtHand() {
        while (store.store().shedDescriptors()) {
            // until nothing is at hand
        }
    }

    private long figure(String name) {
        return store.figure("objmapper_cache_" + name);
    }

    @Test
    void whatIsAskedForOftenIsHandedOutOfTheCache() throws Exception {
        promoteNew("a", 7);

        assertThat(store.get("a").body()).isEqualTo(body(7));
        await().until(() -> figure("objects") == 1);
        assertThat(figure("bytes")).isEqualTo(BODY_BLOCKS_BYTES);
        assertThat(figure("hits_total")).isPositive();
        assertThat(figure("misses_total")).isPositive();
        assertThat(copies()).singleElement().satisfies(copy -> assertThat(copy).hasBinaryContent(body(7)));
        assertThat(store.objectFiles()).as("the original stays").hasSize(1);
    }

    @Test
    void whatItHoldsOutlivesARestart() throws Exception {
        promoteNew("a", 7);
        reopen(1 << 20);

        assertThat(isCachedWhenAsked("a")).isTrue();
        await().until(() -> figure("objects") == 1);
        assertThat(figure("bytes")).isEqualTo(BODY_BLOCKS_BYTES);
        assertThat(figure("promotions_total")).isZero();
        assertThat(store.get("a").body()).isEqualTo(body(7));
    }

    @Test
    void whatWasThereBeforeARestartLeavesUnderPressure() throws Exception {
        for (int i = 0; i < 8; i++) {
            promoteNew("a" + i, i);
        }
        reopen(4 * BODY_BLOCKS_BYTES);

        await().until(() -> figure("evictions_capacity_total") == 5 && figure("objects") == 3);
        await().until(() -> copies().size() == 3);
        for (int i = 0; i < 8; i++) {
            assertThat(store.get("a" + i).body()).isEqualTo(body(i));
        }
    }

    @Test
    void aDeletedObjectLeaves() throws Exception {
        promoteNew("a", 7);
        assertThat(store.delete("a", null, true).status()).isEqualTo(Status.OK);

        assertThat(store.pin("a")).isNull();
        await().until(() -> copies().isEmpty() && figure("objects") == 0);
    }

    @Test
    void anOverwrittenObjectLeavesAndItsSuccessorMayCome() throws Exception {
        promoteNew("a", 7);
        store.put(StoreUnderTest.durable("a"), body(8));

        assertThat(store.get("a").body()).isEqualTo(body(8));
        await().until(() -> isCachedWhenAsked("a"));
        assertThat(store.get("a").body()).isEqualTo(body(8));
        await().until(() -> copies().size() == 1);
    }

    @Test
    void anEmptiedCacheHarmsNothing() throws Exception {
        promoteNew("a", 7);
        promoteNew("b", 8);
        for (Path copy : copies()) {
            Files.delete(copy);
        }
        forgetAtHand();

        assertThat(store.get("a").body()).isEqualTo(body(7));
        assertThat(store.get("b").body()).isEqualTo(body(8));
        await().until(() -> isCachedWhenAsked("a"));
    }

    @Test
    void aCopyThatWasCutOffIsNotHandedOut() throws Exception {
        promoteNew("a", 7);
        Path copy = copies().get(0);
        assertThat(copy.toFile().setWritable(true)).isTrue();
        Files.write(copy, new byte[5]);
        forgetAtHand();

        assertThat(store.get("a").body()).isEqualTo(body(7));
        await().until(() -> isCachedWhenAsked("a"));
        assertThat(copies()).singleElement().satisfies(now -> assertThat(now).hasBinaryContent(body(7)));
    }

    @Test
    void aCopyThatCanNotBeReadToItsEndIsGivenUp() throws Exception {
        promoteNew("a", 7);
        StoredObject object = store.pin("a");
        object.reportUnreadable();

        await().until(() -> copies().isEmpty());
        object.unpin();
        assertThat(store.get("a").body()).isEqualTo(body(7));
    }

    @Test
    void copiesThatNoObjectHasAreRemovedAfterTheStart() throws Exception {
        promoteNew("a", 7);
        promoteNew("b", 8);
        store.close();
        store = new StoreUnderTest(StoreOptions.of(data)); // as if the cache had been away
        store.delete("a", null, true);
        store.put(StoreUnderTest.durable("b"), body(9));
        assertThat(copies()).hasSize(2);
        reopen(1 << 20);

        await().until(() -> copies().isEmpty());
        assertThat(store.pin("a")).isNull();
        assertThat(store.get("b").body()).isEqualTo(body(9));
    }

    @Test
    void aCacheThatIsNotThereIsLeftOut() throws Exception {
        promoteNew("a", 7);
        store.close();
        delete(cache);
        store = new StoreUnderTest(options(1 << 20));

        assertThat(isCachedWhenAsked("a")).isFalse();
        assertThat(store.get("a").body()).isEqualTo(body(7));
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    @Test
    void theCacheOfAnotherStoreIsRefused() throws Exception {
        Path other = Files.createDirectories(temporary.resolve("other"));

        store.close();
        assertThatThrownBy(() -> Store.open(options(other, cache, 1 << 20)).close())
                .hasMessageContaining("belongs to the store with the index")
                .hasMessageContaining("or an empty directory");
        store = new StoreUnderTest(options(1 << 20));
    }

    @Test
    void aDeviceIsNoCacheAndACacheNoDevice() throws Exception {
        Path device = Files.createDirectories(temporary.resolve("device"));
        store.close();
        StoreOptions withDevice = StoreOptions.of(data).withDevices(100, List.of(DeviceOptions.of(device)));
        Store.open(withDevice).close();

        assertThatThrownBy(() -> Store.open(options(data, device, 1 << 20)).close())
                .hasMessageContaining("belongs to the store with the index");
        StoreOptions asDevice =
                StoreOptions.of(data).withDevices(100, List.of(DeviceOptions.of(device), DeviceOptions.of(cache)));
        assertThatThrownBy(() -> Store.open(asDevice).close())
                .hasMessageContaining("belongs to the store with the index");
        store = new StoreUnderTest(withDevice);
    }

    @Test
    void memoryIsAboveTheCache() throws Exception {
        store.close();
        StoreOptions both = options(1 << 20);
        store = new StoreUnderTest(both.withTiers(
                new TierOptions(Capacity.of(1 << 20), both.tiers().cache())));
        store.put(StoreUnderTest.durable("a"), body(7));

        await().until(() -> {
            StoredObject object = store.pin("a");
            store.store().found(object);
            boolean isInMemory = object.isInMemory();
            object.unpin();
            return isInMemory;
        });
        assertThat(store.get("a").body()).isEqualTo(body(7));
    }
}
