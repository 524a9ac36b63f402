package org.objmapper.server.store.check;

import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * Looks at the pages of a large index that there was no time for before it was opened, on a thread of its own, in slices and without rest:
 * a look-up that meets a broken page before this does ends the process.
 */
public final class PageCheck implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(PageCheck.class));
    /** A few milliseconds' work, and not much more where each page has to be read from disk: a read transaction lasts as long. */
    private static final int SLICE = 128;

    private final Index index;
    private final Runnable sound;
    private final Thread thread = new Thread(this::run, "store-pages");
    private volatile boolean closing;

    /**
     * Begins with {@link #start}.
     *
     * @param sound runs when all pages were looked at and none is broken
     */
    public PageCheck(Index index, Runnable sound) {
        this.index = index;
        this.sound = sound;
        thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    private void run() {
        try {
            while (!closing && index.checkMorePages(SLICE)) {
                // goes on
            }
            if (!closing) {
                sound.run();
            }
        } catch (IndexException e) {
            FAILURES.error(
                    "The store answers IO_ERROR to all that it would have to ask its index for, and takes no changes: {}; stop the server"
                            + " before you do that",
                    e.getMessage());
        }
    }

    /** Stops looking; the index may be closed after that. */
    @Override
    public void close() {
        closing = true;
        Uninterruptibly.join(thread);
    }
}
