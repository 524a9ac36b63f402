package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.eviction.PolicyName;
import org.objmapper.server.store.tier.Capacity;

/** Random operations against the store and against a plain map, with the store opened anew in between. */
class StoreModelTest {
    private static final int OPERATIONS = 3_000;
    private static final int KEYS = 40;
    private static final int[] LENGTHS = {0, 1, 100, 4_096, 4_097, 9_000, 70_000, 300_000};
    private static final long GRACE_MILLIS = 500;

    @TempDir
    Path directory;

    /** An object as it should be. */
    private record Expected(long generation, byte[] body, Set<String> tags, long expiryMillis, boolean isEvictable) {}

    /** A look-up that found nothing, its token, and what has happened since that may make it stale. */
    private record Miss(
            String key, byte[] token, Set<String> changed, Set<String> purgedTags, List<String> purgedPrefixes) {
        boolean isStaleFor(Set<String> tags) {
            return changed.contains(key)
                    || !Collections.disjoint(tags, purgedTags)
                    || purgedPrefixes.stream().anyMatch(key::startsWith);
        }
    }

    private final Deque<Miss> misses = new ArrayDeque<>();
    private final TreeMap<String, Expected> model = new TreeMap<>();
    private StoreUnderTest store;
    private Random random;
    private long newestGeneration;
    private int operations = OPERATIONS;
    private boolean isUnderPressure;
    private long evictions;

    @Test
    void theStoreDoesWhatAMapWouldDo() throws Exception {
        run(StoreUnderTest.hotObjects(directory, 16));
    }

    /** As always, but objects are evicted all the time: one that is evictable may be gone, and a PUT may find no room. */
    @ParameterizedTest
    @EnumSource
    void underPressureNothingIsMissingThatIsKept(PolicyName policy) throws Exception {
        isUnderPressure = true;
        operations = OPERATIONS / 3;
        Capacity capacity = new Capacity(1 << 20, 30, 90, 60, policy);
        run(StoreUnderTest.hotObjects(directory, 16).withCapacity(capacity));
        assertThat(evictions).isPositive();
    }

    private void run(StoreOptions options) throws Exception {
        long seed = Long.getLong("objmapper.seed", System.nanoTime());
        System.out.println("StoreModelTest: -Dobjmapper.seed=" + seed);
        random = new Random(seed);
        store = new StoreUnderTest(options);
        try {
            for (int i = 0; i < operations; i++) {
                step();
            }
            compareAll();
            reopen();
            compareAll();
            removeWhatIsGone();
            store.store().awaitRecovery();
            await().untilAsserted(this::expectTheTotalsOfAFullScan);
            evictions += store.figure("objmapper_store_evictions_capacity_total");
        } finally {
            store.close();
        }
    }

    private void reopen() throws Exception {
        evictions += store.figure("objmapper_store_evictions_capacity_total");
        store.reopen();
    }

    private void expectTheTotalsOfAFullScan() throws Exception {
        store.store().flush();
        model.entrySet().removeIf(entry -> mayBeGone(entry.getValue()) && store.getExpiredToo(entry.getKey()) == null);
        List<Expected> evictable =
                model.values().stream().filter(Expected::isEvictable).collect(Collectors.toList());
        assertThat(store.figure("objmapper_store_objects")).isEqualTo(model.size());
        assertThat(store.figure("objmapper_store_bytes")).isEqualTo(bytesOf(model.values()));
        assertThat(store.figure("objmapper_store_evictable_objects")).isEqualTo(evictable.size());
        assertThat(store.figure("objmapper_store_evictable_bytes")).isEqualTo(bytesOf(evictable));
        long inFiles = model.values().stream()
                .filter(object -> object.body.length > 4_096)
                .count();
        assertThat(store.objectFiles()).hasSize((int) inFiles);
    }

    private static long bytesOf(Collection<Expected> objects) {
        return objects.stream().mapToLong(object -> object.body.length).sum();
    }

    /** Whether it may have been evicted, whatever the model says. */
    private boolean mayBeGone(Expected object) {
        return isUnderPressure && object != null && object.isEvictable;
    }

    private void step() throws Exception {
        String key = "key/" + random.nextInt(KEYS);
        int choice = random.nextInt(100);
        if (choice < 35) {
            put(key);
        } else if (choice < 40) {
            missOrFill(key);
        } else if (choice < 70) {
            compare(key);
        } else if (choice < 78) {
            delete(key);
        } else if (choice < 86) {
            touch(key);
        } else if (choice < 90) {
            purge(key);
        } else if (choice < 95) {
            compareAll();
        } else if (choice < 99) {
            store.nowMillis.addAndGet(random.nextInt(300));
        } else {
            reopen();
            misses.clear();
        }
    }

    private void missOrFill(String key) {
        removeWhatIsGone();
        if (misses.size() == 8 || (random.nextBoolean() && !misses.isEmpty())) {
            fill(misses.remove());
        } else if (!model.containsKey(key) || expired(model.get(key))) {
            long time = store.store().fillTime();
            byte[] token = new byte[Store.FILL_TOKEN_BYTES];
            assertThat(store.get(key)).isNull();
            store.store().fillToken(time, token);
            misses.add(new Miss(key, token, new HashSet<>(), new HashSet<>(), new ArrayList<>()));
        }
    }

    private void fill(Miss miss) {
        Set<String> tags = randomTags();
        byte[] body = bytes("fill of " + miss.key);
        Put put = new Put(bytes(miss.key), metadata(tags, true), -1, false, null, null, null, false);
        Result result = store.put(put.filling(miss.token), body);
        if (result.status() == Status.OK) {
            assertThat(miss.isStaleFor(tags)).as("stale fill of " + miss.key).isFalse();
            newestGeneration = result.generation();
            model.put(miss.key, new Expected(result.generation(), body, tags, Long.MAX_VALUE, true));
            changed(miss.key);
        } else {
            // Keys and tags may share a place: a fill may be refused though its own were left alone.
            assertThat(result.status()).isIn(Status.STALE_FILL, isUnderPressure ? Status.NO_SPACE : Status.STALE_FILL);
        }
    }

    private void changed(String key) {
        misses.forEach(miss -> miss.changed.add(key));
    }

    private boolean gone(Expected object) {
        return object.expiryMillis != Long.MAX_VALUE && store.nowMillis.get() >= object.expiryMillis + GRACE_MILLIS;
    }

    private boolean expired(Expected object) {
        return object.expiryMillis != Long.MAX_VALUE && store.nowMillis.get() >= object.expiryMillis;
    }

    private void removeWhatIsGone() {
        model.values().removeIf(this::gone);
    }

    private long expiry(long ttlMillis) {
        return ttlMillis < 0 ? Long.MAX_VALUE : store.nowMillis.get() + ttlMillis;
    }

    private long randomTtl() {
        return random.nextInt(3) == 0 ? random.nextInt(2_000) : -1;
    }

    private Set<String> randomTags() {
        Set<String> tags = new HashSet<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            tags.add("tag" + random.nextInt(6));
        }
        return tags;
    }

    private static ObjectMetadata metadata(Set<String> tags, boolean evictable) {
        ObjectMetadata metadata = StoreUnderTest.evictability(evictable).set(MetadataType.GRACE, GRACE_MILLIS);
        tags.forEach(tag -> metadata.add(MetadataType.TAG.code(), bytes(tag)));
        return metadata;
    }

    private void put(String key) {
        removeWhatIsGone();
        Expected there = model.get(key);
        byte[] body = new byte[LENGTHS[random.nextInt(LENGTHS.length)]];
        random.nextBytes(body);
        boolean ifAbsent = random.nextInt(8) == 0;
        Long ifGeneration = random.nextInt(8) == 0
                ? (Long) (random.nextBoolean() && there != null ? there.generation : 1L + random.nextInt(100))
                : null;
        Set<String> tags = randomTags();
        long ttl = randomTtl();
        boolean evictable = random.nextInt(3) > 0;
        Result result = store.put(
                new Put(
                        bytes(key),
                        metadata(tags, evictable),
                        ttl,
                        ifAbsent,
                        ifGeneration,
                        null,
                        null,
                        random.nextInt(10) == 0),
                body,
                random.nextBoolean() ? -1 : body.length);
        if (isUnderPressure && result.status() == Status.NO_SPACE) {
            return;
        }
        boolean refused = isRefused(ifAbsent, ifGeneration, there);
        if (mayBeGone(there) && result.isOk() == refused) {
            refused = isRefused(ifAbsent, ifGeneration, null);
            model.remove(key);
        }
        assertThat(result.status()).as(result.message()).isEqualTo(refused ? Status.PRECONDITION_FAILED : Status.OK);
        if (!refused) {
            assertThat(result.generation()).isGreaterThan(newestGeneration);
            newestGeneration = result.generation();
            model.put(key, new Expected(result.generation(), body, tags, expiry(ttl), evictable));
            changed(key);
        }
    }

    private boolean isRefused(boolean ifAbsent, Long ifGeneration, Expected there) {
        return (ifAbsent && there != null && !expired(there))
                || (ifGeneration != null && (there == null || there.generation != ifGeneration));
    }

    private void delete(String key) {
        removeWhatIsGone();
        Result result = store.delete(key, null, random.nextInt(5) == 0);
        Expected there = model.remove(key);
        if (!mayBeGone(there) || result.status() != Status.NOT_FOUND) {
            assertThat(result.status()).isEqualTo(there == null ? Status.NOT_FOUND : Status.OK);
        }
        changed(key);
    }

    private void touch(String key) {
        removeWhatIsGone();
        Expected there = model.get(key);
        Set<String> tags = randomTags();
        tags.add("touched");
        long ttl = randomTtl();
        boolean evictable = random.nextInt(3) > 0;
        Result result = store.touch(key, metadata(tags, evictable), ttl);
        if (mayBeGone(there) && result.status() == Status.NOT_FOUND) {
            model.remove(key);
            return;
        }
        assertThat(result.status()).isEqualTo(there == null ? Status.NOT_FOUND : Status.OK);
        if (there != null) {
            assertThat(result.generation()).isGreaterThan(newestGeneration);
            newestGeneration = result.generation();
            model.put(key, new Expected(result.generation(), there.body, tags, expiry(ttl), evictable));
            changed(key);
        }
    }

    private void purge(String key) {
        removeWhatIsGone();
        boolean soft = random.nextBoolean();
        int kind = random.nextInt(4);
        String tag = "tag" + random.nextInt(6);
        Predicate<Map.Entry<String, Expected>> hit = kind == 0
                ? entry -> entry.getKey().equals(key)
                : kind == 1
                        ? entry -> entry.getValue().tags.contains(tag)
                        : entry -> entry.getKey().startsWith(key);
        List<Map.Entry<String, Expected>> hits = model.entrySet().stream()
                .filter(hit)
                .filter(entry -> !soft || !expired(entry.getValue()))
                .collect(Collectors.toList());
        Result result =
                switch (kind) {
                    case 0 -> store.purgeKey(key, soft);
                    case 1 -> store.purgeTag(tag, soft);
                    case 2 -> store.purgePrefix(key, soft);
                    default -> store.ban("req.url ~ ^" + key, soft);
                };
        assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
        if (kind < 3 || soft) { // a ban is answered before all that it hits is counted
            long surelyThere =
                    hits.stream().filter(entry -> !mayBeGone(entry.getValue())).count();
            assertThat(result.count()).isBetween(surelyThere, (long) hits.size());
        }
        if (kind == 0) {
            changed(key);
        } else if (kind == 1) {
            misses.forEach(miss -> miss.purgedTags.add(tag));
        } else {
            misses.forEach(miss -> miss.purgedPrefixes.add(key));
        }
        for (Map.Entry<String, Expected> entry : List.copyOf(hits)) {
            Expected old = entry.getValue();
            if (soft) {
                Expected left =
                        new Expected(old.generation, old.body, old.tags, store.nowMillis.get(), old.isEvictable);
                model.put(entry.getKey(), left);
            } else {
                model.remove(entry.getKey());
            }
        }
    }

    private void compare(String key) {
        Expected expected = model.get(key);
        StoreUnderTest.Seen seen = store.get(key);
        if (expected == null || expired(expected)) {
            assertThat(seen).as(key).isNull();
            return;
        }
        if (mayBeGone(expected) && seen == null) {
            model.remove(key);
            return;
        }
        assertThat(seen).as(key).isNotNull();
        assertThat(seen.generation()).isEqualTo(expected.generation);
        assertThat(seen.expiryMillis()).isEqualTo(expected.expiryMillis);
        assertThat(Arrays.equals(seen.body(), expected.body))
                .as("body of " + key)
                .isTrue();
        assertThat(seen.metadata().tags().stream().map(String::new).collect(Collectors.toSet()))
                .isEqualTo(expected.tags);
    }

    private void compareAll() {
        for (int i = 0; i < KEYS; i++) {
            compare("key/" + i);
        }
        List<String> listed = store.keys("key/", 1 + random.nextInt(KEYS));
        model.entrySet()
                .removeIf(entry ->
                        mayBeGone(entry.getValue()) && !expired(entry.getValue()) && !listed.contains(entry.getKey()));
        List<String> expected = model.entrySet().stream()
                .filter(entry -> !expired(entry.getValue()))
                .map(Map.Entry::getKey)
                .collect(Collectors.toList());
        assertThat(listed).isEqualTo(expected);
    }
}
