package org.objmapper.server.store.device;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.objmapper.nativeio.NativeIo;

/**
 * Closes and unlinks the files of one device, one after the other, on a thread for that: whoever lets go of a large file last waits until the
 * file system has freed its blocks. Safe on any thread.
 */
public final class Closer implements AutoCloseable {
    /** Files that may wait to be unlinked; whoever wants to unlink more does it himself. */
    public static final int MAX_UNLINKS = 1_024;

    /** As long as descriptors are open that wait to be closed, and so bounded by the process's limit of those; and some unlinks. */
    private final DeviceQueue queue = new DeviceQueue("store-closer", 1, Integer.MAX_VALUE);

    private final AtomicInteger descriptors = new AtomicInteger();

    /** From now on it is done on one of these threads at a time. */
    void moveTo(SharedThreads threads) {
        queue.moveTo(threads);
    }

    /** As {@link DeviceQueue#goOn}; what hangs is never passed by. */
    void goOn() {
        queue.goOn(false);
    }

    /** Closes a descriptor; returns at once. */
    public void close(int descriptor) {
        descriptors.incrementAndGet();
        if (!queue.submit(() -> closeHere(descriptor))) {
            closeHere(descriptor); // the store is closed, and no loop runs any more
        }
    }

    private void closeHere(int descriptor) {
        NativeIo.close(descriptor);
        descriptors.decrementAndGet();
    }

    /** Has a file unlinked; here and now only where too many wait already. */
    public void unlink(Runnable unlink) {
        if (queue.length() >= MAX_UNLINKS) {
            unlink.run();
        } else {
            later(unlink);
        }
    }

    public void later(Runnable work) {
        if (!queue.submit(work)) {
            throw new RejectedExecutionException("the files of this device are let go of");
        }
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
        return queue.length();
    }

    /** Finishes what waits; what hangs is given up. */
    @Override
    public void close() {
        queue.close();
    }

    /** As {@link #close()}, in so many milliseconds at most. */
    void close(long millis) {
        queue.close(millis);
    }
}
