package org.objmapper.server.store;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.ban.Extent;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.slf4j.LoggerFactory;

/**
 * Takes objects away by prefix or tag: those that were there when the purge began, and no others. It goes step by step, so that other
 * changes go on in between; each step is on disk before the next begins. What another change meets of those objects is taken first, so
 * that nobody can tell how far the purge is by changing them. Safe on any thread.
 */
final class Purger implements AutoCloseable {
    /** Objects that are looked at in one read transaction, and taken under one hold of the committer's lock. */
    static final int STEP = 256;

    private static final int THREADS = 2;
    private static final int QUEUE_LENGTH = 256;

    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Purger.class));

    private final Index index;
    private final Committer committer;
    private final Changes changes;
    private final DeviceQueue queue = new DeviceQueue("store-purge", THREADS, QUEUE_LENGTH);
    private volatile boolean closing;

    Purger(Index index, Committer committer, Changes changes) {
        this.index = index;
        this.committer = committer;
        this.changes = changes;
    }

    /** Goes through the index in slices: from behind {@code after} on; returns where the next one begins, null at the end. */
    private interface Slices {
        byte @Nullable [] next(byte @Nullable [] after, Predicate<IndexRecord> found);
    }

    /** Takes all objects away whose keys start so, durably; soft: makes them expire. False when too many purges wait already. */
    boolean purgePrefix(byte[] prefix, boolean soft, Result.Outcome outcome) {
        return submit(Extent.ofPrefix(prefix), soft, outcome, (after, found) -> index.scan(prefix, after, STEP, found));
    }

    /** Takes all objects with a tag away, durably; soft: makes them expire. False when too many purges wait already. */
    boolean purgeTag(byte[] tag, boolean soft, Result.Outcome outcome) {
        return submit(Extent.ofTag(tag), soft, outcome, (after, found) -> index.tagged(tag, after, STEP, found));
    }

    private boolean submit(Extent extent, boolean soft, Result.Outcome outcome, Slices slices) {
        return queue.submit(() -> purge(extent, soft, outcome, slices));
    }

    private void purge(Extent extent, boolean soft, Result.Outcome outcome, Slices slices) {
        Result result;
        try {
            List<ObjectKey> onTheirWay = new ArrayList<>();
            Purge purge = changes.begin(extent, soft, onTheirWay);
            try {
                result = run(purge, onTheirWay, slices);
            } finally {
                changes.end(purge);
            }
        } catch (IOException | IndexException e) {
            result = Result.failed(StoreException.of(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            result = Result.refused(Status.SHUTTING_DOWN, "the server stops; a part of the objects may be purged");
        } catch (RuntimeException | Error e) {
            FAILURES.error("a purge failed", e);
            result = Result.failed(StoreException.of(e));
        }
        outcome.done(result);
    }

    private Result run(Purge purge, List<ObjectKey> onTheirWay, Slices slices)
            throws IOException, InterruptedException {
        for (int from = 0; from < onTheirWay.size(); from += STEP) {
            step(purge, onTheirWay.subList(from, Math.min(from + STEP, onTheirWay.size())));
        }
        byte[] at = null;
        do {
            List<ObjectKey> found = new ArrayList<>();
            at = slices.next(at, record -> found.add(new ObjectKey(record.key())));
            step(purge, found);
        } while (at != null);
        // All before it must be on disk too: nothing that was found gone may come back.
        changes.settle(purge);
        Result failed = purge.awaitSettled();
        return failed == null ? Result.purged(purge.count()) : failed;
    }

    private void step(Purge purge, List<ObjectKey> keys) throws IOException, InterruptedException {
        if (closing) {
            throw new InterruptedException("the store closes");
        }
        Map<ObjectKey, Changes.ReadAhead> ahead = new LinkedHashMap<>();
        for (ObjectKey key : keys) {
            ahead.put(key, changes.readAhead(key));
        }
        synchronized (committer) {
            committer.awaitRoom();
            for (Map.Entry<ObjectKey, Changes.ReadAhead> each : ahead.entrySet()) {
                changes.current(each.getKey(), each.getValue());
            }
        }
        purge.awaitSettled();
    }

    /** How many purges wait. */
    int length() {
        return queue.length();
    }

    @Override
    public void close() {
        closing = true;
        queue.close();
    }
}
