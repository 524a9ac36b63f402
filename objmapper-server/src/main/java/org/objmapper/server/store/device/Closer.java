package org.objmapper.server.store.device;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.thread.Patience;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes and unlinks files on a thread of its own: whoever lets go of a large file last waits until the file system has freed its blocks.
 * Safe on any thread.
 */
public final class Closer implements AutoCloseable {
    /** Files that may wait to be unlinked; whoever wants to unlink more does it himself. */
    public static final int MAX_UNLINKS = 1_024;

    private static final Logger LOG = LoggerFactory.getLogger(Closer.class);

    /** As long as descriptors are open that wait to be closed, and so bounded by the process's limit of those; and some unlinks. */
    private final LinkedBlockingQueue<Runnable> waiting = new LinkedBlockingQueue<>();

    private final AtomicInteger descriptors = new AtomicInteger();

    private final ThreadPoolExecutor thread =
            new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, waiting, Closer::newThread);

    private static Thread newThread(Runnable work) {
        Thread thread = new Thread(work, "store-closer");
        thread.setDaemon(true); // a hung disk must not keep the process from ending
        return thread;
    }

    /** Closes a descriptor; returns at once. */
    public void close(int descriptor) {
        descriptors.incrementAndGet();
        try {
            later(() -> closeHere(descriptor));
        } catch (RejectedExecutionException e) {
            closeHere(descriptor); // the store is closed, and no loop runs any more
        }
    }

    private void closeHere(int descriptor) {
        NativeIo.close(descriptor);
        descriptors.decrementAndGet();
    }

    /** Has a file unlinked; here and now only where too many wait already. */
    public void unlink(Runnable unlink) {
        if (waiting.size() >= MAX_UNLINKS) {
            unlink.run();
        } else {
            later(unlink);
        }
    }

    public void later(Runnable work) {
        thread.execute(work);
    }

    /** Waits until all files are gone that were let go of before; not when it is closed. */
    public void awaitAllSoFar() throws InterruptedException {
        CountDownLatch gone = new CountDownLatch(1);
        later(gone::countDown);
        gone.await();
    }

    /** How many descriptors wait to be closed. */
    public int descriptors() {
        return descriptors.get();
    }

    /** How many files wait. */
    public int length() {
        return waiting.size();
    }

    /** Finishes what waits; what hangs is given up. */
    @Override
    public void close() {
        thread.shutdown();
        if (!Patience.awaitEnd(millis -> thread.awaitTermination(millis, TimeUnit.MILLISECONDS))) {
            LOG.warn("closing files hangs; files={} are given up", waiting.size());
        }
    }
}
