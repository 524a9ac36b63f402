package org.objmapper.server.transport;

/**
 * Decides for how long a loop looks for input before it sleeps. Looking spares the wake-up of a sleeping thread, which is most of what a
 * lone request costs, and takes a processor: so it goes on only while input mostly comes within that time, from one or two sessions, and
 * no more threads want to run than there are processors. On the loop's thread alone.
 */
final class Spin {
    /** How sure of itself it can get, and what a spin in vain takes away. */
    static final int MOST_TRUST = 64;

    static final int VAIN = 8;

    /** It looks for no shorter than this, where it may: the wake-up that it spares takes longer. */
    static final long LEAST_NANOS = 20_000;

    /** The part of a wait that the time until input is expected moves by. */
    private static final int AVERAGED = 8;

    /** Input that ends a sleep so soon would mostly have come while spinning: the wake-up itself takes the rest. */
    static final long SHORT_SLEEP_NANOS = 100_000;

    /** The pause before it tries again, after the first time that it did not pay and after many. */
    static final long FIRST_PAUSE_NANOS = 1_000_000;

    static final long LONGEST_PAUSE_NANOS = 1_000_000_000;

    /** Input of a session that is not one of the last two weighs more than that of one that is. */
    static final int STRANGER = 4;

    static final int CROWD = 16;
    private static final int LARGEST_CROWD = 64;

    private final long longestNanos;
    private final int processors;
    /** How long input takes to come, while it comes soon enough. */
    private long expectedNanos;

    private int trust;
    private long pauseNanos = FIRST_PAUSE_NANOS;
    private boolean pausing;
    private long pauseEndNanos;
    private boolean processorsAreFree;
    private int hot = -1;
    private int alsoHot = -1;
    private int crowd;

    /** One that spins for up to so long at a time, 0 is never, while no more threads than so many want to run. */
    Spin(long longestNanos, int processors) {
        this.longestNanos = longestNanos;
        this.processors = processors;
        this.expectedNanos = longestNanos;
    }

    /** For how long to look for input before this sleep: twice as long as input lately took to come. */
    long nanos() {
        boolean pays = trust > 0 && processorsAreFree && crowd < CROWD;
        return pays ? Math.min(longestNanos, Math.max(LEAST_NANOS, 2 * expectedNanos)) : 0;
    }

    /** Whether it matters how many threads want to run. */
    boolean isTrusted() {
        return trust > 0;
    }

    /** So many threads run or want to, the loop's among them; below 0 where that is not known, and it does not spin. */
    void runnableThreads(int count) {
        processorsAreFree = count >= 0 && count <= processors;
    }

    /** Input came from the session of a slot. */
    void heard(int slot) {
        if (slot == hot || slot == alsoHot) {
            crowd = Math.max(0, crowd - 1);
        } else {
            alsoHot = hot;
            hot = slot;
            crowd = Math.min(LARGEST_CROWD, crowd + STRANGER);
        }
    }

    /** A wait without spinning is over; it took so long, and input ended it or nothing did. */
    void slept(long waitedNanos, boolean input, long nowNanos) {
        if (trust == 0 && longestNanos > 0 && input && waitedNanos <= SHORT_SLEEP_NANOS && mayTry(nowNanos)) {
            trust = 2 * VAIN;
            expectedNanos = longestNanos;
            processorsAreFree = false; // until the next look at them
        }
    }

    private boolean mayTry(long nowNanos) {
        pausing = pausing && nowNanos - pauseEndNanos < 0;
        return !pausing;
    }

    /** A wait that began with spinning is over, and took so long: input came meanwhile, or the loop slept after all. */
    void spun(boolean paid, long waitedNanos, long nowNanos) {
        if (paid) {
            expectedNanos += (waitedNanos - expectedNanos) / AVERAGED;
            trust = Math.min(MOST_TRUST, trust + 1);
            if (trust == MOST_TRUST) {
                pauseNanos = FIRST_PAUSE_NANOS;
            }
            return;
        }
        expectedNanos = Math.min(longestNanos, 2 * expectedNanos);
        trust = Math.max(0, trust - VAIN);
        if (trust == 0) {
            pausing = true;
            pauseEndNanos = nowNanos + pauseNanos;
            pauseNanos = Math.min(LONGEST_PAUSE_NANOS, 2 * pauseNanos);
        }
    }
}
