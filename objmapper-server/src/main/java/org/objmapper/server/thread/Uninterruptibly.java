package org.objmapper.server.thread;

/** Waits that an interrupt does not cut short: it shows again in the waiting thread afterwards. */
public final class Uninterruptibly {
    private Uninterruptibly() {}

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
