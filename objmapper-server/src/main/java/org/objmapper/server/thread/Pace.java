package org.objmapper.server.thread;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Keeps something that goes on and on to a rate. For one thread. */
public final class Pace {
    /** What was not used of the rate is lost after so long. */
    private static final long LONGEST_CREDIT_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final double nanosEach;
    private final CountDownLatch closing;
    /** When all that was done so far may have been done. */
    private long freeNanos = System.nanoTime();

    /** So many a second, until the latch is down. */
    public Pace(long perSecond, CountDownLatch closing) {
        nanosEach = 1e9 / perSecond;
        this.closing = closing;
    }

    /** So many were done: waits until the rate allows more; false when there are to be no more. */
    public boolean spend(long count) throws InterruptedException {
        freeNanos = Math.max(freeNanos, System.nanoTime() - LONGEST_CREDIT_NANOS) + (long) (count * nanosEach);
        long wait = freeNanos - System.nanoTime();
        return wait > 0 ? !closing.await(wait, TimeUnit.NANOSECONDS) : closing.getCount() > 0;
    }

    /** As {@link #spend}, for whoever is called back by what goes on and on: throws where there are to be no more. */
    public void spendOrThrow(long count) {
        try {
            if (!spend(count)) {
                throw new UncheckedIOException(new IOException("it ends"));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(new IOException("interrupted"));
        }
    }
}
