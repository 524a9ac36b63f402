package org.objmapper.server.thread;

import java.util.function.BooleanSupplier;

/** Waits that an interrupt does not cut short: it shows again in the waiting thread afterwards. */
public final class Uninterruptibly {
    /** One wait, which may end too early. */
    public interface Wait {
        void await() throws InterruptedException;
    }

    private Uninterruptibly() {}

    /** Waits again and again, for as long as a condition holds: on a monitor, say, that the caller has. */
    public static void awaitWhile(BooleanSupplier condition, Wait wait) {
        boolean interrupted = false;
        while (condition.getAsBoolean()) {
            try {
                wait.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits until a thread has ended; not at all for one that was never started. */
    public static void join(Thread thread) {
        awaitWhile(thread::isAlive, thread::join);
    }
}
