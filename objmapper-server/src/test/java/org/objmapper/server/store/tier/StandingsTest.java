package org.objmapper.server.store.tier;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StandingsTest {
    private final Standings standings = new Standings();
    private final List<String> drained = new ArrayList<>();

    private boolean drain() {
        drained.clear();
        return standings.drain((hash, bytes) -> drained.add(hash + ":" + bytes));
    }

    @Test
    void handsOverWhatWasToldInItsOrder() {
        standings.tell(1, 10);
        standings.tell(2, 20);
        standings.tell(1, -1);

        assertThat(drain()).isTrue();
        assertThat(drained).containsExactly("1:10", "2:20", "1:-1");
        assertThat(drain()).isTrue();
        assertThat(drained).isEmpty();
    }

    @Test
    void takesAsManyAsItMayAndTellsOnceIfMoreWereLeftOut() {
        for (int i = 0; i < Standings.MOST; i++) {
            standings.tell(i, i);
        }
        assertThat(drain()).isTrue();
        assertThat(drained).hasSize(Standings.MOST);

        for (int i = 0; i <= Standings.MOST; i++) {
            standings.tell(i, i);
        }
        assertThat(drain()).isFalse();
        assertThat(drained).hasSize(Standings.MOST);
        assertThat(drain()).isTrue();
    }

    @Test
    void whatIsNotSoIsTakenForLeftOut() {
        standings.tell(1, 10);
        standings.leaveOut();

        assertThat(drain()).isFalse();
        assertThat(drain()).isTrue();
    }
}
