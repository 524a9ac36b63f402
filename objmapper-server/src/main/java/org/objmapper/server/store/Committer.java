package org.objmapper.server.store;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.device.NewFile;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexChange;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRow;
import org.objmapper.server.store.index.ObjectKey;
import org.slf4j.LoggerFactory;

/**
 * Brings changes to disk, many at once, in this order: the bodies, their names, the index; then it tells those who wait and removes the
 * files that were replaced. Until then the changes stand in a table that every reader asks before the index. Changes are added
 * under the lock that is this object's monitor; commits happen without it, on one thread.
 */
final class Committer implements AutoCloseable {
    /** Changes that may wait; whoever adds more waits too. */
    private static final int MAX_PENDING = 4_096;

    /** Each has a file open at most: so small a part of all descriptors waits here, and as much again is being committed. */
    private static final int PART_OF_DESCRIPTORS = 8;

    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Committer.class));
    private static final int MAX_BATCH = 256;
    /** More gain little: with four, 128 small bodies take an eighth of the time that one thread takes (ext4). */
    private static final int SYNC_THREADS = 4;
    /** How long a change that nobody waits for may lie. */
    private static final long LINGER_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    /** How long to wait before the index is opened once more. */
    private static final long REOPEN_PAUSE_MILLIS = 500;

    /** What a commit of many changes with bodies in the index may take. */
    private static final long ROOM_BYTES = 4L << 20;

    private static final long GENERATION_BLOCK = 1L << 20;

    private final Index index;
    private final Device device;
    private final HotTable hot;
    private final Closer closer;
    private final Ledger ledger;
    private final Metrics metrics;
    private final ConcurrentHashMap<ObjectKey, Change> visible = new ConcurrentHashMap<>();
    private final DeviceQueue syncs = new DeviceQueue("store-sync", SYNC_THREADS, MAX_BATCH);
    private final Thread thread;
    private final int maxPending;
    private final int maxBatch;

    // Guarded by this.
    private final Deque<Change> queue = new ArrayDeque<>();
    private long oldestNanos;
    private boolean somebodyWaits;
    private boolean closing;
    private long nextGeneration;
    private long generationBound;
    private @Nullable StoreException refusal;
    /** The refusal is for want of room, which removals may make: those are still tried. */
    private boolean outOfRoom;

    private long lastProbeNanos;

    Committer(
            Index index,
            Device device,
            HotTable hot,
            Closer closer,
            Ledger ledger,
            Metrics metrics,
            long descriptorLimit) {
        this.index = index;
        this.device = device;
        this.hot = hot;
        this.closer = closer;
        this.ledger = ledger;
        this.metrics = metrics;
        maxPending = (int) Math.min(MAX_PENDING, Math.max(1, descriptorLimit / PART_OF_DESCRIPTORS));
        maxBatch = Math.min(MAX_BATCH, maxPending);
        this.nextGeneration = index.generationBound();
        this.generationBound = nextGeneration + GENERATION_BLOCK;
        reserveFirstGenerations();
        this.thread = new Thread(this::run, "store-committer");
        thread.setDaemon(true);
        thread.start();
    }

    /** A store that has no room for that yet serves what it has, and takes no changes until it could. */
    private void reserveFirstGenerations() {
        try {
            index.commit(List.of(), List.of(), generationBound, new ArrayList<>());
        } catch (IndexException e) {
            if (e.status() != Status.NO_SPACE) {
                throw e;
            }
            refuseForWantOfRoom(StoreException.of(e));
        }
    }

    private void refuseForWantOfRoom(StoreException failure) {
        refusal = new StoreException(
                failure.status(), failure.getMessage() + "; the store takes no changes until its file system has room");
        FAILURES.error("The store takes no changes until its file system has room: {}", failure.getMessage());
    }

    /** The change of a key that is not in the index yet; null if there is none. Any thread. */
    @Nullable
    Change pending(ObjectKey key) {
        return visible.get(key);
    }

    /** All changes that are not in the index yet. Under the lock. */
    Iterable<Change> allPending() {
        return visible.values();
    }

    int pendingCount() {
        return visible.size();
    }

    /** Waits, under the lock, until there is room for a change; throws when none can be taken. */
    void awaitRoom() throws StoreException {
        awaitRoomToRemove();
        if (refusal != null) {
            throw refusal;
        }
    }

    /** As {@link #awaitRoom}, for what takes objects away: a full disk does not refuse it. */
    void awaitRoomToRemove() throws StoreException {
        boolean interrupted = false;
        while (queue.size() >= maxPending && (refusal == null || outOfRoom)) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (refusal != null && !outOfRoom) {
            throw refusal;
        }
    }

    /** Whether the disk is full, so that nothing may be acknowledged before it is committed. Under the lock. */
    boolean isOutOfRoom() {
        return outOfRoom;
    }

    /** All generations that were taken are below it. Under the lock. */
    long nextGeneration() {
        return nextGeneration;
    }

    /** A generation that nobody had before. Under the lock. */
    long takeGeneration() {
        if (nextGeneration >= generationBound) {
            throw new IllegalStateException("the reserved generations are used up");
        }
        return nextGeneration++;
    }

    /** Makes a change visible, and has it brought to disk. Under the lock. */
    void add(Change change) {
        if (queue.isEmpty()) {
            oldestNanos = System.nanoTime();
        }
        queue.add(change);
        ObjectKey key = change.key();
        if (key != null) {
            visible.put(key, change);
            hot.remove(key.hash(), key.bytes());
        }
        somebodyWaits |= change.somebodyWaits();
        notifyAll();
    }

    /** Tells when all changes so far are on disk, or given up. */
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

    /** Waits until all changes so far are on disk, or given up. */
    void flush() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        afterAll(result -> done.countDown());
        done.await();
    }

    /**
     * Brings rows of the index to disk with the next commit, and waits for that; throws when it can't. On any thread that may block but
     * the committing one.
     */
    void write(List<IndexRow> rows) throws StoreException {
        CompletableFuture<Result> written = new CompletableFuture<>();
        synchronized (this) {
            awaitRoom();
            add(Change.ofRows(rows, written::complete));
        }
        Result result = written.join();
        if (!result.isOk()) {
            throw new StoreException(result.status(), result.message());
        }
    }

    private void run() {
        try {
            awaitFirstGenerations();
        } catch (StoreException e) {
            return; // the store closes, and has taken no change
        }
        while (true) {
            List<Change> batch = take();
            if (batch.isEmpty() && isClosing()) {
                return;
            }
            try {
                if (!batch.isEmpty()) {
                    commit(batch);
                }
                probeRoom();
            } catch (RuntimeException | Error e) {
                FAILURES.error("A commit ended in a defect", e);
                fail(batch, new StoreException(Status.INTERNAL, "a commit ended in a defect: " + e));
            }
        }
    }

    /** Tries again and again to reserve what there was no room for at the start. */
    private void awaitFirstGenerations() throws StoreException {
        while (isRefusing()) {
            awaitNextTry();
            try {
                tryIndex(generationBound);
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

    /** Takes changes again when the disk was full, and an index commit and the file system say that it has room. */
    private void probeRoom() {
        synchronized (this) {
            if (!isProbeDue()) {
                return;
            }
            lastProbeNanos = System.nanoTime();
        }
        try {
            tryIndex(boundForCommit());
            if (device.freeBytes() >= ROOM_BYTES) {
                acceptChanges();
            }
        } catch (IndexException e) {
            FAILURES.error("The store still takes no changes: {}", e.getMessage());
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
        return outOfRoom && System.nanoTime() - lastProbeNanos >= TimeUnit.MILLISECONDS.toNanos(REOPEN_PAUSE_MILLIS);
    }

    /** The next changes to bring to disk; none when the store closes, and when it is time to look for room. */
    private synchronized List<Change> take() {
        boolean interrupted = false;
        while (!due()) {
            try {
                if (queue.isEmpty() && !outOfRoom) {
                    wait();
                } else if (queue.isEmpty()) {
                    TimeUnit.MILLISECONDS.timedWait(this, REOPEN_PAUSE_MILLIS);
                } else {
                    long left = LINGER_NANOS - (System.nanoTime() - oldestNanos);
                    TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        List<Change> batch = new ArrayList<>();
        while (batch.size() < maxBatch && !queue.isEmpty()) {
            batch.add(queue.remove());
        }
        if (queue.isEmpty()) {
            somebodyWaits = false;
        }
        return batch;
    }

    private boolean due() {
        return closing
                || isProbeDue()
                || (!queue.isEmpty()
                        && (somebodyWaits
                                || queue.size() >= maxBatch
                                || System.nanoTime() - oldestNanos >= LINGER_NANOS));
    }

    private void commit(List<Change> batch) {
        Map<Change, StoreException> failed = new LinkedHashMap<>();
        List<Index.Replaced> replaced = new ArrayList<>();
        try {
            List<IndexChange> last = publishFiles(batch, failed);
            device.syncDirectories();
            commitIndex(batch, last, replaced);
        } catch (IOException e) {
            device.forgetDirectories();
            fail(batch, StoreException.of(e));
            removeUnused(replaced);
            return;
        }
        settle(batch, failed);
        if (!failed.isEmpty()) {
            reportLoss(failed.keySet(), failed.values().iterator().next());
        }
        for (Index.Replaced file : replaced) {
            closer.unlink(() -> ledger.unlink(device, file.digest(), file.generation()));
        }
        for (Change change : batch) {
            StoreException failure = failed.get(change);
            change.tell(failure == null ? change.result() : Result.failed(failure));
        }
        synchronized (this) {
            notifyAll();
        }
    }

    /** Brings changes into the index; where it fails, opens it anew and tries once more. */
    private void commitIndex(List<Change> batch, List<IndexChange> last, List<Index.Replaced> replaced)
            throws StoreException {
        try {
            index.commit(last, rows(batch), boundForCommit(), replaced);
            return;
        } catch (IndexException e) {
            if (e.status() == Status.NO_SPACE && index.isUsable()) {
                throw StoreException.of(e);
            }
            metrics.count(Metric.STORE_COMMIT_FAILURES);
            FAILURES.error(
                    "A commit of changes={} failed, so the index is opened anew: {}", last.size(), e.getMessage());
        }
        reopenIndex(batch);
        try {
            index.commit(last, rows(batch), boundForCommit(), replaced);
        } catch (IndexException e) {
            reopenIndex(batch);
            throw StoreException.of(e);
        }
    }

    private static List<IndexRow> rows(List<Change> batch) {
        List<IndexRow> rows = new ArrayList<>();
        batch.forEach(change -> rows.addAll(change.rows()));
        return rows;
    }

    /** Opens the index anew, again and again until it takes changes; only when the store closes it gives up. */
    private void reopenIndex(List<Change> batch) throws StoreException {
        while (true) {
            try {
                index.reopen(boundForCommit());
                acceptChanges();
                return;
            } catch (IndexException e) {
                refuseChanges(batch, StoreException.of(e));
            }
            awaitNextTry();
        }
    }

    /** Takes no changes until {@link #acceptChanges}. Those that came before are kept, but nobody is left waiting for them. */
    private void refuseChanges(List<Change> batch, StoreException failure) {
        List<Change> kept = new ArrayList<>(batch);
        StoreException first;
        synchronized (this) {
            if (refusal != null && !outOfRoom) {
                return;
            }
            outOfRoom = false;
            first = new StoreException(
                    failure.status(),
                    failure.getMessage() + "; the store takes no changes until the index can be opened again");
            refusal = first;
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
            notifyAll();
        }
    }

    private synchronized void awaitNextTry() throws StoreException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(REOPEN_PAUSE_MILLIS);
        boolean interrupted = false;
        for (long left = end - System.nanoTime(); left > 0 && !closing; left = end - System.nanoTime()) {
            try {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (closing && refusal != null) {
            throw refusal;
        }
    }

    /** Brings bodies to disk and names them; returns what the index is to be told: of each key the last change whose file is good. */
    private List<IndexChange> publishFiles(List<Change> batch, Map<Change, StoreException> failed) {
        Map<ObjectKey, Deque<Change>> byKey =
                new TreeMap<>(Comparator.comparing(ObjectKey::digest, Arrays::compareUnsigned));
        for (Change change : batch) {
            ObjectKey key = change.key();
            if (key != null) {
                byKey.computeIfAbsent(key, k -> new ArrayDeque<>()).push(change);
            }
        }
        syncFiles(byKey.values());
        List<IndexChange> last = new ArrayList<>();
        for (Map.Entry<ObjectKey, Deque<Change>> ofKey : byKey.entrySet()) {
            for (Change change : ofKey.getValue()) {
                StoreException failure = publish(change);
                if (failure == null) {
                    last.add(new IndexChange(ofKey.getKey(), change.record()));
                    break;
                }
                failed.put(change, failure);
            }
        }
        return last;
    }

    /** Brings the bodies of each key's last change to disk, at the same time, so that the file system's journal merges what it writes. */
    private void syncFiles(Collection<Deque<Change>> byKey) {
        List<NewFile> files = new ArrayList<>();
        for (Deque<Change> newestFirst : byKey) {
            NewFile file = newestFirst.element().file();
            if (file != null && !file.isSynced()) {
                files.add(file);
            }
        }
        Semaphore synced = new Semaphore(0);
        for (NewFile file : files) {
            Runnable sync = () -> {
                try {
                    file.sync();
                } finally {
                    synced.release();
                }
            };
            if (files.size() == 1 || !syncs.submit(sync)) {
                sync.run();
            }
        }
        synced.acquireUninterruptibly(files.size());
    }

    private static @Nullable StoreException publish(Change change) {
        NewFile file = change.file();
        if (file == null) {
            return null;
        }
        try {
            file.sync();
            file.publish();
            return null;
        } catch (DeviceException e) {
            return StoreException.of(e);
        }
    }

    private synchronized long boundForCommit() {
        if (generationBound - nextGeneration < GENERATION_BLOCK / 2) {
            // Used only from the commit on that makes it durable: half a block is left, more than can wait in the
            // queue.
            generationBound += GENERATION_BLOCK;
        }
        return generationBound;
    }

    /** The index has the changes: readers ask it from here on. Under the lock, so that no change is built on what is just taken back. */
    private synchronized void settle(List<Change> batch, Map<Change, StoreException> failed) {
        failed.values().forEach(this::refuseIfOutOfRoom);
        for (Change change : batch) {
            ObjectKey key = change.key();
            NewFile file = change.file();
            if (key != null) {
                if (failed.containsKey(change)) {
                    hide(key, change);
                } else {
                    visible.remove(key, change);
                }
            }
            if (file != null) {
                file.leave();
            }
        }
    }

    private void hide(ObjectKey key, Change change) {
        visible.remove(key, change);
        hot.remove(key.hash(), key.bytes());
    }

    /** Takes back what could not be brought to disk, and all that was built on it: what stands in the index counts again. */
    private void fail(List<Change> batch, StoreException failure) {
        List<Change> lost = new ArrayList<>(batch);
        synchronized (this) {
            refuseIfOutOfRoom(failure);
            lost.addAll(queue);
            queue.clear();
            somebodyWaits = false;
            for (Change change : lost) {
                ObjectKey key = change.key();
                if (key != null) {
                    hide(key, change);
                }
            }
            notifyAll();
        }
        reportLoss(lost, failure);
        for (Change change : lost) {
            NewFile file = change.file();
            if (file != null) {
                discard(file);
            }
            change.tell(Result.failed(failure));
        }
    }

    /** What could not be committed for want of room would be lost again and again: takes no more of it. Under the lock. */
    private void refuseIfOutOfRoom(StoreException failure) {
        if (failure.status() != Status.NO_SPACE || refusal != null) {
            return;
        }
        refuseForWantOfRoom(failure);
        outOfRoom = true;
        lastProbeNanos = System.nanoTime();
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
            file.discard((digest, generation) -> index.leadsTo(Store.DEVICE, digest, generation));
        } catch (IndexException e) {
            file.leave(); // the index can't be asked; recovery does it at the next start
        }
    }

    /** After a failed commit: the index may hold it all the same. */
    private void removeUnused(List<Index.Replaced> files) {
        try {
            for (Index.Replaced file : files) {
                if (!index.leadsTo(Store.DEVICE, file.digest(), file.generation())) {
                    device.unlink(file.digest(), file.generation());
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
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        syncs.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
