package org.objmapper.server.store;

import java.util.ArrayDeque;
import java.util.Deque;
import org.objmapper.server.store.tier.EvictionOrder;

/**
 * Those whom the evictor took out of its order and did not evict, because that would not have made room where it is wished; put back they
 * are as new, so that the next look begins behind them. For one thread.
 */
final class PassedOver {
    /** Where none of so many makes room, hardly another one does. */
    private static final int MOST = 65_536;

    private final Deque<EvictionOrder.Victim> passed = new ArrayDeque<>();

    void add(EvictionOrder.Victim victim) {
        passed.add(victim.copy());
    }

    boolean isFull() {
        return passed.size() >= MOST;
    }

    /** Takes out who came first; false where nobody is left. */
    boolean takeFirst(EvictionOrder.Victim into) {
        EvictionOrder.Victim first = passed.poll();
        if (first != null) {
            into.become(first);
        }
        return first != null;
    }

    /** Puts all back; false where there are none. */
    boolean putBack(EvictionOrder order) {
        boolean any = !passed.isEmpty();
        passed.forEach(one -> order.found(one.hash(), one.bytes()));
        passed.clear();
        return any;
    }
}
