package org.objmapper.server.store;

import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.ban.RecordedPurge;
import org.objmapper.server.store.index.IndexRecord;

/**
 * A purge under way: it takes the objects that it covers and were there when it began, and knows which of them are not on disk as taken
 * yet. Safe on any thread.
 */
final class Purge {
    private final RecordedPurge recorded;

    // Guarded by this.
    private long count;
    private int unsettled;
    private @Nullable Result failed;

    Purge(RecordedPurge recorded) {
        this.recorded = recorded;
    }

    /** As the index has it at its beginning. */
    RecordedPurge recorded() {
        return recorded;
    }

    boolean isSoft() {
        return recorded.soft();
    }

    boolean takes(IndexRecord record) {
        return recorded.takes(record.generation(), record.key(), record.metadata());
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

    /** What failed is tried again. */
    synchronized void forgetFailure() {
        failed = null;
    }

    synchronized long count() {
        return count;
    }
}
