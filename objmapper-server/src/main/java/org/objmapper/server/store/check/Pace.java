package org.objmapper.server.store.check;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Keeps something that goes on and on to a rate. For one thread. */
final class Pace {
    /** What was not used of the rate is lost after so long. */
    private static final long LONGEST_CREDIT_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final double nanosEach;
    private final CountDownLatch closing;
    /** When all that was done so far may have been done. */
    private long freeNanos = System.nanoTime();

    /** So many a second, until the latch is down. */
    Pace(long perSecond, CountDownLatch closing) {
        nanosEach = 1e9 / perSecond;
        this.closing = closing;
    }

    /** So many were done: waits until the rate allows more; false when there are to be no more. */
    boolean spend(long count) throws InterruptedException {
        freeNanos = Math.max(freeNanos, System.nanoTime() - LONGEST_CREDIT_NANOS) + (long) (count * nanosEach);
        long wait = freeNanos - System.nanoTime();
        return wait > 0 ? !closing.await(wait, TimeUnit.NANOSECONDS) : closing.getCount() > 0;
    }
}
