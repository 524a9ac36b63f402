package org.objmapper.server.store;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.ban.BanSyntaxException;
import org.objmapper.server.store.ban.Extent;
import org.objmapper.server.store.ban.RecordedPurge;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.IndexRow;
import org.objmapper.server.store.index.ObjectKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes objects away by prefix or tag: those that were there when the purge began, and no others. It goes step by step, so that other
 * changes go on in between; each step is on disk before the next begins. What another change meets of those objects is taken first, so
 * that nobody can tell how far the purge is by changing them. The index has a record of it from its first change on disk to its last, so
 * that one which a stop of the server cut off goes on at the next start. Safe on any thread.
 */
final class Purger implements AutoCloseable {
    /** Objects that are looked at in one read transaction, and taken under one hold of the committer's lock; with the record of the step a whole commit. */
    static final int STEP = Committer.MAX_BATCH - 1;

    private static final int THREADS = 2;
    private static final int QUEUE_LENGTH = 256;

    private static final Logger LOG = LoggerFactory.getLogger(Purger.class);
    private static final FailureLog FAILURES = new FailureLog(LOG);

    private final Index index;
    private final Changes changes;
    private final BanPass bans;
    private final DeviceQueue queue = new DeviceQueue("store-purge", THREADS, QUEUE_LENGTH);
    private volatile boolean closing;

    Purger(Index index, Changes changes, BanPass bans) {
        this.index = index;
        this.changes = changes;
        this.bans = bans;
    }

    /** Takes all covered objects away, durably; soft: makes them expire. False when too many purges wait already. */
    boolean purge(Extent extent, boolean soft, Result.Outcome outcome) {
        return queue.submit(() -> outcome.done(result(() -> begin(extent, soft))));
    }

    /**
     * Takes all objects away that a ban hits. A soft one makes them expire, and is done when all are found; else it is done when it is on
     * disk: from then on they are found no more, and a pass in the background removes them. False when too many purges wait already.
     */
    boolean ban(byte[] expression, boolean soft, Result.Outcome outcome) {
        return queue.submit(() -> {
            try {
                Extent extent = Extent.ofBan(expression);
                if (soft) {
                    outcome.done(result(() -> begin(extent, true)));
                } else {
                    bans.begin(extent, outcome);
                }
            } catch (BanSyntaxException e) {
                outcome.done(Result.refused(Status.BAD_REQUEST, "the ban is wrong at " + e.getMessage()));
            }
        });
    }

    /** Goes on with the purges that the last stop of the server cut off; to be called before objects change. */
    void resume() {
        List<Purge> cutOff = new ArrayList<>();
        for (IndexRow row : index.rows(IndexRow.Table.PURGES)) {
            RecordedPurge recorded = RecordedPurge.of(row);
            if (recorded != null && BanPass.isBan(recorded)) {
                bans.resume(recorded);
            } else if (recorded == null) {
                LOG.error(
                        "The record of purge={} is damaged, so nobody goes on with it",
                        HexFormat.of().formatHex(row.key()));
            } else {
                cutOff.add(changes.resume(recorded));
            }
        }
        if (!cutOff.isEmpty()) {
            LOG.info("purges={} were cut off, and go on", cutOff.size());
            queue.submit(() -> cutOff.forEach(purge -> result(() -> run(purge, List.of()))));
        }
    }

    /** Work that may fail. */
    private interface Work {
        Result run() throws IOException, InterruptedException;
    }

    private static Result result(Work work) {
        try {
            return work.run();
        } catch (IOException | IndexException e) {
            return Result.failed(StoreException.of(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Result.refused(
                    Status.SHUTTING_DOWN, "the server stops; a part is purged, and the rest will be at its next start");
        } catch (RuntimeException | Error e) {
            FAILURES.error("a purge failed", e);
            return Result.failed(StoreException.of(e));
        }
    }

    private Result begin(Extent extent, boolean soft) throws IOException, InterruptedException {
        List<ObjectKey> onTheirWay = new ArrayList<>();
        return run(changes.begin(extent, soft, onTheirWay), onTheirWay);
    }

    private Result run(Purge purge, List<ObjectKey> onTheirWay) throws IOException, InterruptedException {
        try {
            for (int from = 0; from < onTheirWay.size(); from += STEP) {
                step(purge, onTheirWay.subList(from, Math.min(from + STEP, onTheirWay.size())), null);
            }
            byte[] at = purge.recorded().cursor();
            do {
                List<ObjectKey> found = new ArrayList<>();
                byte[] reached = at;
                at = next(purge.recorded().extent(), reached, records -> {
                    records.forEach(record -> found.add(record.objectKey()));
                    return true;
                });
                step(purge, found, reached);
            } while (at != null);
            // All before it must be on disk too: nothing that was found gone may come back.
            changes.settle(purge);
            Result failed = purge.awaitSettled();
            return failed == null ? Result.purged(purge.count()) : failed;
        } finally {
            changes.end(purge);
        }
    }

    /** Goes through what the index has of an extent: from behind {@code after} on; returns where the next slice begins, null at the end. */
    private byte @Nullable [] next(Extent extent, byte @Nullable [] after, Predicate<List<IndexRecord>> found) {
        return switch (extent.kind()) {
            case PREFIX -> index.scan(extent.pattern(), after, STEP, found);
            case BAN -> index.scan(new byte[0], after, STEP, found);
            case TAG -> index.tagged(extent.pattern(), after, STEP, found);
        };
    }

    private void step(Purge purge, List<ObjectKey> keys, byte @Nullable [] reached)
            throws IOException, InterruptedException {
        if (closing) {
            throw new InterruptedException("the store closes");
        }
        // What was taken before is on disk already: the record may come to disk before what is taken now.
        changes.take(
                keys, reached == null ? null : purge.recorded().upTo(reached).row(), !purge.isSoft());
        Result failed = purge.awaitSettled();
        if (failed != null) {
            failed.orThrow();
        }
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
