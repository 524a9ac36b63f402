package org.objmapper.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.client.Body;
import org.objmapper.client.GetOptions;
import org.objmapper.client.Key;
import org.objmapper.client.ListedObject;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.StoredObject;

/**
 * A server that several sessions keep busy is killed at random moments, again and again in the same directory, also while it starts and
 * recovers. Each time what it left is compared with what it had acknowledged. {@code -Dobjmapper.crash.kills=N} kills it N times,
 * {@code -Dobjmapper.seed=S} draws the same work again; see docs/crash-testing.md.
 */
class CrashTest {
    private static final int KILLS = Integer.getInteger("objmapper.crash.kills", 10);
    /** Changes and purges between a start and a kill. */
    private static final int MOST_ACKNOWLEDGED = 300;
    /** From an acknowledgement to the kill, so that it can hit anything that the server does next. */
    private static final int LONGEST_PAUSE_MILLIS = 30;

    /** Of a recovery that would take longer. */
    private static final int LONGEST_RECOVERY_MILLIS = 2_000;

    private static final int GETS_IN_FLIGHT = 32;
    /** What the JVM may open late, besides the store's files and the sessions. */
    private static final int SPARE_DESCRIPTORS = 8;

    private static final Duration LONG = Duration.ofMinutes(2);
    private static final String DELETED = " (deleted)";
    private static final String MEMORY = "/memfd:objmapper";
    /** What is longer has no place in the memory tier. */
    private static final int LONGEST_COPY = 500_000;
    /** More than the memory tier takes: of less it may have all, and then nobody asks the cache. */
    private static final long FEWEST_BYTES_TO_COPY = 4 << 20;
    /** The tier's own, the one that is kept at hand, and the one that the sessions of a user share. */
    private static final int DESCRIPTORS_OF_A_COPY = 3;

    @TempDir
    private Path directory;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Ledger ledger = new Ledger(() -> 0);
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final Random random = new Random(seed());
    private Path socket;
    private Path data;
    private Path disk;
    private Path cache;
    private Path log;
    private Path uploads;
    private long startMillis = 1_000;
    private int otherDescriptors;

    private final Map<Phase, Integer> kills = new EnumMap<>(Phase.class);
    private int comparisons;
    private long evictions;
    private long objectsSeen;
    private long orphansRemoved;
    private long copies;

    private static long seed() {
        long seed = Long.getLong("objmapper.seed", System.nanoTime());
        System.out.println("CrashTest: -Dobjmapper.seed=" + seed);
        return seed;
    }

    @AfterEach
    void stopTheThreads() {
        threads.shutdownNow();
    }

    @Test
    void aServerThatIsKilledAgainAndAgainKeepsItsPromises() throws Exception {
        socket = directory.resolve("socket");
        data = Files.createDirectory(directory.resolve("data"));
        disk = Files.createDirectory(directory.resolve("disk"));
        cache = Files.createDirectory(directory.resolve("cache"));
        log = Files.createFile(directory.resolve("server.log"));
        uploads = Files.createDirectory(directory.resolve("uploads"));
        expectThatFilesAreTaken();
        Deque<Phase> next = new ArrayDeque<>();
        for (int i = 0; i < KILLS; i++) {
            if (next.isEmpty()) {
                next.addAll(allPhases());
            }
            killWhile(next.remove());
            Fsck.expectNothingButOrphans(data);
        }
        try (ServerProcess server = start()) {
            expectNothingElse(server, expectWhatWasPromised());
            assertThat(server.stop()).isZero();
        }
        Fsck.expectClean(data);
        assertThat(evictions).as("evictions").isPositive();
        assertThat(filesOn(data)).as("bodies on the first device").isPositive();
        assertThat(filesOn(disk)).as("bodies on the second device").isPositive();
        System.out.println("CrashTest: " + KILLS + " kills: " + kills + "; "
                + comparisons + " comparisons of the directory; " + objectsSeen + " objects read after kills; "
                + orphansRemoved + " orphans removed; " + copies + " objects copied to the cache; " + evictions
                + " evictions; " + ledger.figures());
    }

    /** A file goes to the server as a descriptor: else the client would have asked twice. */
    private void expectThatFilesAreTaken() throws Exception {
        try (ServerProcess server = start();
                ObjmapperClient client = Writer.client(socket, threads)) {
            client.put(Key.of("file"), Body.of(Files.write(uploads.resolve("file"), new byte[1_000_000])));
            assertThat(client.stat()).containsEntry("objmapper_requests_put_total", 1L);
            client.delete(Key.of("file"));
            assertThat(server.stop()).isZero();
        }
    }

    private List<Phase> allPhases() {
        List<Phase> phases = new ArrayList<>(List.of(Phase.values()));
        Collections.shuffle(phases, random);
        return phases;
    }

    private void killWhile(Phase phase) throws Exception {
        switch (phase) {
            case STARTING -> killWhileItStarts();
            case RECOVERING -> {
                killAtWork(Phase.WORKING, MOST_ACKNOWLEDGED); // so that there is something to look through
                killWhileItRecovers();
            }
            default -> killAtWork(phase, random.nextInt(MOST_ACKNOWLEDGED));
        }
        kills.merge(phase, 1, Integer::sum);
    }

    private ServerProcess launch() throws Exception {
        return ServerProcess.launchWithMore(socket, List.of(data, disk, cache), log);
    }

    private ServerProcess start() throws Exception {
        long began = System.nanoTime();
        ServerProcess server = launch();
        try {
            server.awaitReady();
        } catch (Exception | Error e) {
            server.close();
            throw e;
        }
        startMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
        return server;
    }

    private void killWhileItStarts() throws Exception {
        try (ServerProcess server = launch()) {
            server.expectToLive(random.nextLong(startMillis));
            server.kill();
        }
    }

    private void killWhileItRecovers() throws Exception {
        try (ServerProcess server = ServerProcess.launchToRecoverSlowly(socket, List.of(data, disk, cache), log)) {
            server.awaitReady();
            try (ObjmapperClient client = Writer.client(socket, threads)) {
                await(Phase.RECOVERING, client);
            }
            server.expectToLive(random.nextInt(LONGEST_RECOVERY_MILLIS));
            server.kill();
        }
    }

    private void killAtWork(Phase phase, int acknowledged) throws Exception {
        try (ServerProcess server = start()) {
            Map<String, Version> standing = expectWhatWasPromised();
            if (random.nextBoolean()) {
                expectNothingElse(server, standing);
            }
            workUntilItIsKilled(server, standing, phase, acknowledged);
        }
    }

    private void workUntilItIsKilled(ServerProcess server, Map<String, Version> standing, Phase phase, int acknowledged)
            throws Exception {
        List<Writer> writers = new ArrayList<>();
        try (ObjmapperClient client = Writer.client(socket, threads)) {
            for (int i = 0; i < Writer.WRITERS; i++) {
                long seed = random.nextLong();
                writers.add(new Writer(i, phase, socket, uploads, ledger, seed, threads, failures));
            }
            writers.forEach(writer -> writer.start(standing));
            ledger.awaitAcknowledgements(acknowledged, LONG);
            await(phase, client);
            server.expectToLive(phase == Phase.WORKING ? random.nextInt(LONGEST_PAUSE_MILLIS) : 0);
            writers.forEach(Writer::expectTheEnd);
            server.kill();
        } finally {
            writers.forEach(Writer::close);
        }
        expectNoFailure();
    }

    /** Asks the server again and again what it does, without a pause: much that it does is soon done. */
    private void await(Phase phase, ObjmapperClient client) throws IOException {
        long end = System.nanoTime() + LONG.toNanos();
        Map<String, Long> before = client.stat();
        Map<String, Long> now = client.stat();
        while (!phase.isUnderWay(before, now)) {
            assertThat(System.nanoTime()).as("time to see it at " + phase).isLessThan(end);
            before = now;
            now = client.stat();
        }
        evictions += now.get(Phase.EVICTIONS);
    }

    private void expectNoFailure() {
        if (!failures.isEmpty()) {
            AssertionError all = new AssertionError(failures.size() + " requests went wrong");
            failures.forEach(all::addSuppressed);
            throw all;
        }
    }

    /** Asked at once, while the server recovers; returns what stands under each key. */
    private Map<String, Version> expectWhatWasPromised() throws Exception {
        Map<String, Version> standing = new HashMap<>();
        Queue<String> asked = new ArrayDeque<>();
        Queue<Long> times = new ArrayDeque<>();
        Queue<CompletableFuture<Optional<StoredObject>>> answers = new ArrayDeque<>();
        try (ObjmapperClient client = Writer.client(socket, threads)) {
            for (String key : Writer.allKeys()) {
                if (asked.size() == GETS_IN_FLIGHT) {
                    expectSurvived(asked.remove(), times.remove(), answers.remove(), standing);
                }
                asked.add(key);
                times.add(ledger.now());
                GetOptions options = Writer.asking(key).mode(Writer.MODES.get(random.nextInt(Writer.MODES.size())));
                answers.add(client.getAsync(Key.of(Writer.keyOf(key)), options));
            }
            while (!asked.isEmpty()) {
                expectSurvived(asked.remove(), times.remove(), answers.remove(), standing);
            }
        }
        ledger.endRun();
        return standing;
    }

    private void expectSurvived(
            String key, long asked, CompletableFuture<Optional<StoredObject>> answer, Map<String, Version> standing)
            throws Exception {
        Version seen = Seen.of(answer.get(), ledger);
        ledger.expectSurvived(key, seen, asked);
        standing.put(key, seen);
        objectsSeen += seen == Version.NOTHING ? 0 : 1;
    }

    /** After recovery: the listing, the directory and the descriptors hold what stands there, and nothing more. */
    private void expectNothingElse(ServerProcess server, Map<String, Version> standing) throws Exception {
        try (ObjmapperClient client = Writer.client(socket, threads)) {
            Set<String> listed = new HashSet<>();
            for (ListedObject object : client.list("")) {
                String name = nameOf(object, standing);
                Version version = standing.get(name);
                listed.add(name);
                assertThat(object.length())
                        .as("the listed length of " + version)
                        .isEqualTo(version.length());
                ledger.expectGeneration(version, object.generation());
            }
            Set<String> there = new HashSet<>(standing.keySet());
            there.removeIf(key -> standing.get(key) == Version.NOTHING);
            assertThat(there).containsAll(listed);
            there.removeIf(key -> standing.get(key).mayGo()); // meanwhile, perhaps
            Set<String> keys = listed.stream().map(Writer::keyOf).collect(Collectors.toSet());
            there.removeIf(name -> Writer.isOneOfSeveral(name) && keys.contains(Writer.keyOf(name)));
            assertThat(listed).as("one object of each key").containsAll(there);
            settled().untilAsserted(() -> assertThat(
                            StoreDirectory.differences(List.of(data, disk), StoreDirectory.standing(client)))
                    .isEmpty());
            askUntilSomeAreCopied(client);
            settled().untilAsserted(() -> assertThat(StoreDirectory.needless(cache, StoreDirectory.standing(client)))
                    .isEmpty());
            settled().untilAsserted(() -> expectSaneDescriptors(server.descriptors(), listed.size()));
            orphansRemoved += client.stat().get("objmapper_store_orphans_removed_total");
            assertThat(client.stat()).containsEntry("objmapper_store_files_vanished_total", 0L);
        }
        comparisons++;
    }

    /** Objects under one key are told apart by their generations. */
    private String nameOf(ListedObject object, Map<String, Version> standing) {
        return Writer.namesOf(object.key().toString()).stream()
                .filter(name -> ledger.hasGeneration(standing.get(name), object.generation()))
                .findAny()
                .orElseThrow(() -> new AssertionError("listed, and not known: " + object));
    }

    /**
     * So that there are copies for the next kills: of what is asked for again and again, some goes to memory, and some to the cache, unless
     * that is full of what an earlier server copied.
     */
    private void askUntilSomeAreCopied(ObjmapperClient client) throws Exception {
        settled().until(() -> {
            long mayCome = 0;
            for (ListedObject object : client.list("")) {
                Optional<StoredObject> found =
                        client.get(object.key(), Writer.asking(object.key().toString()));
                if (found.isPresent()) {
                    found.get().close();
                }
                boolean fits = object.length() > StoreDirectory.LONGEST_IN_INDEX && object.length() < LONGEST_COPY;
                mayCome += fits ? object.length() : 0;
            }
            Map<String, Long> figures = client.stat();
            return mayCome < FEWEST_BYTES_TO_COPY
                    || (figures.get("objmapper_cache_objects") > 0 && figures.get("objmapper_memory_objects") > 0);
        });
        copies += client.stat().get("objmapper_cache_promotions_total");
    }

    private static long filesOn(Path device) throws IOException {
        try (Stream<Path> files = Files.walk(device.resolve("objects"))) {
            return files.filter(Files::isRegularFile).count();
        }
    }

    /** What is looked at may go meanwhile: an orphan, a descriptor. */
    private static ConditionFactory settled() {
        return Awaitility.await().atMost(LONG).ignoreExceptionsMatching(CrashTest::isGoneMeanwhile);
    }

    static boolean isGoneMeanwhile(Throwable failure) {
        return failure instanceof NoSuchFileException || failure.getCause() instanceof NoSuchFileException;
    }

    private void expectSaneDescriptors(List<String> descriptors, int objects) {
        Predicate<String> isObject = target ->
                target.startsWith(data.resolve("objects") + "/") || target.startsWith(disk.resolve("objects") + "/");
        assertThat(descriptors).noneMatch(isObject.and(target -> target.endsWith(DELETED)));
        int ofObjects = (int) descriptors.stream().filter(isObject).count();
        assertThat(ofObjects).isLessThanOrEqualTo(objects);
        String cached = cache.resolve("objects") + "/";
        int ofCopies = (int) descriptors.stream()
                .filter(target -> target.startsWith(cached) || target.startsWith(MEMORY))
                .count();
        assertThat(ofCopies).isLessThanOrEqualTo(DESCRIPTORS_OF_A_COPY * objects);
        int others = descriptors.size() - ofObjects - ofCopies;
        if (otherDescriptors == 0) {
            otherDescriptors = others;
        }
        assertThat(others).as("descriptors: " + descriptors).isLessThanOrEqualTo(otherDescriptors + SPARE_DESCRIPTORS);
    }
}
