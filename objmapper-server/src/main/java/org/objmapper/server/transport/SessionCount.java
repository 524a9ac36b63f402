package org.objmapper.server.transport;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** How many sessions there are on each loop, all together never more than the limit. Any thread. */
final class SessionCount {
    private final int limit;
    private final AtomicInteger count = new AtomicInteger();
    private final AtomicIntegerArray onLoop;

    SessionCount(int limit, int loops) {
        this.limit = limit;
        this.onLoop = new AtomicIntegerArray(loops);
    }

    /** Counts a session on the loop that has the fewest, on the preferred one if no other has fewer; -1 where there are too many. */
    int tryAdd(int preferred) {
        if (count.incrementAndGet() > limit) {
            count.decrementAndGet();
            return -1;
        }
        int chosen = preferred;
        for (int loop = 0; loop < onLoop.length(); loop++) {
            if (onLoop.get(loop) < onLoop.get(chosen)) {
                chosen = loop;
            }
        }
        onLoop.incrementAndGet(chosen);
        return chosen;
    }

    /** So many of the sessions may come together on one of the loops: an even share, a quarter of that, and one. */
    static int mostOnOne(int sessions, int loops) {
        int evenShare = sessions / loops;
        return evenShare + evenShare / 4 + 1;
    }

    /** Whether a loop may get one of another's. */
    boolean mayGetMore(int loop) {
        return onLoop.get(loop) < mostOnOne(count.get(), onLoop.length());
    }

    /** A session of a loop has become another's. */
    void move(int from, int to) {
        onLoop.decrementAndGet(from);
        onLoop.incrementAndGet(to);
    }

    /** A session of a loop has ended. */
    void remove(int loop) {
        onLoop.decrementAndGet(loop);
        count.decrementAndGet();
    }

    int count() {
        return count.get();
    }
}
