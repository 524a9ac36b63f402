package org.objmapper.server.store.tier;

import java.util.Arrays;

/**
 * What stands under keys from now on, on its way to the thread that has the order of eviction. Bounded: what finds no room is left out, and
 * that is told. Safe on any thread.
 */
public final class Standings {
    /** Beyond it the order is looked up in the index instead. */
    static final int MOST = 1 << 20;

    private static final int FEWEST = 1 << 8;

    // Guarded by this.
    private long[] waiting = new long[2 * FEWEST];
    private int count;
    private boolean leftOut;

    private long[] taken = new long[2 * FEWEST];

    /** Takes what was told, in that order. */
    public interface Taker {
        /** An evictable object of so many bytes stands under the key of this hash; negative: nothing, or one that is kept. */
        void stands(long hash, long bytes);
    }

    /** Tells that an evictable object of so many bytes stands under the key of this hash; negative: nothing, or one that is kept. */
    public synchronized void tell(long hash, long bytes) {
        if (count == MOST) {
            leftOut = true;
            return;
        }
        if (2 * count == waiting.length) {
            waiting = Arrays.copyOf(waiting, 2 * waiting.length);
        }
        waiting[2 * count] = hash;
        waiting[2 * count + 1] = bytes;
        count++;
    }

    /** Something that was told is not so, and the index knows better. */
    public synchronized void leaveOut() {
        leftOut = true;
    }

    /** Hands over what was told since the last time, on one thread; false where something was left out. */
    public boolean drain(Taker taker) {
        int told;
        boolean whole;
        synchronized (this) {
            long[] swapped = waiting;
            waiting = taken;
            taken = swapped;
            told = count;
            count = 0;
            whole = !leftOut;
            leftOut = false;
        }
        for (int i = 0; i < told; i++) {
            taker.stands(taken[2 * i], taken[2 * i + 1]);
        }
        if (taken.length > 64 * FEWEST) {
            taken = new long[2 * FEWEST]; // a rush is over
        }
        return whole;
    }
}
