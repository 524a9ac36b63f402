package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SessionCountTest {
    private static final int LIMIT = 5;

    private final SessionCount count = new SessionCount(LIMIT, 3);

    @Test
    void theLoopWithTheFewestGetsTheNext() {
        assertThat(count.tryAdd(0)).isZero();
        assertThat(count.tryAdd(0)).isEqualTo(1);
        assertThat(count.tryAdd(0)).isEqualTo(2);
        assertThat(count.tryAdd(2)).isEqualTo(2);
        count.remove(1);
        assertThat(count.tryAdd(2)).isEqualTo(1);
    }

    @Test
    void theLoopThatAskedGetsItWhereNoOtherHasFewer() {
        assertThat(count.tryAdd(2)).isEqualTo(2);
        assertThat(count.tryAdd(1)).isEqualTo(1);
    }

    @Test
    void allTogetherAreNoMoreThanTheLimit() {
        for (int i = 0; i < LIMIT; i++) {
            assertThat(count.tryAdd(0)).isNotNegative();
        }
        assertThat(count.count()).isEqualTo(LIMIT);
        assertThat(count.tryAdd(0)).isNegative();
        count.remove(0);
        assertThat(count.tryAdd(0)).isNotNegative();
        assertThat(count.count()).isEqualTo(LIMIT);
    }

    @Test
    void aLoopThatHasAQuarterMoreThanItsEvenShareMayGetOneOfAnothers() {
        SessionCount many = new SessionCount(100, 2);
        for (int i = 0; i < 16; i++) {
            many.tryAdd(0);
        }
        int moved = 0;
        while (many.mayGetMore(1)) {
            many.move(0, 1);
            moved++;
        }
        assertThat(moved).isEqualTo(3);
        assertThat(many.count()).isEqualTo(16);
        assertThat(many.tryAdd(1)).isZero();
    }
}
