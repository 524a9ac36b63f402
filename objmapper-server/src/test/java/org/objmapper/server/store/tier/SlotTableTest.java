package org.objmapper.server.store.tier;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.objmapper.server.store.eviction.Policy;

class SlotTableTest {
    @Test
    void knowsEachHashBySlotAndEachSlotByHashAsAMapWould() {
        long seed = System.nanoTime();
        System.out.println("The seed is " + seed);
        Random random = new Random(seed);
        SlotTable table = new SlotTable();
        Map<Long, Integer> model = new HashMap<>();
        for (int i = 0; i < 200_000; i++) {
            long hash = random.nextInt(5_000) * (random.nextBoolean() ? 1L : 1L << 40);
            Integer known = model.get(hash);
            assertThat(table.find(hash)).isEqualTo(known == null ? Policy.NONE : known);
            if (known == null) {
                int slot = table.add(hash);
                assertThat(table.hash(slot)).isEqualTo(hash);
                model.put(hash, slot);
            } else if (random.nextInt(3) == 0) {
                table.remove(known);
                model.remove(hash);
            }
        }
        Set<Integer> slots = new HashSet<>();
        table.forEach(slot -> assertThat(slots.add(slot)).isTrue());
        assertThat(slots).containsExactlyInAnyOrderElementsOf(model.values());
        assertThat(table.size()).isEqualTo(model.size());
    }

    @Test
    void givesSmallNumbersAgainAndAgain() {
        SlotTable table = new SlotTable();
        for (long hash = 0; hash < 100_000; hash++) {
            int slot = table.add(hash);
            assertThat(slot).isZero();
            table.remove(slot);
        }
    }
}
