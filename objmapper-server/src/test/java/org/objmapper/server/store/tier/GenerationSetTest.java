package org.objmapper.server.store.tier;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class GenerationSetTest {
    private static final int STEPS = 200_000;
    /** More than the set has room for at first. */
    private static final int GENERATIONS = 5_000;

    @Test
    void itHoldsWhatASetWouldHold() {
        long seed = Long.getLong("objmapper.seed", System.nanoTime());
        System.out.println("GenerationSetTest: -Dobjmapper.seed=" + seed);
        Random random = new Random(seed);
        GenerationSet generations = new GenerationSet();
        Set<Long> expected = new HashSet<>();
        for (int i = 0; i < STEPS; i++) {
            long generation = 1 + random.nextInt(GENERATIONS);
            if (random.nextBoolean()) {
                generations.add(generation);
                expected.add(generation);
            } else {
                assertThat(generations.remove(generation)).isEqualTo(expected.remove(generation));
            }
        }
        for (long generation = 1; generation <= GENERATIONS; generation++) {
            assertThat(generations.contains(generation)).isEqualTo(expected.contains(generation));
        }
    }
}
