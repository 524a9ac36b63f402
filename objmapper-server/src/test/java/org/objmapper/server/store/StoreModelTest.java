package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.io.TempDirFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.eviction.PolicyName;
import org.objmapper.server.store.tier.Capacity;

/**
 * Random operations against the store and against a plain map, with the store opened anew in between: {@code -Dobjmapper.operations=N} of
 * them in all, on the way that {@code -Dobjmapper.seed=N} says. The map has objects by their names, which are a key, or a key, a semicolon
 * and the language that tells them from others under the key.
 */
class StoreModelTest {
    private static final int OPERATIONS = Integer.getInteger("objmapper.operations", 14_000);
    /** Of {@link #OPERATIONS}; the eleven stores with something special have a part each. */
    private static final int PARTS = 14;

    private static final int PLAIN_PARTS = 3;
    private static final int RESTARTS = 30;
    private static final int LEAST_BETWEEN_RESTARTS = 100;
    private static final int KEYS = 40;
    /** Keys from this one on have variants. */
    private static final int VARIED = 25;

    private static final String[] LANGUAGES = {"en", "fr", "it"};
    private static final int[] LENGTHS = {0, 1, 100, 4_096, 4_097, 9_000, 70_000, 300_000};
    private static final long GRACE_MILLIS = 500;
    private static final int LOOKS = 8;

    @TempDir(factory = InMemory.class)
    Path directory;

    /** What survives a lost power is for others to test: nothing here has to wait for a disk. */
    static final class InMemory implements TempDirFactory {
        @Override
        public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext test) throws IOException {
            Path memory = Path.of("/dev/shm");
            return Files.isWritable(memory)
                    ? Files.createTempDirectory(memory, "model")
                    : Files.createTempDirectory("model");
        }
    }

    /** An object as it should be. */
    private record Expected(long generation, byte[] body, Set<String> tags, long expiryMillis, boolean isEvictable) {}

    /** A look-up that found nothing, its token, and what has happened since that may make it stale. */
    private record Miss(
            String name, byte[] token, Set<String> changed, Set<String> purgedTags, List<String> purgedPrefixes) {
        boolean isStaleFor(Set<String> tags) {
            return changed.contains(name)
                    || changed.contains("all of " + keyOf(name))
                    || !Collections.disjoint(tags, purgedTags)
                    || purgedPrefixes.stream().anyMatch(name::startsWith);
        }
    }

    private static String keyOf(String name) {
        return name.split(";")[0];
    }

    /** A request that gets the object of a name, unless there is a newer one without a language. */
    private static RequestHeaders headers(String name) {
        return name.contains(";")
                ? VariantsTest.headers("accept-language", name.split(";")[1])
                : VariantsTest.headers();
    }

    private static ObjectMetadata variant(String name) {
        return name.contains(";") ? VariantsTest.varying("accept-language", name.split(";")[1]) : new ObjectMetadata();
    }

    /** Where room is short, no key has objects with a variant and without: then it can be told which of them are there. */
    private String randomName() {
        int key = random.nextInt(KEYS);
        boolean isVaried = key >= VARIED && (isUnderPressure || random.nextInt(4) > 0);
        return "key/" + key + (isVaried ? ";" + LANGUAGES[random.nextInt(LANGUAGES.length)] : "");
    }

    private StoreUnderTest.Seen getExpiredToo(String name) {
        return store.getVariant(keyOf(name), headers(name));
    }

    private StoreUnderTest.Seen get(String name) {
        store.use(keyOf(name), headers(name));
        StoreUnderTest.Seen seen = getExpiredToo(name);
        return seen == null || seen.expiryMillis() <= store.nowMillis.get() ? null : seen;
    }

    /** The objects that a request for a name may get, the newest first. */
    private List<String> candidates(String name) {
        return model.keySet().stream()
                .filter(other -> other.equals(name) || other.equals(keyOf(name)))
                .filter(other -> !expired(model.get(other)))
                .sorted(Comparator.comparingLong(other -> -model.get(other).generation))
                .collect(Collectors.toList());
    }

    private final Deque<Miss> misses = new ArrayDeque<>();
    private final TreeMap<String, Expected> model = new TreeMap<>();
    private StoreUnderTest store;
    private Random random;
    private long newestGeneration;
    private int operations = OPERATIONS / PARTS;
    private boolean isUnderPressure;
    private long evictions;
    private Check afterwards = () -> {};
    /** Devices that may be drained, and those that are. */
    private List<Path> drainable = List.of();

    private final Set<Path> drained = new HashSet<>();

    @Test
    void theStoreDoesWhatAMapWouldDo() throws Exception {
        operations = OPERATIONS / PARTS * PLAIN_PARTS;
        run(StoreUnderTest.hotObjects(directory, 16));
    }

    /** As always, but objects are evicted all the time: one that is evictable may be gone, and a PUT may find no room. */
    @ParameterizedTest
    @EnumSource
    void underPressureNothingIsMissingThatIsKept(PolicyName policy) throws Exception {
        isUnderPressure = true;
        Capacity capacity = new Capacity(1 << 20, 30, 90, 60, policy);
        run(StoreUnderTest.hotObjects(directory, 16).withCapacity(capacity));
        assertThat(evictions).isPositive();
    }

    /** As always, with copies in memory and in a cache that come and go, more than there is room for. */
    @ParameterizedTest
    @EnumSource
    void withTiersAboveItNothingElseIsSeen(PolicyName policy) throws Exception {
        Path cache = Files.createDirectory(directory.resolve("cache"));
        Path data = Files.createDirectory(directory.resolve("data"));
        Capacity ofMemory = new Capacity(600_000, 6, 90, 60, policy);
        Capacity ofCache = new Capacity(1_200_000, 12, 90, 60, policy);
        TierOptions tiers = new TierOptions(ofMemory, new TierOptions.CacheOptions(cache, ofCache, 2, 64));
        afterwards = () -> {
            expectCopiesToComeAndToBeCounted(cache);
            assertThat(store.purgePrefix("key/", false).status()).isEqualTo(Status.OK);
            await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
                assertThat(store.figure("objmapper_memory_objects")).isZero();
                assertThat(store.figure("objmapper_memory_bytes")).isZero();
                assertThat(store.figure("objmapper_cache_bytes")).isZero();
                assertThat(StoreUnderTest.objectFiles(cache)).isEmpty();
            });
        };
        run(StoreUnderTest.hotObjects(data, 16).withTiers(tiers));
    }

    /** As always, over three devices, two of which are drained and taken back at any moment. */
    @Test
    void whileBodiesMoveBetweenDevicesNothingElseIsSeen() throws Exception {
        Path data = Files.createDirectory(directory.resolve("data"));
        drainable = List.of(
                Files.createDirectory(directory.resolve("second")), Files.createDirectory(directory.resolve("third")));
        afterwards = () -> {
            for (Path device : drainable) {
                if (!drained.contains(device)) {
                    drainOrTakeBack(device);
                }
            }
            await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
                for (Path device : drainable) {
                    assertThat(StoreUnderTest.objectFiles(device)).isEmpty();
                }
            });
            compareAll();
        };
        run(StoreUnderTest.hotObjects(data, 16)
                .withDevices(100, drainable.stream().map(DeviceOptions::of).collect(Collectors.toList())));
    }

    private void drainOrTakeBack(Path device) {
        String command = drained.contains(device) ? "device undrain" : "device drain";
        assertThat(store.tell(command, device.toString()).status()).isEqualTo(Status.OK);
        if (!drained.remove(device)) {
            drained.add(device);
        }
    }

    private void expectCopiesToComeAndToBeCounted(Path cache) throws Exception {
        for (int i = 0; i < KEYS; i++) {
            store.put(StoreUnderTest.plain("key/" + i), new byte[4_097 + i * 1_000]);
        }
        AtomicInteger looks = new AtomicInteger();
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
            // One half of them for a while, then the other one: for that the first has to leave.
            int first = looks.incrementAndGet() <= LOOKS ? 0 : KEYS / 2;
            for (int i = first; i < first + KEYS / 2; i++) {
                store.use("key/" + i, new RequestHeaders());
                assertThat(store.get("key/" + i).body()).hasSize(4_097 + i * 1_000);
            }
            assertThat(store.figure("objmapper_memory_evictions_capacity_total"))
                    .isPositive();
            assertThat(store.figure("objmapper_cache_evictions_capacity_total")).isPositive();
        });
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
            List<Path> files = StoreUnderTest.objectFiles(cache);
            long bytes = 0;
            for (Path file : files) {
                bytes += (Files.size(file) + 4_095) / 4_096 * 4_096;
            }
            assertThat(store.figure("objmapper_cache_objects")).isEqualTo(files.size());
            assertThat(store.figure("objmapper_cache_bytes")).isEqualTo(bytes).isLessThanOrEqualTo(1_200_000);
            assertThat(store.figure("objmapper_memory_objects")).isLessThanOrEqualTo(6);
            assertThat(store.figure("objmapper_memory_bytes")).isLessThanOrEqualTo(600_000);
        });
    }

    private interface Check {
        void run() throws Exception;
    }

    private void run(StoreOptions options) throws Exception {
        long seed = Long.getLong("objmapper.seed", System.nanoTime());
        System.out.println("StoreModelTest: -Dobjmapper.operations=" + OPERATIONS + " -Dobjmapper.seed=" + seed);
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
            afterwards.run();
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
        model.entrySet().removeIf(entry -> mayBeGone(entry.getValue()) && getExpiredToo(entry.getKey()) == null);
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
        String name = randomName();
        int choice = random.nextInt(100);
        if (choice < 35) {
            put(name);
        } else if (choice < 40) {
            missOrFill(name);
        } else if (choice < 70) {
            compare(name);
        } else if (choice < 78) {
            delete(name);
        } else if (choice < 86) {
            touch(name);
        } else if (choice < 90) {
            purge(name);
        } else if (choice < 94) {
            compareRange(name);
        } else if (choice < 98) {
            store.nowMillis.addAndGet(random.nextInt(300));
        } else if (choice < 99) {
            compareAll();
        } else if (!drainable.isEmpty()) {
            drainOrTakeBack(drainable.get(random.nextInt(drainable.size())));
        }
        if (random.nextInt(Math.max(LEAST_BETWEEN_RESTARTS, operations / RESTARTS)) == 0) {
            reopen();
            misses.clear();
        }
    }

    private void missOrFill(String name) {
        removeWhatIsGone();
        if (misses.size() == 8 || (random.nextBoolean() && !misses.isEmpty())) {
            fill(misses.remove());
        } else if (candidates(name).isEmpty()) {
            long time = store.store().fillTime();
            byte[] token = new byte[Store.FILL_TOKEN_BYTES];
            assertThat(get(name)).isNull();
            store.store().fillToken(time, token);
            misses.add(new Miss(name, token, new HashSet<>(), new HashSet<>(), new ArrayList<>()));
        }
    }

    private void fill(Miss miss) {
        Set<String> tags = randomTags();
        byte[] body = bytes("fill of " + miss.name);
        Put put = new Put(bytes(keyOf(miss.name)), metadata(miss.name, tags, true), -1, false, null, null, null, false);
        Result result = store.put(put.filling(miss.token), body);
        if (result.status() == Status.OK) {
            assertThat(miss.isStaleFor(tags)).as("stale fill of " + miss.name).isFalse();
            newestGeneration = result.generation();
            model.put(miss.name, new Expected(result.generation(), body, tags, Long.MAX_VALUE, true));
            changed(miss.name);
        } else {
            // Keys and tags may share a place: a fill may be refused though its own were left alone.
            assertThat(result.status()).isIn(Status.STALE_FILL, isUnderPressure ? Status.NO_SPACE : Status.STALE_FILL);
        }
    }

    private void changed(String name) {
        misses.forEach(miss -> miss.changed.add(name));
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

    private static ObjectMetadata metadata(String name, Set<String> tags, boolean evictable) {
        ObjectMetadata metadata =
                variant(name).merge(StoreUnderTest.evictability(evictable).set(MetadataType.GRACE, GRACE_MILLIS));
        tags.forEach(tag -> metadata.add(MetadataType.TAG.code(), bytes(tag)));
        return metadata;
    }

    private void put(String name) {
        removeWhatIsGone();
        Expected there = model.get(name);
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
                        bytes(keyOf(name)),
                        metadata(name, tags, evictable),
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
            model.remove(name);
        }
        assertThat(result.status()).as(result.message()).isEqualTo(refused ? Status.PRECONDITION_FAILED : Status.OK);
        if (!refused) {
            assertThat(result.generation()).isGreaterThan(newestGeneration);
            newestGeneration = result.generation();
            model.put(name, new Expected(result.generation(), body, tags, expiry(ttl), evictable));
            changed(name);
        }
    }

    private boolean isRefused(boolean ifAbsent, Long ifGeneration, Expected there) {
        return (ifAbsent && there != null && !expired(there))
                || (ifGeneration != null && (there == null || there.generation != ifGeneration));
    }

    private void delete(String name) {
        removeWhatIsGone();
        String key = keyOf(name);
        Result result = store.delete(key, null, random.nextInt(5) == 0);
        List<Expected> there = new ArrayList<>();
        model.entrySet().removeIf(entry -> keyOf(entry.getKey()).equals(key) && there.add(entry.getValue()));
        if (!there.stream().allMatch(this::mayBeGone) || result.status() != Status.NOT_FOUND) {
            assertThat(result.status()).isEqualTo(there.isEmpty() ? Status.NOT_FOUND : Status.OK);
        }
        changed("all of " + key);
    }

    private void touch(String name) {
        removeWhatIsGone();
        Expected there = model.get(name);
        Set<String> tags = randomTags();
        tags.add("touched");
        long ttl = randomTtl();
        boolean evictable = random.nextInt(3) > 0;
        Result result = store.touch(keyOf(name), metadata(name, tags, evictable), ttl);
        if (mayBeGone(there) && result.status() == Status.NOT_FOUND) {
            model.remove(name);
            return;
        }
        assertThat(result.status()).isEqualTo(there == null ? Status.NOT_FOUND : Status.OK);
        if (there != null) {
            assertThat(result.generation()).isGreaterThan(newestGeneration);
            newestGeneration = result.generation();
            model.put(name, new Expected(result.generation(), there.body, tags, expiry(ttl), evictable));
            changed(name);
        }
    }

    private void purge(String name) {
        removeWhatIsGone();
        String key = keyOf(name);
        boolean soft = random.nextBoolean();
        int kind = random.nextInt(4);
        String tag = "tag" + random.nextInt(6);
        Predicate<Map.Entry<String, Expected>> hit = kind == 0
                ? entry -> keyOf(entry.getKey()).equals(key)
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
            changed("all of " + key);
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

    private void compare(String name) {
        StoreUnderTest.Seen seen = get(name);
        for (String candidate : candidates(name)) {
            Expected expected = model.get(candidate);
            if (mayBeGone(expected) && (seen == null || seen.generation() != expected.generation)) {
                model.remove(candidate);
            } else {
                assertThat(seen).as(name).isNotNull();
                compare(candidate, expected, seen);
                return;
            }
        }
        assertThat(seen).as(name).isNull();
    }

    /** Some bytes of a body, read where they stand. */
    private void compareRange(String name) {
        StoredObject object = store.pin(keyOf(name), headers(name));
        if (object == null) {
            compare(name);
            return;
        }
        try {
            if (object.expiryMillis() <= store.nowMillis.get()) {
                return;
            }
            Expected expected = model.values().stream()
                    .filter(other -> other.generation == object.generation())
                    .findAny()
                    .orElse(null);
            assertThat(expected).as(name).isNotNull();
            int from = random.nextInt(expected.body.length + 1);
            int to = from + random.nextInt(expected.body.length + 1 - from);
            assertThat(StoreUnderTest.range(object, from, to - from))
                    .as(name + " from " + from + " to " + to)
                    .isEqualTo(Arrays.copyOfRange(expected.body, from, to));
        } finally {
            object.unpin();
        }
    }

    private static void compare(String name, Expected expected, StoreUnderTest.Seen seen) {
        assertThat(seen.generation()).as(name).isEqualTo(expected.generation);
        assertThat(seen.expiryMillis()).isEqualTo(expected.expiryMillis);
        assertThat(Arrays.equals(seen.body(), expected.body))
                .as("body of " + name)
                .isTrue();
        assertThat(seen.metadata().tags().stream().map(String::new).collect(Collectors.toSet()))
                .isEqualTo(expected.tags);
    }

    private void compareAll() {
        for (int i = 0; i < KEYS; i++) {
            compare("key/" + i);
            for (String language : LANGUAGES) {
                compare("key/" + i + ";" + language);
            }
        }
        List<String> listed = store.keys("key/", 1 + random.nextInt(KEYS));
        model.entrySet()
                .removeIf(entry -> mayBeGone(entry.getValue())
                        && !expired(entry.getValue())
                        && !listed.contains(keyOf(entry.getKey())));
        List<String> expected = model.entrySet().stream()
                .filter(entry -> !expired(entry.getValue()))
                .map(entry -> keyOf(entry.getKey()))
                .distinct()
                .sorted()
                .collect(Collectors.toList());
        assertThat(listed).isEqualTo(expected);
    }
}
