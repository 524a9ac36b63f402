package org.objmapper.server.store;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.ban.Extent;
import org.objmapper.server.store.ban.RecordedPurge;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.slf4j.LoggerFactory;

/**
 * Removes in the background what bans hit: one pass over all objects for all the bans that there are when it begins, which are dropped at
 * its end. One that fails is made again after a pause, a longer one each time, or with the next ban. Safe on any thread.
 */
final class BanPass implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(BanPass.class));
    private static final long FIRST_PAUSE_MILLIS = 500;
    private static final long LONGEST_PAUSE_MILLIS = 60_000;

    private final Index index;
    private final Committer committer;
    private final Changes changes;
    private final Metrics metrics;
    /** One pass is under way, and another waits for the bans that came since. */
    private final DeviceQueue queue = new DeviceQueue("store-ban", 1, 1);

    private volatile boolean closing;
    private long pauseMillis = FIRST_PAUSE_MILLIS;

    // Guarded by this.
    private final List<Purge> waiting = new ArrayList<>();
    private boolean isNew;

    BanPass(Index index, Committer committer, Changes changes, Metrics metrics) {
        this.index = index;
        this.committer = committer;
        this.changes = changes;
        this.metrics = metrics;
    }

    /** Whether a purge is one that passes are made for. */
    static boolean isBan(RecordedPurge recorded) {
        return recorded.extent().kind() == Extent.Kind.BAN && !recorded.soft();
    }

    /** Begins a ban; what it hits is found no more when {@code outcome} is told that it is on disk, and removed later. */
    void begin(Extent extent, Result.Outcome outcome) {
        Purge ban;
        try {
            ban = changes.beginBan(extent, result -> outcome.done(result.isOk() ? Result.purged(0) : result));
        } catch (IOException | IndexException e) {
            outcome.done(Result.failed(StoreException.of(e)));
            return;
        }
        if (ban == null) {
            outcome.done(Result.refused(
                    Status.BUSY,
                    "bans=" + Changes.MAX_BANS
                            + " wait already until what they hit is removed, and there may be no more"));
        } else {
            pass(ban);
        }
    }

    /** Goes on with a ban of before the start. */
    void resume(RecordedPurge recorded) {
        pass(changes.resumeBan(recorded));
    }

    private void pass(Purge ban) {
        synchronized (this) {
            waiting.add(ban);
            isNew = true;
            notifyAll();
        }
        queue.submit(this::pass); // where there is no room one waits already that has not begun
    }

    private void pass() {
        List<Purge> bans;
        synchronized (this) {
            bans = new ArrayList<>(waiting);
            waiting.clear();
            isNew = false;
        }
        try {
            sweep(bans);
            for (Purge ban : bans) {
                changes.settle(ban);
                settled(ban);
                changes.endBan(ban);
                metrics.add(Metric.STORE_BANNED, ban.count());
            }
            pauseMillis = FIRST_PAUSE_MILLIS;
        } catch (IOException | RuntimeException | Error e) {
            FAILURES.error(
                    "A pass for bans={} ended early, and is made again in {} ms: {}",
                    bans.size(),
                    pauseMillis,
                    e.toString());
            tryAgain(bans);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the bans are recorded, and the next start goes on with them
        }
    }

    /** Makes a pass again after a pause, which a new ban ends. */
    private void tryAgain(List<Purge> bans) {
        bans.forEach(Purge::forgetFailure);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(pauseMillis);
        pauseMillis = Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
        synchronized (this) {
            waiting.addAll(bans);
            try {
                for (long left = end - System.nanoTime();
                        left > 0 && !isNew && !closing;
                        left = end - System.nanoTime()) {
                    TimeUnit.NANOSECONDS.timedWait(this, left);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return; // the store closes
            }
        }
        queue.submit(this::pass);
    }

    private void sweep(List<Purge> bans) throws IOException, InterruptedException {
        committer.flushAll(); // the index has all that is older than the bans
        byte[] at = null;
        while (!bans.isEmpty()) {
            List<IndexRecord> slice = index.after(at, Purger.STEP);
            List<ObjectKey> hit = new ArrayList<>();
            for (IndexRecord record : slice) {
                if (closing) {
                    throw new InterruptedException("the store closes");
                }
                ObjectKey key = record.objectKey();
                at = key.row();
                if (bans.stream().anyMatch(ban -> ban.takes(record))) {
                    hit.add(key);
                }
            }
            if (!hit.isEmpty()) {
                changes.take(hit, null, true);
                for (Purge ban : bans) {
                    settled(ban);
                }
            }
            if (slice.size() < Purger.STEP) {
                return;
            }
        }
    }

    private static void settled(Purge ban) throws StoreException, InterruptedException {
        Result failed = ban.awaitSettled();
        if (failed != null) {
            failed.orThrow();
        }
    }

    @Override
    public void close() {
        closing = true;
        synchronized (this) {
            notifyAll();
        }
        queue.close();
    }
}
