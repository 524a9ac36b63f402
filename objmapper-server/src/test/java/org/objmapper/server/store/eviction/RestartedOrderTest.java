package org.objmapper.server.store.eviction;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.server.store.tier.EvictionOrder;
import org.objmapper.server.store.tier.OrderCopy;

/** A tier whose order is saved and read again in the middle of a trace. */
class RestartedOrderTest {
    private final Trace trace;
    private final long capacity;
    private final Map<Long, Integer> objects = new HashMap<>();

    RestartedOrderTest() throws Exception {
        trace = Trace.web12();
        capacity = trace.bytesOfAllObjects() / 10;
        for (int object = 0; object < trace.bytes().length; object++) {
            objects.put(hashOf(object), object);
        }
    }

    @ParameterizedTest
    @EnumSource
    void theHitRatioAfterARestartIsAsIfThereHadBeenNone(PolicyName policy) {
        double whole = secondHalf(policy, false);
        double restarted = secondHalf(policy, true);

        assertThat(restarted).isGreaterThan(whole - 0.005);
    }

    /** The hit ratio of the second half of the trace. */
    private double secondHalf(PolicyName policy, boolean isRestarted) {
        EvictionOrder order = new EvictionOrder(policy);
        EvictionOrder.Victim victim = new EvictionOrder.Victim();
        boolean[] here = new boolean[trace.bytes().length];
        int[] asked = trace.object();
        long used = 0;
        int hits = 0;
        for (int i = 0; i < asked.length; i++) {
            if (i == asked.length / 2) {
                hits = 0;
                order = isRestarted ? restarted(order, policy) : order;
            }
            int object = asked[i];
            if (here[object]) {
                hits++;
                order.used(hashOf(object));
                continue;
            }
            order.stands(hashOf(object), trace.bytes()[object]);
            here[object] = true;
            used += trace.bytes()[object];
            while (used > capacity) {
                assertThat(order.takeVictim(victim)).isTrue();
                int gone = objectOf(victim.hash());
                here[gone] = false;
                used -= trace.bytes()[gone];
            }
        }
        return (double) hits / (asked.length - asked.length / 2);
    }

    private static long hashOf(int object) {
        return Simulation.hash(object);
    }

    private int objectOf(long hash) {
        return objects.get(hash);
    }

    private EvictionOrder restarted(EvictionOrder order, PolicyName policy) {
        EvictionOrder after = new EvictionOrder(policy);
        OrderCopy copy = new OrderCopy(order);
        while (copy.handOver(after::restore)) {
            // piece by piece
        }
        assertThat(after.size()).isEqualTo(order.size());
        return after;
    }
}
