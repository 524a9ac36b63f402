package org.objmapper.server.store.tier;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class UsesTest {
    private final Uses uses = new Uses();

    private List<Long> drained() {
        List<Long> drained = new ArrayList<>();
        uses.drain(drained::add);
        return drained;
    }

    @Test
    void hasWhoWasNotedSinceTheLastTimeOnceEach() {
        uses.note(7);
        uses.note(8);
        uses.note(7);

        assertThat(drained()).containsExactlyInAnyOrder(7L, 8L);
        assertThat(drained()).isEmpty();

        uses.note(7);
        assertThat(drained()).containsExactly(7L);
    }

    @Test
    void losesSomeRatherThanToGrow() {
        for (long hash = 1; hash <= 1_000_000; hash++) {
            uses.note(hash);
        }

        assertThat(drained()).hasSizeLessThan(100_000).contains(1_000_000L);
    }
}
