package org.objmapper.server.store.tier;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.objmapper.server.store.eviction.PolicyName;
import org.objmapper.server.store.index.Totals;

class CapacityTest {
    private static final Capacity CAPACITY = new Capacity(1_000, 200, 95, 90, PolicyName.LRU);

    private static Totals held(long objects, long bytes) {
        return new Totals(objects, bytes, 0, 0);
    }

    @Test
    void takesWhatItIsAndNotOneByteOrObjectMore() {
        assertThat(CAPACITY.takes(held(200, 1_000))).isTrue();
        assertThat(CAPACITY.takes(held(200, 1_001))).isFalse();
        assertThat(CAPACITY.takes(held(201, 1_000))).isFalse();
    }

    @Test
    void isHighAboveTheHighWatermarkInBytesOrObjects() {
        assertThat(CAPACITY.isHigh(held(190, 950))).isFalse();
        assertThat(CAPACITY.isHigh(held(1, 951))).isTrue();
        assertThat(CAPACITY.isHigh(held(191, 1))).isTrue();
    }

    @Test
    void isAboveTheLowWatermarkUntilItIsThereInBytesAndObjects() {
        assertThat(CAPACITY.isAboveLow(held(180, 901))).isTrue();
        assertThat(CAPACITY.isAboveLow(held(181, 900))).isTrue();
        assertThat(CAPACITY.isAboveLow(held(180, 900))).isFalse();
    }

    @Test
    void theGreatestCapacityHasWatermarksToo() {
        Capacity greatest = Capacity.of(Long.MAX_VALUE);

        assertThat(greatest.isHigh(held(1, Long.MAX_VALUE / 2))).isFalse();
        assertThat(greatest.isHigh(held(1, Long.MAX_VALUE))).isTrue();
    }
}
