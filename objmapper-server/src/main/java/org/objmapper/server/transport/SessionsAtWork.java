package org.objmapper.server.transport;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * How many sessions keep each loop at work, those that send large bodies and all others. Who shares a loop with a large body waits for
 * pieces of it, so the two are better apart, as long as no loop has much more to do than the rest. Any thread.
 */
final class SessionsAtWork {
    private final int loops;
    private final AtomicIntegerArray large;
    private final AtomicIntegerArray others;

    SessionsAtWork(int loops) {
        this.loops = loops;
        this.large = new AtomicIntegerArray(loops);
        this.others = new AtomicIntegerArray(loops);
    }

    /** So many keep a loop at work as of now. */
    void set(int loop, int withLargeBodies, int allOthers) {
        large.set(loop, withLargeBodies);
        others.set(loop, allOthers);
    }

    /** One has gone from a loop to another, which counts it from now on. */
    void move(int from, int to, boolean isLarge) {
        AtomicIntegerArray counts = isLarge ? large : others;
        counts.decrementAndGet(from);
        counts.incrementAndGet(to);
    }

    /** How many sessions that send large bodies keep a loop at work. */
    int large(int loop) {
        return large.get(loop);
    }

    /** Where one of a loop that sends large bodies had better be; -1 where none had. */
    int betterForLarge(int here) {
        if (others.get(here) == 0) {
            return large.get(here) > 1 ? idle() : -1;
        }
        boolean stay = large.get(here) == 0 || othersFitElsewhere(here);
        return stay ? -1 : whereLargeOnesGather(here);
    }

    /** Where one of a loop that does not send large bodies had better be; -1 where none had. */
    int betterForOther(int here) {
        if (large.get(here) == 0) {
            return others.get(here) > 1 ? idle() : -1;
        }
        boolean go = others.get(here) > 0 && othersFitElsewhere(here);
        return go ? fewestWithoutLarge() : -1;
    }

    /** Whether one may go to another loop for a reason of its own, and would not be better back here. */
    boolean mayGo(int here, int there, boolean isLarge) {
        int apartFrom = isLarge ? others.get(there) : large.get(there);
        boolean leavesThisIdle = atWork(here) == 1 && atWork(there) > 0;
        return apartFrom == 0 && !leavesThisIdle;
    }

    private boolean othersFitElsewhere(int here) {
        int most = most();
        int places = 0;
        for (int loop = 0; loop < loops; loop++) {
            places += large.get(loop) == 0 ? Math.max(0, most - atWork(loop)) : 0;
        }
        return places >= others.get(here);
    }

    private int fewestWithoutLarge() {
        int best = -1;
        for (int loop = 0; loop < loops; loop++) {
            if (large.get(loop) == 0 && (best < 0 || others.get(loop) < others.get(best))) {
                best = loop;
            }
        }
        return best;
    }

    /** The loop of those with large bodies that has the fewest others, the first of these: so that all loops mean the same one. */
    private int whereLargeOnesGather(int here) {
        int most = most();
        int best = here;
        for (int loop = loops - 1; loop >= 0; loop--) {
            boolean fewer = others.get(loop) < others.get(best) || others.get(loop) == others.get(best) && loop < best;
            if (large.get(loop) > 0 && fewer && atWork(loop) < most) {
                best = loop;
            }
        }
        return best == here ? -1 : best;
    }

    private int idle() {
        for (int loop = 0; loop < loops; loop++) {
            if (atWork(loop) == 0) {
                return loop;
            }
        }
        return -1;
    }

    /** So many may be on one loop for being apart. */
    private int most() {
        int all = 0;
        for (int loop = 0; loop < loops; loop++) {
            all += atWork(loop);
        }
        return SessionCount.mostOnOne(all, loops);
    }

    private int atWork(int loop) {
        return large.get(loop) + others.get(loop);
    }
}
