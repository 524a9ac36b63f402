package org.objmapper.server.store;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.device.FilePublisher;
import org.objmapper.server.store.device.NewFile;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexChange;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRow;
import org.objmapper.server.store.index.LoggedKeys;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * Brings changes to disk, many at once, in this order: the bodies, their names, the index; then it tells those who wait and removes the
 * files that were replaced. Until then they are {@link PendingChanges}. Changes are added
 * under the lock that is this object's monitor; commits happen without it, on one thread.
 */
final class Committer implements AutoCloseable {
    /** Changes that may wait; whoever adds more waits too. */
    private static final int MAX_PENDING = 4_096;

    /** Each has a file open at most: so small a part of all descriptors waits here, and as much again is being committed. */
    private static final int PART_OF_DESCRIPTORS = 8;

    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Committer.class));
    /** What pages of the index a commit writes counts more than how many changes it brings: large ones write each page for more of them. */
    static final int MAX_BATCH = 2_048;

    /** While there is no room: a larger one needs more room at once than there may be. */
    static final int MAX_BATCH_WITHOUT_ROOM = 128;

    /** How long a change that nobody waits for may lie. */
    private static final long LINGER_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    /** How long to wait before the index is opened once more. */
    private static final long REOPEN_PAUSE_MILLIS = 500;

    /** How long to wait before the next look whether what the evictor does has made room. */
    private static final long EVICTION_PAUSE_MILLIS = 20;

    /** What a commit of many changes with bodies in the index may take. */
    private static final long ROOM_BYTES = 4L << 20;

    /** Where the index's device has less free, that is asked before each commit. */
    private static final long MEASURED_BELOW_BYTES = 64L << 20;

    /** Objects whose changes had no room that are tried again with one commit: far less than that. */
    private static final int TRIED_AGAIN_AT_ONCE = 16;

    /** How often a change that somebody waits for may find no room. */
    private static final int MAX_TRIES = 8;

    private final Index index;
    private final Devices devices;
    private final PendingChanges pending;
    private final Ledger ledger;
    private final UpperTiers upper;
    private final BackingTier tier;
    private final Metrics metrics;
    private final Generations generations;
    private final Map<Device, FilePublisher> publishers = new ConcurrentHashMap<>();
    private final Thread thread;
    private final int maxPending;
    private final int maxBatch;

    // Guarded by this.
    private final Deque<Change> queue = new ArrayDeque<>();
    /** What was taken from the queue and is not in the index yet. */
    private final Map<ObjectKey, KeyChanges> underway = new HashMap<>();

    private final Map<NewFile, KeyChanges> publishing = new HashMap<>();
    private final List<NewFile> settledFiles = new ArrayList<>();
    /** Those who wait for all that came before them, in order. */
    private final Deque<Change> barriers = new ArrayDeque<>();

    private int changesUnderway;
    private long nextSequence;
    private long oldestNanos;
    private boolean somebodyWaits;
    private boolean closing;
    /** Clients of the server before may still go by what it said: nothing may change yet. */
    private boolean heldBack;

    private @Nullable StoreException refusal;
    /** The refusal is for want of room, which removals may make: those are still tried. */
    private boolean outOfRoom;
    /** The evictor may make room yet: until that is known nobody is refused for want of it. */
    private boolean evicting;

    private final ParkedChanges parked = new ParkedChanges();
    /** What came later met a store that had no room already. */
    private long fullSince;

    private long lastProbeNanos;

    Committer(
            Index index,
            Devices devices,
            PendingChanges pending,
            Ledger ledger,
            UpperTiers upper,
            BackingTier tier,
            Metrics metrics,
            long descriptorLimit) {
        this.index = index;
        this.devices = devices;
        this.pending = pending;
        this.ledger = ledger;
        this.upper = upper;
        this.tier = tier;
        this.metrics = metrics;
        maxPending = (int) Math.min(MAX_PENDING, Math.max(1, descriptorLimit / PART_OF_DESCRIPTORS));
        maxBatch = Math.min(MAX_BATCH, maxPending);
        this.generations = new Generations(index.generationBound());
        reserveFirstGenerations();
        devices.first().keepFree(index.reservedBytes());
        this.thread = new Thread(this::run, "store-committer");
        thread.setDaemon(true);
        thread.start();
    }

    /** A store that has no room for that yet serves what it has, and takes no changes until it could. */
    private void reserveFirstGenerations() {
        try {
            index.commit(List.of(), List.of(), generations.bound(), new ArrayList<>());
        } catch (IndexException e) {
            if (e.status() != Status.NO_SPACE) {
                throw e;
            }
            refuseForWantOfRoom(StoreException.of(e));
        }
    }

    private void refuseForWantOfRoom(StoreException failure) {
        refusal = new StoreException(
                failure.status(), failure.getMessage() + "; the store takes no changes until there is room");
        FAILURES.error("The store takes no changes until there is room: {}", failure.getMessage());
    }

    /** The changes that are not in the index yet. */
    PendingChanges pending() {
        return pending;
    }

    /**
     * Waits, under the lock, until there is room for a change; throws when none can be taken. Not for the evictor, for which this waits
     * too.
     */
    void awaitRoom() throws StoreException {
        Uninterruptibly.awaitWhile(
                () -> heldBack || evicting || (refusal == null && queue.size() + changesUnderway >= maxPending),
                this::wait);
        refuseIfNoneIsTaken();
    }

    private void refuseIfNoneIsTaken() throws StoreException {
        if (refusal != null) {
            throw refusal;
        }
    }

    /** As {@link #awaitRoom}, for what takes objects away: a full disk does not refuse it. */
    void awaitRoomToRemove() throws StoreException {
        Uninterruptibly.awaitWhile(() -> heldBack, this::wait);
        awaitPlace();
    }

    private void awaitPlace() throws StoreException {
        Uninterruptibly.awaitWhile(
                () -> queue.size() + changesUnderway - parked.changes() >= maxPending && (refusal == null || outOfRoom),
                this::wait);
        if (refusal != null && !outOfRoom) {
            throw refusal;
        }
    }

    /** Lets changes of objects wait until {@link #release}. */
    synchronized void holdBack() {
        heldBack = true;
    }

    /** Lets changes of objects wait no longer for {@link #holdBack}. */
    synchronized void release() {
        heldBack = false;
        notifyAll();
    }

    /** Whether the disk is full, so that nothing may be acknowledged before it is committed. */
    synchronized boolean isOutOfRoom() {
        return outOfRoom;
    }

    /** Who gives out generations; under the lock, so that they follow the order of changes. */
    Generations generations() {
        return generations;
    }

    /** Makes a change visible, and has it brought to disk. Under the lock. */
    void add(Change change) {
        if (queue.isEmpty()) {
            oldestNanos = System.nanoTime();
        }
        change.follow(nextSequence++);
        queue.add(change);
        ObjectKey key = change.key();
        if (key != null) {
            pending.show(key, change);
        }
        tier.added(change);
        somebodyWaits |= change.somebodyWaits();
        notifyAll();
    }

    /** Tells when all changes so far are on disk, or given up, but for those that wait for room while there is none. */
    void afterAll(Result.Outcome outcome) {
        StoreException refused;
        synchronized (this) {
            refused = outOfRoom ? null : refusal;
            if (refused == null) {
                add(Change.barrier(outcome, Result.ok(0, 0)));
            }
        }
        if (refused != null) {
            outcome.done(Result.failed(refused));
        }
    }

    /** Waits until all changes so far are on disk, or given up, but for those that wait for room while there is none. */
    void flush() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        afterAll(result -> done.countDown());
        done.await();
    }

    /** As {@link #flush}; throws where some wait for room. */
    void flushAll() throws StoreException, InterruptedException {
        CompletableFuture<Result> flushed = new CompletableFuture<>();
        synchronized (this) {
            awaitRoomToRemove();
            add(Change.barrierAfterAll(flushed::complete, Result.ok(0, 0)));
        }
        try {
            flushed.get().orThrow();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Brings rows of the index to disk with the next commit, and waits for that; throws when it can't. On any thread that may block but
     * the committing one.
     */
    void write(List<IndexRow> rows) throws StoreException {
        CompletableFuture<Result> written = new CompletableFuture<>();
        synchronized (this) {
            awaitPlace();
            refuseIfNoneIsTaken(); // at once: the evictor writes rows too
            add(Change.ofRows(rows, written::complete));
        }
        written.join().orThrow();
    }

    /** As {@link #write}, without waiting for anything: false where no changes are taken now. */
    synchronized boolean offer(List<IndexRow> rows) {
        if (heldBack || refusal != null || queue.size() + changesUnderway >= maxPending) {
            return false;
        }
        add(Change.ofRows(rows, null));
        return true;
    }

    private void run() {
        try {
            awaitFirstGenerations();
        } catch (StoreException e) {
            return; // the store closes, and has taken no change
        }
        while (!isDone()) {
            CommitBatch batch = CommitBatch.empty();
            try {
                begin(take(), batch);
                if (!batch.isEmpty()) {
                    commit(batch);
                }
                probeRoom();
                giveUpParkedAtTheEnd();
            } catch (RuntimeException | Error e) {
                FAILURES.error("A commit ended in a defect", e);
                fail(batch, new StoreException(Status.INTERNAL, "a commit ended in a defect: " + e));
            }
            tellBarriers();
        }
    }

    private synchronized boolean isDone() {
        return closing && queue.isEmpty() && underway.isEmpty();
    }

    /** Tries again and again to reserve what there was no room for at the start. */
    private void awaitFirstGenerations() throws StoreException {
        while (isRefusing()) {
            awaitNextTry();
            try {
                tryIndex(generations.bound());
                acceptChanges();
            } catch (IndexException e) {
                FAILURES.error("The store still takes no changes: {}", e.getMessage());
            }
        }
    }

    private synchronized boolean isRefusing() {
        return refusal != null;
    }

    private synchronized boolean isClosing() {
        return closing;
    }

    /**
     * Takes changes again when the disk or the index was full, and both have room by now, or the evictor has made some. Where it can't,
     * those who wait for room are told that there is none.
     */
    private void probeRoom() {
        synchronized (this) {
            if (!isProbeDue()) {
                return;
            }
            lastProbeNanos = System.nanoTime();
        }
        try {
            tryIndex(generations.bound());
            devices.first().measure();
            if (index.hasRoom(devices.first().freeBytes()) || tier.takeMetWish(devices.first())) {
                acceptChanges();
            } else if (!tier.isFreeingDevice(devices.first())) {
                refuseWhoeverWaitsForRoom();
                tier.wantOnDevice(devices.first(), ROOM_BYTES);
            }
        } catch (IndexException e) {
            FAILURES.error("The store still takes no changes: {}", e.getMessage());
            refuseWhoeverWaitsForRoom();
        }
    }

    /** Tries whether the index takes changes again; opens it anew where it has to be. */
    private void tryIndex(long bound) {
        if (index.isUsable()) {
            index.commit(List.of(), List.of(), bound, new ArrayList<>());
        } else {
            index.reopen(bound);
        }
    }

    private boolean isProbeDue() {
        long pauseMillis =
                evicting && !tier.isFreeingDevice(devices.first()) ? EVICTION_PAUSE_MILLIS : REOPEN_PAUSE_MILLIS;
        return outOfRoom && System.nanoTime() - lastProbeNanos >= TimeUnit.MILLISECONDS.toNanos(pauseMillis);
    }

    /** The next changes to bring to disk; none when files have been brought there, the store closes, or it is time to look for room. */
    private synchronized List<Change> take() {
        Uninterruptibly.awaitWhile(() -> !due() && settledFiles.isEmpty(), this::awaitNews);
        List<Change> batch = new ArrayList<>();
        int most = outOfRoom ? Math.min(maxBatch, MAX_BATCH_WITHOUT_ROOM) : maxBatch;
        boolean isWithNext = false;
        while (!queue.isEmpty() && (isWithNext || (due() && batch.size() < most))) {
            Change change = queue.remove();
            isWithNext = change.isWithNext();
            batch.add(change);
        }
        changesUnderway += batch.size();
        if (queue.isEmpty()) {
            somebodyWaits = false;
        }
        return batch;
    }

    private void awaitNews() throws InterruptedException {
        if (queue.isEmpty() && !outOfRoom) {
            wait();
        } else if (queue.isEmpty()) {
            TimeUnit.MILLISECONDS.timedWait(this, evicting ? EVICTION_PAUSE_MILLIS : REOPEN_PAUSE_MILLIS);
        } else {
            long left = LINGER_NANOS - (System.nanoTime() - oldestNanos);
            TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
        }
    }

    private boolean due() {
        return isProbeDue()
                || (!outOfRoom && !parked.isEmpty())
                || (!queue.isEmpty()
                        && (closing
                                || somebodyWaits
                                || queue.size() >= maxBatch
                                || System.nanoTime() - oldestNanos >= LINGER_NANOS))
                || (closing && underway.size() == parked.keys());
    }

    /** Has the bodies of changes brought to disk, and adds to a batch what can be committed by now. */
    private void begin(List<Change> changes, CommitBatch batch) {
        Set<KeyChanges> touched = new LinkedHashSet<>();
        synchronized (this) {
            for (NewFile file : settledFiles) {
                KeyChanges ofKey = publishing.remove(file);
                if (ofKey != null) {
                    touch(ofKey, touched);
                }
            }
            settledFiles.clear();
            if (!outOfRoom) {
                parked.take(TRIED_AGAIN_AT_ONCE).forEach(ofKey -> tryAgain(ofKey, touched));
            }
            for (Change change : changes) {
                ObjectKey key = change.key();
                if (!change.rows().isEmpty()) {
                    batch.rows().add(change);
                } else if (key == null) {
                    barriers.add(change);
                } else {
                    KeyChanges ofKey = underway.computeIfAbsent(key, KeyChanges::new);
                    touch(ofKey, touched);
                    ofKey.add(change);
                }
            }
        }
        settle(touched, batch.settled());
    }

    private void touch(KeyChanges ofKey, Set<KeyChanges> touched) {
        parked.remove(ofKey);
        touched.add(ofKey);
    }

    /** The evictor has looked for these in the index, where they were not. */
    private void tryAgain(KeyChanges ofKey, Set<KeyChanges> touched) {
        touched.add(ofKey);
        Change newest = ofKey.newest();
        if (newest != null) {
            tier.standsAgain(newest);
        }
    }

    private void settle(Set<KeyChanges> touched, List<KeyChanges.Settled> settled) {
        Map<Device, List<NewFile>> unpublished = new LinkedHashMap<>();
        synchronized (this) {
            for (KeyChanges ofKey : touched) {
                KeyChanges.Settled part = ofKey.settle();
                if (!part.isEmpty()) {
                    settled.add(part);
                }
                NewFile next = ofKey.newestFile();
                if (next != null) {
                    publishing.put(next, ofKey);
                    unpublished
                            .computeIfAbsent(next.device(), device -> new ArrayList<>())
                            .add(next);
                }
                if (ofKey.isEmpty()) {
                    underway.remove(ofKey.key(), ofKey);
                }
            }
        }
        unpublished.forEach((device, files) ->
                publishers.computeIfAbsent(device, this::newPublisher).publish(files));
    }

    private FilePublisher newPublisher(Device device) {
        return new FilePublisher(device, this::filesSettled);
    }

    private synchronized void filesSettled(List<NewFile> files) {
        settledFiles.addAll(files);
        notifyAll();
    }

    /** Commits a batch; where there is no room for all of it, what needs none, and the rest waits for room. */
    private void commit(CommitBatch batch) {
        if (!isOutOfRoom()) {
            StoreException full = commitUnlessFull(batch);
            if (full == null) {
                return;
            }
            enterOutOfRoom(full);
        }
        for (CommitBatch piece : withoutAdditions(batch).pieces(MAX_BATCH_WITHOUT_ROOM)) {
            StoreException full = commitUnlessFull(piece);
            if (full != null) {
                giveUpRemovals(piece, full);
            }
        }
    }

    /** Returns why there is no room for a batch, of which then nothing is done; null where all is done that can be. */
    private @Nullable StoreException commitUnlessFull(CommitBatch batch) {
        List<Index.Replaced> replaced = new ArrayList<>();
        try {
            commitIndex(batch, replaced);
        } catch (StoreException e) {
            boolean isFull = e.status() == Status.NO_SPACE && index.isUsable();
            if (!isFull) {
                fail(batch, e);
            }
            removeUnused(replaced);
            return isFull ? e : null;
        }
        devices.first().keepFree(index.reservedBytes());
        List<KeyChanges.Settled> settled = batch.settled();
        hideSettled(batch);
        for (Index.Replaced file : replaced) {
            unlink(file);
        }
        settled.forEach(this::letGoOfFiles);
        reportFailed(settled);
        tell(batch.rows(), settled);
        return null;
    }

    /** Tells whoever waits for what one commit brought. */
    private static void tell(List<Change> rows, List<KeyChanges.Settled> settled) {
        List<Result.Outcome> told = new ArrayList<>();
        try {
            rows.forEach(change -> change.tellWith(told, change.result()));
            for (KeyChanges.Settled part : settled) {
                part.failed().forEach((change, failure) -> change.tellWith(told, Result.failed(failure)));
                part.superseded().forEach(change -> change.tellWith(told, change.result()));
                Change winner = part.winner();
                if (winner != null) {
                    winner.tellWith(told, winner.result());
                }
            }
        } finally {
            told.forEach(Result.Outcome::allDone);
        }
    }

    // ---- changes that wait for room

    private synchronized void enterOutOfRoom(StoreException failure) {
        refuseIfOutOfRoom(failure);
    }

    /** What needs no room of a batch; the rest waits for room, but for rows, which whoever writes them writes again. */
    private CommitBatch withoutAdditions(CommitBatch batch) {
        CommitBatch rest = CommitBatch.empty();
        List<Change> refused = new ArrayList<>();
        StoreException told;
        synchronized (this) {
            told = refusal;
            for (KeyChanges.Settled part : batch.settled()) {
                if (part.adds()) {
                    refused.addAll(park(part));
                } else {
                    rest.settled().add(part);
                }
            }
            for (Change change : batch.rows()) {
                if (change.addsRows()) {
                    changesUnderway--;
                    refused.add(change);
                } else {
                    rest.rows().add(change);
                }
            }
            notifyAll();
        }
        tellRefused(refused, told);
        return rest;
    }

    /** Keeps changes until there is room; returns those that have waited for that too often, and are taken back. Under the lock. */
    private List<Change> park(KeyChanges.Settled part) {
        KeyChanges ofKey = underway.computeIfAbsent(part.key(), KeyChanges::new);
        parked.remove(ofKey);
        ofKey.takeBack(part);
        parked.add(ofKey);
        Change winner = part.winner();
        boolean isTriedEnough = winner != null && winner.findsNoRoom() >= MAX_TRIES && winner.somebodyWaits();
        return isTriedEnough ? takeBackWaiting(ofKey) : List.of();
    }

    /** Even a removal finds no room. Those acknowledged already wait for it too; whoever waits for one of the others is told. */
    private void giveUpRemovals(CommitBatch batch, StoreException failure) {
        CommitBatch lost = CommitBatch.empty();
        List<Change> refused = new ArrayList<>(batch.rows());
        synchronized (this) {
            changesUnderway -= batch.rows().size();
            for (KeyChanges.Settled part : batch.settled()) {
                Change winner = part.winner();
                if (winner == null) {
                    lost.settled().add(part);
                    continue;
                }
                refused.addAll(park(part));
                KeyChanges ofKey = underway.get(part.key());
                if (ofKey != null && winner.sequence() >= fullSince && takeBackNewest(ofKey, winner)) {
                    refused.add(winner);
                }
            }
            tier.giveUpDevice(devices.first());
        }
        tellRefused(refused, failure);
        commitUnlessFull(lost);
        refuseWhoeverWaitsForRoom();
    }

    /** There is no room, and the evictor can't make any. */
    private void refuseWhoeverWaitsForRoom() {
        List<Change> refused = new ArrayList<>();
        StoreException told;
        synchronized (this) {
            told = refusal;
            evicting = false;
            parked.all().forEach(ofKey -> refused.addAll(takeBackWaiting(ofKey)));
            notifyAll();
        }
        tellRefused(refused, told);
    }

    /** Takes back what somebody waits for; only the newest change can be, for others are built on the rest. Under the lock. */
    private List<Change> takeBackWaiting(KeyChanges ofKey) {
        List<Change> waiting = new ArrayList<>();
        for (Change change : ofKey.all()) {
            if (change.somebodyWaits()) {
                takeBackNewest(ofKey, change);
                waiting.add(change);
            }
        }
        return waiting;
    }

    /** Takes back a parked change unless another is built on it; says whether it did. Under the lock. */
    private boolean takeBackNewest(KeyChanges ofKey, Change change) {
        if (ofKey.newest() != change) {
            return false;
        }
        parked.remove(ofKey);
        ofKey.removeNewest();
        pending.depart();
        changesUnderway--;
        pending.takeBack(ofKey.key(), change, ofKey.newest());
        pending.tellTableOfLost(List.of(change));
        tier.settled(List.of(change), true, index.totals());
        NewFile file = change.file();
        if (file != null && !ofKey.has(file)) {
            discard(file);
        }
        if (ofKey.isEmpty()) {
            underway.remove(ofKey.key(), ofKey);
        } else {
            parked.add(ofKey);
        }
        return true;
    }

    private void tellRefused(List<Change> refused, @Nullable StoreException told) {
        if (!refused.isEmpty() && told != null) {
            reportLoss(refused, told);
            Result failed = Result.failed(told);
            refused.forEach(change -> change.tell(failed));
        }
    }

    /** The store closes, and nothing is left but what has no room. */
    private void giveUpParkedAtTheEnd() {
        StoreException told;
        synchronized (this) {
            if (!closing || !outOfRoom || !queue.isEmpty() || underway.size() > parked.keys()) {
                return;
            }
            told = refusal;
        }
        if (told != null) {
            fail(CommitBatch.empty(), told);
        }
    }

    /** The index has the changes: readers ask it from here on. Under the lock, so that no change is built on what is just taken back. */
    private synchronized void hideSettled(CommitBatch batch) {
        pending.depart();
        changesUnderway -= batch.rows().size();
        for (KeyChanges.Settled part : batch.settled()) {
            ObjectKey key = part.key();
            part.failed().forEach((change, failure) -> {
                refuseIfOutOfRoom(change, failure);
                KeyChanges left = underway.get(key);
                pending.takeBack(key, change, left == null ? null : left.newest());
            });
            part.done().forEach(change -> pending.settle(key, change));
            tellTable(part);
            changesUnderway -= part.size();
        }
        boolean someAreLost =
                batch.settled().stream().anyMatch(part -> !part.failed().isEmpty());
        tier.settled(batch.all(), someAreLost, index.totals());
        notifyAll();
    }

    private void tellTable(KeyChanges.Settled part) {
        Change winner = part.winner();
        if (winner == null) {
            pending.tellTableOfLost(part.failed().keySet());
        } else {
            pending.tellTable(part.key(), winner.record());
        }
    }

    private void unlink(Index.Replaced file) {
        upper.left(file.generation(), file.digest());
        Device device = devices.byNumber(file.device());
        if (device != null) {
            device.closer().unlink(() -> ledger.unlink(device, file.digest(), file.generation()));
        }
    }

    /** The files of a device are lost that are not on disk yet: nothing can be asked of it. */
    void giveUp(Device device) {
        FilePublisher publisher = publishers.get(device);
        if (publisher != null) {
            publisher.giveUp(DeviceException.offline(device));
        }
    }

    /** The winner's file stays; those of all others go. May not block: the device may hang. */
    private void letGoOfFiles(KeyChanges.Settled part) {
        NewFile kept = part.winner() == null ? null : part.winner().file();
        if (kept != null) {
            kept.leave();
        }
        Set<NewFile> others = new LinkedHashSet<>();
        part.failed().keySet().forEach(change -> addFile(others, change));
        part.superseded().forEach(change -> addFile(others, change));
        others.remove(kept);
        others.forEach(file -> file.discard());
    }

    private static void addFile(Set<NewFile> files, Change change) {
        NewFile file = change.file();
        if (file != null) {
            files.add(file);
        }
    }

    private void reportFailed(List<KeyChanges.Settled> settled) {
        Map<Change, StoreException> failed = new LinkedHashMap<>();
        settled.forEach(part -> failed.putAll(part.failed()));
        if (!failed.isEmpty()) {
            reportLoss(failed.keySet(), failed.values().iterator().next());
        }
    }

    /** Tells those who wait for all changes before theirs. */
    private void tellBarriers() {
        List<Change> passed = new ArrayList<>();
        List<Change> refused = new ArrayList<>();
        StoreException told;
        synchronized (this) {
            long first = barriers.isEmpty() ? 0 : firstUnderway();
            while (!barriers.isEmpty() && barriers.element().sequence() < first) {
                Change barrier = barriers.remove();
                boolean isAfterAll = !barrier.isAfterAll() || parked.firstSequence() > barrier.sequence();
                (isAfterAll || refusal == null ? passed : refused).add(barrier);
            }
            told = refusal;
            changesUnderway -= passed.size() + refused.size();
            notifyAll();
        }
        passed.forEach(barrier -> barrier.tell(barrier.result()));
        tellRefused(refused, told);
    }

    /** The first of the changes that a barrier waits for; those that wait for room are none while there is none. */
    private long firstUnderway() {
        long first = Long.MAX_VALUE;
        for (KeyChanges ofKey : underway.values()) {
            if (!outOfRoom || !parked.has(ofKey)) {
                first = Math.min(first, ofKey.oldest().sequence());
            }
        }
        return first;
    }

    /** Brings changes into the index; where it fails, opens it anew and tries once more. */
    private void commitIndex(CommitBatch batch, List<Index.Replaced> replaced) throws StoreException {
        List<IndexChange> changes = batch.indexChanges();
        if (changes.isEmpty() && batch.rows().isEmpty()) {
            return; // all bodies were lost
        }
        try {
            refuseWithoutReserve(batch);
            index.commit(changes, batch.indexRows(), generations.bound(), replaced);
            return;
        } catch (IndexException e) {
            if (e.status() == Status.NO_SPACE && index.isUsable()) {
                throw StoreException.of(e);
            }
            metrics.count(Metric.STORE_COMMIT_FAILURES);
            FAILURES.error(
                    "A commit of changes={} failed, so the index is opened anew: {}", changes.size(), e.getMessage());
        }
        reopenIndex(batch);
        try {
            index.commit(changes, batch.indexRows(), generations.bound(), replaced);
        } catch (IndexException e) {
            reopenIndex(batch);
            throw StoreException.of(e);
        }
    }

    /** A removal needs room before it makes some: what adds doesn't get the last that there is. */
    private void refuseWithoutReserve(CommitBatch batch) throws StoreException {
        Device device = devices.first();
        if (!batch.adds()) {
            return;
        }
        if (device.freeBytes() < MEASURED_BELOW_BYTES) {
            device.measure();
        }
        if (!index.canGrow(device.freeBytes())) {
            throw new StoreException(
                    Status.NO_SPACE,
                    "No space left on the index's device: its bytes=" + device.freeBytes()
                            + " are kept for removing objects, so delete some or make room");
        }
    }

    /** Opens the index anew, again and again until it takes changes; only when the store closes it gives up. */
    private void reopenIndex(CommitBatch batch) throws StoreException {
        while (true) {
            try {
                index.reopen(generations.bound());
                acceptChanges();
                return;
            } catch (IndexException e) {
                refuseChanges(batch, StoreException.of(e));
            }
            awaitNextTry();
        }
    }

    /** Takes no changes until {@link #acceptChanges}. Those that came before are kept, but nobody is left waiting for them. */
    private void refuseChanges(CommitBatch batch, StoreException failure) {
        List<Change> kept = batch.all();
        StoreException first;
        synchronized (this) {
            if (refusal != null && !outOfRoom) {
                return;
            }
            outOfRoom = false;
            evicting = false;
            first = new StoreException(
                    failure.status(),
                    failure.getMessage() + "; the store takes no changes until the index can be opened again");
            refusal = first;
            underway.values().forEach(ofKey -> kept.addAll(ofKey.all()));
            kept.addAll(barriers);
            kept.addAll(queue);
            notifyAll();
        }
        FAILURES.error("The store takes no changes, and goes on trying to open the index: {}", failure.getMessage());
        StoreException told = new StoreException(first.status(), first.getMessage() + "; this one may be made then");
        kept.forEach(change -> change.tell(Result.failed(told)));
    }

    private synchronized void acceptChanges() {
        if (refusal != null) {
            FAILURES.warn("The store takes changes again");
            refusal = null;
            outOfRoom = false;
            evicting = false;
            notifyAll();
        }
    }

    private synchronized void awaitNextTry() throws StoreException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(REOPEN_PAUSE_MILLIS);
        Uninterruptibly.awaitWhile(
                () -> System.nanoTime() - end < 0 && !closing,
                () -> TimeUnit.NANOSECONDS.timedWait(this, end - System.nanoTime()));
        if (closing && refusal != null) {
            throw refusal;
        }
    }

    /** Takes back what could not be brought to disk, and all that was built on it: what stands in the index counts again. */
    private void fail(CommitBatch batch, StoreException failure) {
        List<Change> lost = batch.all();
        StoreException told = failure;
        synchronized (this) {
            pending.depart();
            underway.values().forEach(ofKey -> lost.addAll(ofKey.all()));
            underway.clear();
            parked.clear();
            publishing.clear();
            lost.addAll(barriers);
            barriers.clear();
            lost.addAll(queue);
            queue.clear();
            changesUnderway = 0;
            somebodyWaits = false;
            refuseIfOutOfRoom(failure);
            if (outOfRoom && refusal != null) {
                told = refusal; // says also until when
            }
            for (Change change : lost) {
                ObjectKey key = change.key();
                if (key != null) {
                    pending.takeBack(key, change, null);
                }
            }
            pending.tellTableOfLost(lost);
            tier.settled(lost, true, index.totals());
            notifyAll();
        }
        reportLoss(lost, failure);
        Set<NewFile> files = new LinkedHashSet<>();
        lost.forEach(change -> addFile(files, change));
        files.forEach(this::discard);
        Result failed = Result.failed(told);
        lost.forEach(change -> change.tell(failed));
    }

    /** A body on the device that has the index too: that has no room either. */
    private void refuseIfOutOfRoom(Change change, StoreException failure) {
        NewFile file = change.file();
        if (file != null && file.device() == devices.first()) {
            refuseIfOutOfRoom(failure);
        }
    }

    /** What could not be committed for want of room would be lost again and again: takes no more of it. Under the lock. */
    private void refuseIfOutOfRoom(StoreException failure) {
        if (failure.status() != Status.NO_SPACE || refusal != null) {
            return;
        }
        refuseForWantOfRoom(failure);
        outOfRoom = true;
        evicting = true;
        fullSince = nextSequence;
        lastProbeNanos = System.nanoTime();
        tier.wantOnDevice(devices.first(), ROOM_BYTES);
    }

    private void reportLoss(Collection<Change> lost, StoreException failure) {
        List<ObjectKey> keys = new ArrayList<>();
        for (Change change : lost) {
            ObjectKey key = change.key();
            if (key != null) {
                keys.add(key);
            }
        }
        if (!keys.isEmpty()) {
            metrics.add(Metric.STORE_CHANGES_LOST, keys.size());
            FAILURES.error("changes={} are lost, of {}: {}", keys.size(), LoggedKeys.of(keys), failure.getMessage());
        }
    }

    private void discard(NewFile file) {
        try {
            if (index.leadsTo(file.device().number(), file.digest(), file.generation())) {
                file.leave();
            } else {
                file.discard();
            }
        } catch (IndexException e) {
            file.leave(); // the index can't be asked; recovery does it at the next start
        }
    }

    /** After a failed commit: the index may hold it all the same. */
    private void removeUnused(List<Index.Replaced> files) {
        try {
            for (Index.Replaced file : files) {
                if (!index.leadsTo(file.device(), file.digest(), file.generation())) {
                    unlink(file);
                }
            }
        } catch (IndexException e) {
            FAILURES.warn("Up to files={} are left for the next start to remove: {}", files.size(), e.getMessage());
        }
    }

    /** Brings all to disk and stops. Nothing may be added any more. */
    @Override
    public void close() {
        synchronized (this) {
            closing = true;
            notifyAll();
        }
        Uninterruptibly.join(thread);
        publishers.values().forEach(FilePublisher::close);
    }
}
