package org.objmapper.server.store.tier;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.objmapper.server.store.eviction.PolicyName;

class EvictionOrderTest {
    private final EvictionOrder order = new EvictionOrder(PolicyName.LRU);

    private static List<Long> victims(EvictionOrder order) {
        List<Long> victims = new ArrayList<>();
        EvictionOrder.Victim victim = new EvictionOrder.Victim();
        while (order.takeVictim(victim)) {
            victims.add(victim.hash());
        }
        return victims;
    }

    private static void copy(EvictionOrder from, EvictionOrder to) {
        from.save(to::restore);
    }

    @Test
    void whoStandsNoMoreOrIsKeptIsNobodysVictim() {
        order.stands(1, 10);
        order.stands(2, 10);
        order.stands(1, -1);
        order.stands(3, -1);

        assertThat(order.size()).isEqualTo(1);
        assertThat(victims(order)).containsExactly(2L);
    }

    @Test
    void usesAndNewBodiesOfTheSameLengthCountAsHits() {
        order.stands(1, 10);
        order.stands(2, 10);
        order.stands(3, 10);
        order.used(1);
        order.used(99);
        order.stands(2, 10);

        assertThat(victims(order)).containsExactly(3L, 1L, 2L);
    }

    @Test
    void aSavedOrderComesBackAndNewcomersStandBehindIt() {
        for (long hash = 1; hash <= 4; hash++) {
            order.stands(hash, 10);
        }
        order.used(1);
        EvictionOrder after = new EvictionOrder(PolicyName.LRU);
        copy(order, after);
        after.found(5, 10);

        assertThat(victims(after)).containsExactly(2L, 3L, 4L, 1L, 5L);
    }

    @Test
    void whoOfASavedOrderIsNotFoundIsForgotten() {
        for (long hash = 1; hash <= 4; hash++) {
            order.stands(hash, 10);
        }
        EvictionOrder after = new EvictionOrder(PolicyName.LRU);
        copy(order, after);
        after.found(2, 10);
        after.found(4, 20);
        after.stands(1, 10);
        after.forgetUnconfirmed();

        assertThat(victims(after)).containsExactly(2L, 4L, 1L);
    }

    @Test
    void aVictimOfASavedOrderMayBeGoneButOneThatWasFoundIsNot() {
        order.stands(1, 10);
        order.stands(2, 10);
        EvictionOrder after = new EvictionOrder(PolicyName.LRU);
        copy(order, after);
        after.found(2, 10);
        EvictionOrder.Victim victim = new EvictionOrder.Victim();

        assertThat(after.takeVictim(victim)).isTrue();
        assertThat(victim.isConfirmed()).isFalse();
        assertThat(after.takeVictim(victim)).isTrue();
        assertThat(victim.isConfirmed()).isTrue();
        assertThat(after.takeVictim(victim)).isFalse();
    }
}
