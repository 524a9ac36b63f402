package org.objmapper.server.store;

import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.index.IndexRecord;

/**
 * A purge under way: it takes the objects that match and were there when it began, and knows which of them are not on disk as taken
 * yet. Safe on any thread.
 */
final class Purge {
    private final Predicate<IndexRecord> matches;
    private final boolean soft;
    private final long before;

    // Guarded by this.
    private long count;
    private int unsettled;
    private @Nullable Result failed;

    /** Takes what matches and has a generation below {@code before}; soft: makes it expire. */
    Purge(Predicate<IndexRecord> matches, boolean soft, long before) {
        this.matches = matches;
        this.soft = soft;
        this.before = before;
    }

    boolean isSoft() {
        return soft;
    }

    boolean takes(IndexRecord record) {
        return record.generation() < before && matches.test(record);
    }

    /** An object is taken, and {@link #settled} will be told when that is on disk. */
    synchronized void took() {
        count++;
        unsettled++;
    }

    /** Something else has to be on disk too; {@link #settled} will be told. */
    synchronized void awaits() {
        unsettled++;
    }

    synchronized void settled(Result result) {
        unsettled--;
        if (!result.isOk() && failed == null) {
            failed = result;
        }
        notifyAll();
    }

    /** Waits until all that was taken so far is on disk, or given up; the failure, if there was one. */
    synchronized @Nullable Result awaitSettled() throws InterruptedException {
        while (unsettled > 0) {
            wait();
        }
        return failed;
    }

    synchronized long count() {
        return count;
    }
}
