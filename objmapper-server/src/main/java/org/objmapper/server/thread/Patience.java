package org.objmapper.server.thread;

/** Waits for work that may hang, when all is to end: for a while, and hardly any more once the waiting thread is interrupted. */
public final class Patience {
    /** How long is waited as a rule. */
    public static final long MILLIS = 30_000;

    /** How long is waited where others have been waited for long enough. */
    public static final long HURRIED_MILLIS = 1_000;

    /** Waits for an end, for so long at most. */
    public interface Wait {
        /** Whether the end has come. */
        boolean await(long millis) throws InterruptedException;
    }

    private Patience() {}

    /** Whether the end came in time; an interrupt shows again in the waiting thread afterwards. */
    public static boolean awaitEnd(Wait wait) {
        return awaitEnd(MILLIS, wait);
    }

    /** As {@link #awaitEnd(Wait)}, for a thread's end, and for so many milliseconds at most. */
    public static boolean awaitEnd(Thread thread, long millis) {
        return awaitEnd(millis, left -> {
            thread.join(left);
            return !thread.isAlive();
        });
    }

    /** As {@link #awaitEnd(Wait)}, for so many milliseconds at most. */
    public static boolean awaitEnd(long millis, Wait wait) {
        try {
            return wait.await(millis);
        } catch (InterruptedException e) {
            boolean ended = awaitHurriedly(wait);
            Thread.currentThread().interrupt();
            return ended;
        }
    }

    private static boolean awaitHurriedly(Wait wait) {
        try {
            return wait.await(HURRIED_MILLIS);
        } catch (InterruptedException e) {
            return false;
        }
    }
}
