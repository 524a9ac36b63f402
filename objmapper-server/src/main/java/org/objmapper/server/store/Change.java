package org.objmapper.server.store;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.device.NewFile;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.IndexRow;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.Totals;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A change that readers see already and the index doesn't have yet. Changes reach the index in the order in which they were made. Safe
 * on any thread but for {@link #tell} and {@link #tellWith}, which belong to the committing one.
 */
final class Change {
    private static final Logger LOG = LoggerFactory.getLogger(Change.class);

    private final @Nullable ObjectKey key;
    private final @Nullable IndexRecord record;
    private final @Nullable NewFile file;
    private final List<IndexRow> rows;
    private Totals difference;
    private final boolean isUse;
    private final Result result;
    private Result.@Nullable Outcome outcome;
    private boolean isAfterAll;
    private boolean isWithNext;
    private int triesWithoutRoom;
    private long sequence;

    /**
     * A change that nobody was told of yet.
     *
     * @param key null for one that changes no object, but waits until all before it are on disk
     * @param before what stood under the key until now; null for nothing
     * @param record what stands there now; null for nothing
     * @param file the body's file, where it came with this change or with one before it that may be on its way too
     * @param outcome whom to tell when it is on disk; null where nobody waits
     * @param result what to tell
     */
    Change(
            @Nullable ObjectKey key,
            @Nullable IndexRecord before,
            @Nullable IndexRecord record,
            @Nullable NewFile file,
            Result.@Nullable Outcome outcome,
            Result result) {
        this(key, before, record, file, List.of(), outcome, result);
    }

    private Change(
            @Nullable ObjectKey key,
            @Nullable IndexRecord before,
            @Nullable IndexRecord record,
            @Nullable NewFile file,
            List<IndexRow> rows,
            Result.@Nullable Outcome outcome,
            Result result) {
        this.key = key;
        this.record = record;
        this.file = file;
        this.rows = rows;
        this.difference = Totals.of(record).minus(Totals.of(before));
        this.isUse = before == null || record == null || before.generation() != record.generation();
        this.outcome = outcome;
        this.result = result;
    }

    /**
     * Changes nothing; tells {@code outcome} when all changes before it are on disk, or given up. Those that wait for room don't count
     * while there is none.
     */
    static Change barrier(Result.Outcome outcome, Result result) {
        return new Change(null, null, null, null, outcome, result);
    }

    /** As {@link #barrier}; where changes before it wait for room, {@code outcome} is told that there is none. */
    static Change barrierAfterAll(Result.Outcome outcome, Result result) {
        Change barrier = barrier(outcome, result);
        barrier.isAfterAll = true;
        return barrier;
    }

    /** Changes no object, but rows of the index besides them. */
    static Change ofRows(List<IndexRow> rows, Result.@Nullable Outcome outcome) {
        return new Change(null, null, null, null, rows, outcome, Result.ok(0, 0));
    }

    @Nullable
    ObjectKey key() {
        return key;
    }

    @Nullable
    IndexRecord record() {
        return record;
    }

    @Nullable
    NewFile file() {
        return file;
    }

    List<IndexRow> rows() {
        return rows;
    }

    boolean isAfterAll() {
        return isAfterAll;
    }

    /** The index is to have this one and the next with one commit. Before it is added. */
    Change withNext() {
        isWithNext = true;
        return this;
    }

    boolean isWithNext() {
        return isWithNext;
    }

    /** Whether its rows are such as the index takes only where it has room to spare. */
    boolean addsRows() {
        return rows.stream().anyMatch(row -> row.table() == IndexRow.Table.ORDERS && row.value() != null);
    }

    /** There was no room for it; returns how often that was so. Under the committer's lock. */
    int findsNoRoom() {
        return ++triesWithoutRoom;
    }

    /** By how much the store holds more with it. Under the committer's lock. */
    Totals difference() {
        return difference;
    }

    /** Whether a client changes the object with it; else the store does, for its own sake. */
    boolean isUse() {
        return isUse;
    }

    /** As {@link #difference}, the first time; then nothing. */
    Totals takeDifference() {
        Totals taken = difference;
        difference = Totals.NONE;
        return taken;
    }

    Result result() {
        return result;
    }

    /** Gives it its place in the order of all changes. */
    void follow(long newSequence) {
        sequence = newSequence;
    }

    /** Its place in the order of all changes. */
    long sequence() {
        return sequence;
    }

    boolean somebodyWaits() {
        return outcome != null;
    }

    /** Tells whoever waits, once; a defect there is none of the store's. */
    void tell(Result told) {
        Result.Outcome waiting = takeOutcome();
        if (waiting != null) {
            try {
                waiting.done(told);
            } catch (RuntimeException e) {
                logDefect(told, e);
            }
        }
    }

    /** As {@link #tell}; whom it told is added to {@code others}, and is to hear when all are told. */
    void tellWith(List<Result.Outcome> others, Result told) {
        if (outcome != null) {
            others.add(outcome); // first: there may be no memory for it
        }
        Result.Outcome waiting = takeOutcome();
        if (waiting != null) {
            try {
                waiting.doneWithOthers(told);
            } catch (RuntimeException e) {
                logDefect(told, e);
            }
        }
    }

    private Result.@Nullable Outcome takeOutcome() {
        Result.Outcome waiting = outcome;
        outcome = null;
        return waiting;
    }

    private static void logDefect(Result told, RuntimeException cause) {
        LOG.error("A defect in taking the result of generation={}", told.generation(), cause);
    }
}
