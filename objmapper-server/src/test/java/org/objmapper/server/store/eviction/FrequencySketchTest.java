package org.objmapper.server.store.eviction;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class FrequencySketchTest {
    private final FrequencySketch sketch = new FrequencySketch();

    @Test
    void whatNeverCameUpHasNoFrequency() {
        assertThat(sketch.frequency(7)).isZero();
    }

    @Test
    void countsUpToFifteenAndStaysThere() {
        for (int i = 1; i <= 20; i++) {
            sketch.increment(7);
            assertThat(sketch.frequency(7)).isEqualTo(Math.min(i, FrequencySketch.MOST));
        }
    }

    @Test
    void saysNeverLessThanWasCounted() {
        Random random = seeded();
        int[] counted = new int[500];
        for (int i = 0; i < 2_000; i++) {
            int hash = random.nextInt(counted.length);
            counted[hash] = Math.min(counted[hash] + 1, FrequencySketch.MOST);
            sketch.increment(hash);
        }
        for (int hash = 0; hash < counted.length; hash++) {
            assertThat(sketch.frequency(hash)).isGreaterThanOrEqualTo(counted[hash]);
        }
    }

    @Test
    void tellsMostObjectsApartWhenThereAreAsManyAsItHasRoomFor() {
        Random random = seeded();
        int objects = 10_000;
        sketch.ensureCapacity(objects);
        for (int i = 0; i < objects; i++) {
            sketch.increment(random.nextInt());
        }
        int mistaken = 0;
        for (int i = 0; i < objects; i++) {
            mistaken += sketch.frequency(random.nextInt()) > 0 ? 1 : 0;
        }
        assertThat(mistaken).isLessThan(objects / 10);
    }

    @Test
    void growsWithoutForgetting() {
        for (int hash = 0; hash < 100; hash++) {
            for (int i = 0; i < hash % 16; i++) {
                sketch.increment(hash);
            }
        }
        sketch.ensureCapacity(1_000_000);
        for (int hash = 0; hash < 100; hash++) {
            assertThat(sketch.frequency(hash)).isGreaterThanOrEqualTo(hash % 16);
        }
    }

    @Test
    void forgetsHalfAfterManyMoreCounts() {
        for (int i = 0; i < FrequencySketch.MOST; i++) {
            sketch.increment(7);
        }
        Random random = seeded();
        int counts = 0;
        while (sketch.frequency(7) == FrequencySketch.MOST) {
            sketch.increment(random.nextInt());
            assertThat(++counts).isLessThan(20_000);
        }
        assertThat(sketch.frequency(7)).isEqualTo(FrequencySketch.MOST / 2);
    }

    private static Random seeded() {
        long seed = System.nanoTime();
        System.out.println("FrequencySketchTest's seed is " + seed);
        return new Random(seed);
    }
}
