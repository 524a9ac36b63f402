package org.objmapper.server.store;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * What the store does of its own accord, on one thread: it removes what is expired, looks which bodies are the oldest, and clears the
 * index's slots of dead readers.
 */
final class Housekeeping implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Housekeeping.class));
    private static final long PAUSE_MILLIS = 1_000;
    private static final int LONG_PAUSES = 60;

    private final Changes changes;
    private final Committer committer;
    private final Index index;
    private final OldestBodies oldest;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "store-housekeeping");

    Housekeeping(Changes changes, Committer committer, Index index, OldestBodies oldest) {
        this.changes = changes;
        this.committer = committer;
        this.index = index;
        this.oldest = oldest;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    private void run() {
        for (int pauses = 1; !paused(); pauses++) {
            attempt(this::removeAllDue, "remove expired objects");
            attempt(oldest::look, "look for the oldest bodies");
            if (pauses % LONG_PAUSES == 0) {
                oldest.keep();
                attempt(index::checkReaders, "clear the index's dead readers");
            }
        }
        oldest.keep();
    }

    private interface Chore {
        void run() throws IOException, InterruptedException;
    }

    private static void attempt(Chore chore, String what) {
        try {
            chore.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException | IndexException | IllegalStateException e) {
            FAILURES.error("The store can't " + what + ": {}", e.getMessage());
        }
    }

    /** Waits a while; true when the store closes. */
    private boolean paused() {
        try {
            return closing.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private boolean isClosing() {
        return closing.getCount() == 0;
    }

    private void removeAllDue() throws IOException, InterruptedException {
        int removed;
        do {
            removed = changes.removeDue();
            if (removed > 0) {
                committer.flush();
            }
        } while (removed > 0 && !isClosing());
    }

    @Override
    public void close() {
        closing.countDown();
        Uninterruptibly.join(thread);
    }
}
