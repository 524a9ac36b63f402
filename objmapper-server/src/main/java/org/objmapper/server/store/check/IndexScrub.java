package org.objmapper.server.store.check;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.RowsLook;
import org.objmapper.server.thread.Pace;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * Goes through the index again and again, at a bounded rate, on a thread of its own: looks whether each object's record is sound, its body
 * there where that stands in the index, and all rows that should lead to it. What it finds is counted and logged; fsck mends it.
 */
public final class IndexScrub implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(IndexScrub.class));
    /** Objects that are looked at in one read transaction. */
    private static final int AT_ONCE = 64;
    /** What looking at an object costs, as so many bytes of bodies. */
    private static final int OBJECT_BYTES = 4_096;

    private static final long UNCHECKED_PAUSE_MILLIS = 1_000;

    private final Index index;
    private final CheckOptions options;
    private final Metrics metrics;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "store-index-scrub");

    /** A scrub of an index; at a rate of 0 there is none. */
    public IndexScrub(Index index, CheckOptions options, Metrics metrics) {
        this.index = index;
        this.options = options;
        this.metrics = metrics;
        thread.setDaemon(true);
    }

    public void start() {
        if (options.scrubBytesPerSecond() > 0) {
            thread.start();
        }
    }

    private void run() {
        try {
            long pauseMillis;
            do {
                pauseMillis = attemptPass() ? options.pauseMillis() : UNCHECKED_PAUSE_MILLIS;
            } while (!closing.await(pauseMillis, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does it
        }
    }

    /** Goes through all; false where the index's pages were not looked at yet, or one is broken: whoever meets that first ends the process. */
    private boolean attemptPass() throws InterruptedException {
        try {
            if (!index.isChecked()) {
                return false;
            }
            pass();
            return true;
        } catch (IndexException | IllegalStateException e) {
            if (closing.getCount() > 0) {
                FAILURES.error("Looking through the index was cut off, and begins anew soon: {}", e.getMessage());
            }
            return true;
        }
    }

    private void pass() throws InterruptedException {
        Pace pace = new Pace(options.scrubBytesPerSecond(), closing);
        byte @Nullable [] at = null;
        do {
            RowsLook looked = index.lookAtRows(at, AT_ONCE);
            looked.wrong().forEach(this::tell);
            at = looked.last();
            if (!pace.spend((long) OBJECT_BYTES * looked.objects())) {
                return;
            }
        } while (at != null);
        metrics.count(Metric.STORE_INDEX_PASSES);
    }

    private void tell(RowsLook.Wrong wrong) {
        metrics.count(
                wrong.damage() == RowsLook.Damage.WAYS
                        ? Metric.STORE_INDEX_ROWS_MISSING
                        : Metric.STORE_RECORDS_DAMAGED);
        String what =
                switch (wrong.damage()) {
                    case RECORD -> "is lost: its record in the index is damaged";
                    case BODY -> "is lost: its body in the index is gone or another";
                    case WAYS -> "lacks rows of the index, by prefix, tag, expiry or file";
                };
        FAILURES.error("The object {} {}; stop the server and run objmapperd fsck --repair", wrong.object(), what);
    }

    /** Stops; the index may be closed after that. */
    @Override
    public void close() {
        closing.countDown();
        Uninterruptibly.join(thread);
    }
}
