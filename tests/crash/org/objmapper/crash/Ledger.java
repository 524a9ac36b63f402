package org.objmapper.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * What was sent and what was acknowledged, and so what may stand under each key. Requests overlap; all that is known of their order is
 * that one which was acknowledged before another was sent comes before it. What is evictable may be cleanly gone at any time, what has a
 * time to live when that may be over; when it must be over it is gone. Safe on any thread.
 */
final class Ledger {
    private final Map<String, List<Change>> changes = new HashMap<>();
    private final List<PurgeRun> purges = new ArrayList<>();
    private final Map<Long, Version> sent = new HashMap<>();
    private final Map<Long, Version> byGeneration = new HashMap<>();
    private final Map<Version, Long> generations = new HashMap<>();
    /** How much the server had done to its files, for each tick of the clock. */
    private final List<Long> recorded = new ArrayList<>();
    /** Milliseconds since 1970, for each tick: the server has the same clock. */
    private final List<Long> millis = new ArrayList<>();

    private final LongSupplier record;
    private long numbers;
    private long newestGeneration;
    private long newestOfEarlierRuns;
    private long acknowledgedDurable;
    private long acknowledgedRelaxed;
    private long acknowledgedPurges;

    /** {@code record} tells how long the record of what the server does to its files is. */
    Ledger(LongSupplier record) {
        this.record = record;
    }

    synchronized Version newBody(int length, String tag, long ttlMillis) {
        numbers++;
        return remember(new Version(numbers, numbers, length, tag, ttlMillis));
    }

    synchronized Version newTouch(Version of, String tag, long ttlMillis) {
        numbers++;
        return remember(of.touched(numbers, tag, ttlMillis));
    }

    private Version remember(Version version) {
        sent.put(version.number(), version);
        return version;
    }

    /** What was sent under a number. */
    synchronized Version sent(long number) {
        Version version = sent.get(number);
        assertThat(version).as("what was sent as number " + number).isNotNull();
        return version;
    }

    // ---- what happens

    synchronized long now() {
        recorded.add(record.getAsLong());
        millis.add(System.currentTimeMillis());
        return recorded.size();
    }

    synchronized Change begin(String key, Version left, boolean durable) {
        Change change = new Change(key, left, durable, now());
        changes(key).add(change);
        return change;
    }

    synchronized void acknowledge(Change change) {
        change.ended = now();
        if (change.durable) {
            acknowledgedDurable++;
        } else {
            acknowledgedRelaxed++;
        }
        notifyAll();
    }

    /** Waits until so many more changes and purges were acknowledged. */
    synchronized void awaitAcknowledgements(int count, Duration longest) throws InterruptedException {
        long enough = acknowledged() + count;
        long end = System.nanoTime() + longest.toNanos();
        while (acknowledged() < enough) {
            long left = end - System.nanoTime();
            assertThat(left)
                    .as("time for " + count + " acknowledgements; " + figures())
                    .isPositive();
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    private long acknowledged() {
        return acknowledgedDurable + acknowledgedRelaxed + acknowledgedPurges;
    }

    /** A change that certainly had no effect. */
    synchronized void withdraw(Change change) {
        changes(change.key).remove(change);
    }

    synchronized PurgeRun beginPurge(String key, String prefix, String tag) {
        PurgeRun purge = new PurgeRun(key, prefix, tag, now());
        purges.add(purge);
        return purge;
    }

    synchronized void acknowledge(PurgeRun purge) {
        purge.ended = now();
        acknowledgedPurges++;
        notifyAll();
    }

    synchronized void withdraw(PurgeRun purge) {
        purges.remove(purge);
    }

    /** A version has one generation, no other version ever has it, and what was sent to a new server has newer ones. */
    synchronized void expectGeneration(Version version, long generation) {
        Version other = byGeneration.putIfAbsent(generation, version);
        assertThat(other == null ? version : other)
                .as("what has generation " + generation)
                .isEqualTo(version);
        Long known = generations.putIfAbsent(version, generation);
        assertThat(known == null ? generation : known)
                .as("the generation of " + version)
                .isEqualTo(generation);
        newestGeneration = Math.max(newestGeneration, generation);
    }

    /** Whether a version was seen or acknowledged under a generation. */
    synchronized boolean hasGeneration(Version version, long generation) {
        return generations.getOrDefault(version, 0L) == generation;
    }

    /** As {@link #expectGeneration}, of a change that was just acknowledged. */
    synchronized void expectNewGeneration(Version version, long generation) {
        assertThat(generation).as("the generation of " + version).isGreaterThan(newestOfEarlierRuns);
        expectGeneration(version, generation);
    }

    // ---- what may be

    /** A reader who asked at {@code asked} and was answered just now saw something: it must have stood there in between. */
    synchronized void expectVisible(String key, Version seen, long asked) {
        assertThat(possible(key, asked, false))
                .as(() -> "what may be seen under " + story(key) + ", asked at " + asked)
                .contains(seen);
    }

    /**
     * What a reader who asked at {@code asked} sees of what the killed server left under a key: nothing that was acknowledged as durable is
     * lost. Goes on from there.
     */
    synchronized void expectSurvived(String key, Version seen, long asked) {
        assertThat(possible(key, asked, true))
                .as(() -> "what may have survived under " + story(key) + ", asked at " + asked)
                .contains(seen);
        Change made = changes(key).stream()
                .filter(change -> change.left.equals(seen))
                .findAny()
                .orElseGet(() -> new Change(key, seen, true, now()));
        Change left = new Change(key, seen, true, made.begun);
        left.ended = made.ended == Change.NEVER ? now() : made.ended;
        changes.put(key, new ArrayList<>(List.of(left)));
    }

    /** As {@link #expectSurvived} when power was lost at this point of the record; goes on from nothing. */
    synchronized void expectSurvivedPowerLoss(String key, Version seen, long recordedThen) {
        int past = Collections.binarySearch(recorded, recordedThen + 1, (one, other) -> one < other ? -1 : 1);
        long asked = -past; // the first tick after that point
        assertThat(possible(key, asked, true))
                .as(() -> "what may have survived a power loss at " + asked + " under " + story(key))
                .contains(seen);
    }

    /** All keys were looked at after a kill. */
    synchronized void endRun() {
        purges.clear();
        newestOfEarlierRuns = newestGeneration;
    }

    private List<Change> changes(String key) {
        return changes.computeIfAbsent(
                key, unknown -> new ArrayList<>(List.of(settled(new Change(key, Version.NOTHING, true, 0)))));
    }

    private static Change settled(Change change) {
        change.ended = 0;
        return change;
    }

    private String story(String key) {
        StringBuilder story = new StringBuilder(key);
        changes(key).forEach(change -> story.append("\n  ").append(change));
        purges.stream().filter(purge -> mayTake(purge, key)).forEach(purge -> story.append("\n  ")
                .append(purge));
        return story.toString();
    }

    private Set<Version> possible(String key, long asked, boolean afterAKill) {
        Set<Version> possible = new HashSet<>();
        for (Change change : changes(key)) {
            if (!isOvertaken(key, change, asked, afterAKill) && !isPurged(key, change, asked)) {
                if (!mustBeExpired(change, asked)) {
                    possible.add(change.left);
                }
                if (change.left.isEvictable() || mayBeExpired(change)) {
                    possible.add(Version.NOTHING);
                }
            }
        }
        for (PurgeRun purge : purges) {
            if (mayTake(purge, key)) {
                Change removal = new Change(key, Version.NOTHING, true, purge.begun);
                removal.ended = purge.ended;
                if (!isOvertaken(key, removal, asked, afterAKill)) {
                    possible.add(Version.NOTHING);
                }
            }
        }
        return possible;
    }

    private boolean mayBeExpired(Change change) {
        return change.left.isMortal() && System.currentTimeMillis() >= millis(change.begun) + change.left.ttlMillis();
    }

    private boolean mustBeExpired(Change change, long asked) {
        return change.left.isMortal()
                && change.ended < asked
                && millis(asked) > millis(change.ended) + change.left.ttlMillis();
    }

    private long millis(long tick) {
        return millis.get((int) Math.min(tick, millis.size()) - 1);
    }

    private boolean mayTake(PurgeRun purge, String key) {
        return changes(key).stream().anyMatch(change -> change.begun < purge.ended && purge.takes(key, change.left));
    }

    /** Whether another change certainly came later, and counts: a kill may undo those that were not durable. */
    private boolean isOvertaken(String key, Change change, long asked, boolean afterAKill) {
        return changes(key).stream()
                .anyMatch(other -> (other.durable || !afterAKill) && other.ended < asked && change.ended < other.begun);
    }

    /** Whether a purge certainly took it, or took what came after it: that may not bring it back. */
    private boolean isPurged(String key, Change change, long asked) {
        return purges.stream()
                .anyMatch(purge -> purge.ended < asked
                        && change.ended < purge.begun
                        && (purge.takes(key, change.left) || tookALaterOne(purge, key, change)));
    }

    private boolean tookALaterOne(PurgeRun purge, String key, Change change) {
        return changes(key).stream()
                .anyMatch(later ->
                        change.ended < later.begun && later.ended < purge.begun && purge.takes(key, later.left));
    }

    // ---- figures

    synchronized String figures() {
        return "acknowledged: " + acknowledgedDurable + " durable and " + acknowledgedRelaxed + " relaxed changes, "
                + acknowledgedPurges + " purges; newest generation " + newestGeneration;
    }
}
