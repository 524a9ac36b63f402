package org.objmapper.server.store.table;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * Fills the table from the index after the start, on a thread of its own, in slices: each is read without a lock in one short read
 * transaction, and taken into the table under the committer's. Rests as long as it works, so that it takes half of a processor at most.
 */
public final class Filler implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Filler.class));
    /** Some 60 KiB of the index: a few milliseconds even where each page has to be read from disk. */
    private static final int SLICE = 256;

    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final ObjectTable table;
    private final Index index;
    private final Object lock;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "store-table");

    /**
     * Says of the table that it is to be filled, unless the index is empty. Nothing may have been changed yet.
     *
     * @param lock under which the table is changed
     */
    public Filler(ObjectTable table, Index index, Object lock) {
        this.table = table;
        this.index = index;
        this.lock = lock;
        thread.setDaemon(true);
        if (index.totals().objects() > 0) {
            synchronized (lock) {
                table.beginFilling();
            }
        }
    }

    public void start() {
        if (!table.isWhole()) {
            thread.start();
        }
    }

    private void run() {
        byte[] at = null;
        long pauseNanos = 0;
        while (!paused(pauseNanos)) {
            long began = System.nanoTime();
            try {
                at = fillSlice(at);
                if (at == null) {
                    return;
                }
                pauseNanos = System.nanoTime() - began;
            } catch (IndexException e) {
                FAILURES.error("The table of objects can't be filled yet: {}", e.getMessage());
                pauseNanos = RETRY_NANOS;
            }
        }
    }

    /** Fills in the objects behind one; returns the last of them, null when there are no more. */
    private byte @Nullable [] fillSlice(byte @Nullable [] after) {
        List<IndexRecord> slice = index.after(after, SLICE);
        ObjectKey[] keys = slice.stream().map(IndexRecord::objectKey).toArray(ObjectKey[]::new);
        synchronized (lock) {
            // From the last to the first: the one without a variant must not be taken for the only one under its key.
            for (int i = keys.length - 1; i >= 0; i--) {
                table.fill(keys[i].code(), slice.get(i));
            }
            if (keys.length < SLICE) {
                table.endFilling();
                return null;
            }
            table.endSlice();
        }
        return keys[keys.length - 1].row();
    }

    /** Waits; true when the store closes. */
    private boolean paused(long nanos) {
        try {
            return closing.await(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /** Stops filling; the index may be closed after that. */
    @Override
    public void close() {
        closing.countDown();
        Uninterruptibly.join(thread);
    }
}
