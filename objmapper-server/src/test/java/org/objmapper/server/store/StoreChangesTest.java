package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.durable;
import static org.objmapper.server.store.StoreUnderTest.u64;
import static org.objmapper.server.store.StoreUnderTest.value;
import static org.objmapper.server.store.StoreUnderTest.with;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

class StoreChangesTest extends AgainstStore {
    private static final byte[] SMALL = bytes("small");
    private static final byte[] LARGE = new byte[10_000];

    private static ObjectMetadata tags(String... tags) {
        ObjectMetadata metadata = new ObjectMetadata();
        for (String tag : tags) {
            metadata.add(MetadataType.TAG.code(), bytes(tag));
        }
        return metadata;
    }

    private static ObjectMetadata grace(long millis) {
        return new ObjectMetadata().set(MetadataType.GRACE, millis);
    }

    @Test
    void aDeletedObjectIsGoneWithItsFile() throws Exception {
        store.put(durable("key"), LARGE);

        assertThat(store.delete("key", null, true).status()).isEqualTo(Status.OK);
        assertThat(store.get("key")).isNull();
        assertThat(store.delete("key").status()).isEqualTo(Status.NOT_FOUND);
        await().untilAsserted(() -> assertThat(store.objectFiles()).isEmpty());
        store.reopen();
        assertThat(store.get("key")).isNull();
    }

    @Test
    void aRelaxedDeleteIsSeenAtOnceAndStays() throws Exception {
        store.put(durable("key"), LARGE);
        store.delete("key");

        assertThat(store.get("key")).isNull();
        assertThat(store.keys("", 10)).isEmpty();
        store.reopen();
        assertThat(store.get("key")).isNull();
    }

    /** What answers a durable change with what it found, after a change that nobody waits for. */
    private enum Refused {
        DELETE_OF_NOTHING(Status.NOT_FOUND),
        TOUCH_OF_NOTHING(Status.NOT_FOUND),
        DELETE_ON_CONDITION(Status.PRECONDITION_FAILED),
        PUT_IF_ABSENT(Status.PRECONDITION_FAILED);

        private final Status status;

        Refused(Status status) {
            this.status = status;
        }

        private Result after(StoreUnderTest store) {
            store.put(durable("key"), SMALL);
            if (status == Status.NOT_FOUND) {
                store.delete("key");
            } else {
                store.touch("key", new ObjectMetadata(), 5_000L);
            }
            return switch (this) {
                case DELETE_OF_NOTHING -> store.delete("key", null, true);
                case TOUCH_OF_NOTHING -> store.touchDurably("key", 1L);
                case DELETE_ON_CONDITION -> store.delete("key", 1L, true);
                case PUT_IF_ABSENT ->
                    store.put(new Put(bytes("key"), new ObjectMetadata(), -1, true, null, null, null, true), SMALL);
            };
        }
    }

    @ParameterizedTest
    @EnumSource(Refused.class)
    void whatADurableChangeFindsIsOnDiskBeforeItIsToldSo(Refused refused) {
        assertThat(refused.after(store).status()).isEqualTo(refused.status);
        assertThat(store.figure("objmapper_store_pending_changes")).isZero();
    }

    @Test
    void aDeleteOnConditionTakesThatGenerationOnly() {
        long generation = store.putOk("key", SMALL);

        Result refused = store.delete("key", generation + 1, false);
        assertThat(refused.status()).isEqualTo(Status.PRECONDITION_FAILED);
        assertThat(refused.generation()).isEqualTo(generation);
        assertThat(store.delete("key", generation, false).status()).isEqualTo(Status.OK);
        assertThat(store.delete("key", generation, false).status()).isEqualTo(Status.PRECONDITION_FAILED);
    }

    @Test
    void aTouchGivesANewGenerationReplacesWhatItNamesAndLeavesTheBody() throws Exception {
        for (byte[] body : List.of(SMALL, LARGE)) {
            ObjectMetadata given = tags("a", "b")
                    .add(MetadataType.ETAG.code(), bytes("etag"))
                    .add(MetadataType.OPAQUE.code(), bytes("opaque"))
                    .add(777, bytes("unknown"));
            long before = store.put(with("key", given, 5_000), body).generation();
            long created = u64(store.get("key"), MetadataType.CREATED);
            ObjectMetadata changes = tags("c").add(MetadataType.OPAQUE.code(), new byte[0]);
            long after = store.touch("key", changes, 9_000L).generation();

            assertThat(after).isGreaterThan(before);
            for (int round = 0; round < 2; round++) {
                StoreUnderTest.Seen seen = store.get("key");
                assertThat(seen.generation()).isEqualTo(after);
                assertThat(u64(seen, MetadataType.GENERATION)).isEqualTo(after);
                assertThat(u64(seen, MetadataType.CREATED)).isEqualTo(created);
                assertThat(u64(seen, MetadataType.EXPIRY)).isEqualTo(store.nowMillis.get() + 9_000);
                assertThat(seen.body()).isEqualTo(body);
                assertThat(seen.metadata().tags()).containsExactly(bytes("c"));
                assertThat(value(seen, MetadataType.ETAG.code())).isEqualTo(bytes("etag"));
                assertThat(value(seen, MetadataType.OPAQUE.code())).isNull();
                assertThat(value(seen, 777)).isEqualTo(bytes("unknown"));
                store.reopen();
            }
        }
        assertThat(store.touch("nothing", new ObjectMetadata(), 1L).status()).isEqualTo(Status.NOT_FOUND);
    }

    @Test
    void anExpiredObjectIsNotListedAndRemovedWhenItsGraceIsOver() throws Exception {
        store.put(with("mortal", grace(10_000), 5_000), LARGE);
        store.put(with("immortal", new ObjectMetadata(), -1), LARGE);
        store.nowMillis.addAndGet(4_999);
        assertThat(store.get("mortal")).isNotNull();
        store.nowMillis.addAndGet(1);

        assertThat(store.get("mortal")).isNull();
        assertThat(store.getExpiredToo("mortal").body()).isEqualTo(LARGE);
        assertThat(store.keys("", 10)).containsExactly("immortal");
        store.nowMillis.addAndGet(10_000);
        await().untilAsserted(() -> assertThat(store.objectFiles()).hasSize(1));
        assertThat(store.getExpiredToo("mortal")).isNull();
        assertThat(store.figure("objmapper_store_objects")).isEqualTo(1);
        assertThat(store.figure("objmapper_store_bytes")).isEqualTo(LARGE.length);
    }

    @Test
    void anObjectPutAnewOutlivesTheExpiryOfTheOldOne() {
        store.put(with("key", new ObjectMetadata(), 1_000), SMALL);
        store.put(with("other", new ObjectMetadata(), 1_000), SMALL);
        store.put(with("key", new ObjectMetadata(), -1), LARGE);
        store.nowMillis.addAndGet(2_000);

        await().untilAsserted(() ->
                assertThat(store.figure("objmapper_store_objects")).isEqualTo(1));
        assertThat(store.get("key").body()).isEqualTo(LARGE);
    }

    @Test
    void aPurgeTakesAKeyAPrefixOrATagAndSaysHowMany() throws Exception {
        for (int i = 0; i < 20; i++) {
            store.put(with("/a/" + i, tags("all", i % 2 == 0 ? "even" : "odd"), -1), i % 3 == 0 ? LARGE : SMALL);
        }
        store.put(with("/b", tags("all"), -1), SMALL);

        assertThat(store.purgeTag("even", false).count()).isEqualTo(10);
        assertThat(store.purgeTag("even", false).count()).isZero();
        assertThat(store.purgeTag("eve", false).count()).isZero();
        assertThat(store.purgeKey("/a/1", false).count()).isEqualTo(1);
        assertThat(store.purgePrefix("/a/", false).count()).isEqualTo(9);
        assertThat(store.purgeKey("/a/1", false).count()).isZero();
        assertThat(store.keys("", 5)).containsExactly("/b");
        assertThat(store.purgePrefix("", false).count()).isEqualTo(1);
        assertThat(store.figure("objmapper_store_objects")).isZero();
        assertThat(store.figure("objmapper_store_bytes")).isZero();
        await().untilAsserted(() -> assertThat(store.objectFiles()).isEmpty());
        store.reopen();
        assertThat(store.keys("", 5)).isEmpty();
    }

    @Test
    void aSoftPurgeMakesTheGraceBegin() {
        store.put(with("key", grace(10_000).add(MetadataType.TAG.code(), bytes("tag")), -1), LARGE);

        assertThat(store.purgeTag("tag", true).count()).isEqualTo(1);
        assertThat(store.purgeTag("tag", true).count()).as("expired already").isZero();
        assertThat(store.get("key")).isNull();
        StoreUnderTest.Seen stale = store.getExpiredToo("key");
        assertThat(stale.body()).isEqualTo(LARGE);
        assertThat(u64(stale, MetadataType.EXPIRY)).isEqualTo(store.nowMillis.get());
    }

    @Test
    void aPrefixLongerThanTheIndexHoldsCountsInFull() {
        String longKey = "p".repeat(500);
        store.putOk(longKey + "a", SMALL);
        store.putOk(longKey + "b", SMALL);
        store.putOk("p".repeat(400), SMALL);

        assertThat(store.keys(longKey + "a", 10)).containsExactly(longKey + "a");
        assertThat(store.keys("p".repeat(400), 10)).hasSize(3);
        assertThat(store.purgePrefix(longKey, false).count()).isEqualTo(2);
    }

    @Test
    void aListingIsInOrderAndEachPageGoesOnWhereTheLastOneEnded() {
        List<String> keys = List.of("a", "a\0", "a\0b", "aaaaaaaa", "aaaaaaaa\0", "aaaaaaaab", "ab", "b", "b/1", "b/2");
        for (String key : keys) {
            store.putOk(key, SMALL);
        }

        for (int limit = 1; limit <= keys.size(); limit++) {
            assertThat(store.keys("", limit)).containsExactlyElementsOf(keys);
        }
        assertThat(store.keys("aaaaaaaa", 2)).containsExactly("aaaaaaaa", "aaaaaaaa\0", "aaaaaaaab");
        assertThat(store.keys("a\0", 2)).containsExactly("a\0", "a\0b");
        assertThat(store.list("", null, keys.size()).cursor()).as("no more").isNull();
        assertThat(store.list("", new byte[483], 10).failure().status()).isEqualTo(Status.BAD_REQUEST);
    }

    @Test
    void aFileThatVanishedIsAMissAndIsTakenOutOfTheIndex() throws Exception {
        store.put(durable("key"), LARGE);
        store.put(durable("short"), LARGE);
        store.reopen();
        store.store().awaitRecovery();
        for (Path file : store.objectFiles()) {
            Files.delete(file);
        }

        assertThat(store.get("key")).isNull();
        await().untilAsserted(() ->
                assertThat(store.figure("objmapper_store_objects")).isEqualTo(1));
        store.reopen();
        store.store().awaitRecovery();
        await().untilAsserted(() ->
                assertThat(store.figure("objmapper_store_objects")).isZero());
    }

    @Test
    void recoveryRemovesFilesThatNoObjectOwnsAndNoOthers() throws Exception {
        store.put(durable("key"), LARGE);
        Path owned = store.objectFiles().get(0);
        store.close();
        String name = owned.getFileName().toString();
        Path orphan = owned.resolveSibling(name.substring(0, name.indexOf('-')) + "-2");
        Files.write(orphan, LARGE);
        Path foreign = Files.write(owned.resolveSibling("foreign"), LARGE);
        store = new StoreUnderTest(directory);
        store.store().awaitRecovery();

        assertThat(orphan).doesNotExist();
        assertThat(store.figure("objmapper_store_orphans_removed_total")).isEqualTo(1);
        assertThat(foreign).exists();
        assertThat(store.get("key").body()).isEqualTo(LARGE);
    }

    @Test
    void recoveryByAnEmptyIndexRemovesNoFiles() throws Exception {
        store.close();
        Path shard = Files.createDirectories(directory.resolve("objects/00/00"));
        Path body = Files.write(shard.resolve("0".repeat(60) + "-1"), LARGE);
        store = new StoreUnderTest(directory);
        store.store().awaitRecovery();
        assertThat(body).exists();

        store.put(durable("key"), LARGE);
        store.reopen();
        store.store().awaitRecovery();
        assertThat(body).doesNotExist();
    }

    @Test
    void theHotTableKeepsToItsBoundAndPinsKeepFilesOpen() throws Exception {
        try (StoreUnderTest small =
                new StoreUnderTest(StoreUnderTest.hotObjects(Files.createDirectory(directory.resolve("small")), 2))) {
            for (int i = 0; i < 10; i++) {
                small.put(durable("key" + i), LARGE);
                small.get("key" + i);
            }
            assertThat(small.figure("objmapper_store_hot_objects")).isEqualTo(2);
            StoredObject pinned = small.pin("key5");
            small.delete("key5", null, true);
            small.store().shedDescriptors();

            assertThat(small.figure("objmapper_store_hot_objects")).isZero();
            assertThat(StoreUnderTest.body(pinned)).isEqualTo(LARGE);
            assertThat(small.get("key5")).isNull();
            pinned.unpin();
        }
    }
}
