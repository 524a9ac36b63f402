package org.objmapper.server.thread;

import java.util.function.BooleanSupplier;

/** Waits that an interrupt does not cut short: it shows again in the waiting thread afterwards. */
public final class Uninterruptibly {
    private Uninterruptibly() {}

    /** Waits on a monitor that the caller holds, for as long as a condition holds; whoever changes that notifies all. */
    public static void awaitWhile(Object monitor, BooleanSupplier condition) {
        boolean interrupted = false;
        while (condition.getAsBoolean()) {
            try {
                monitor.wait();
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
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
