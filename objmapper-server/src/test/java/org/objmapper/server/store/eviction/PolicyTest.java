package org.objmapper.server.store.eviction;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PolicyTest {
    private static final int SLOTS = 200;

    @ParameterizedTest
    @EnumSource
    void evictsNobodyWhoIsNotThereAndForgetsNobody(PolicyName name) {
        long seed = System.nanoTime();
        System.out.println("The seed for " + name + " is " + seed);
        Random random = new Random(seed);
        Policy policy = name.create();
        Set<Integer> here = new HashSet<>();
        for (int i = 0; i < 50_000; i++) {
            int slot = random.nextInt(SLOTS);
            if (!here.contains(slot)) {
                policy.add(slot, Simulation.hash(random.nextInt(1_000)), random.nextInt(1_000));
                here.add(slot);
            } else if (random.nextInt(3) > 0) {
                policy.hit(slot);
            } else if (random.nextBoolean()) {
                policy.remove(slot);
                here.remove(slot);
            }
            if (random.nextInt(4) == 0 && !here.isEmpty()) {
                int victim = policy.victim();
                assertThat(here.remove(victim)).as("victim %d is there", victim).isTrue();
                policy.remove(victim);
            }
        }
        assertThat(order(policy)).containsExactlyInAnyOrderElementsOf(here);
        assertThat(victims(policy)).containsExactlyInAnyOrderElementsOf(here);
        assertThat(policy.victim()).isEqualTo(Policy.NONE);
    }

    @ParameterizedTest
    @EnumSource
    void objectsWithoutBytesAreEvictedLikeOthers(PolicyName name) {
        Policy policy = name.create();
        for (int slot = 0; slot < 3; slot++) {
            policy.add(slot, Simulation.hash(slot), 0);
        }
        assertThat(victims(policy)).containsExactlyInAnyOrder(0, 1, 2);
    }

    @ParameterizedTest
    @EnumSource
    void slotsFarApartAreTaken(PolicyName name) {
        Policy policy = name.create();
        policy.add(1_000_000, Simulation.hash(0), 1);
        policy.add(3, Simulation.hash(1), 1);
        assertThat(victims(policy)).containsExactlyInAnyOrder(1_000_000, 3);
    }

    /** A server is restarted in the middle of a trace. */
    @ParameterizedTest
    @EnumSource
    void anOrderThatWasSavedServesAsWellAsOneThatWasNotInterrupted(PolicyName name) throws Exception {
        Trace trace = Trace.web12();
        long capacity = trace.bytesOfAllObjects() / 10;
        double whole = Simulation.of(name.create(), trace, capacity).objects();
        double restarted = Simulation.of(new Restarted(name), trace, capacity).objects();
        assertThat(restarted).isGreaterThan(whole - 0.005);
    }

    @Test
    void lruEvictsWhoWasNotAskedForTheLongest() {
        assertThat(victims(filled(PolicyName.LRU, 0, 1))).containsExactly(2, 3, 0, 1);
    }

    @Test
    void fifoEvictsWhoCameFirst() {
        assertThat(victims(filled(PolicyName.FIFO, 0, 1))).containsExactly(0, 1, 2, 3);
    }

    @Test
    void lfuEvictsWhoWasAskedForLeastAndTheOlderOfTwo() {
        assertThat(victims(filled(PolicyName.LFU, 0, 0, 2, 3))).containsExactly(1, 2, 3, 0);
    }

    @Test
    void lfuForgetsWhatWasPopularOnce() {
        Policy lfu = PolicyName.LFU.create();
        lfu.add(0, Simulation.hash(0), 1);
        for (int i = 0; i < 50; i++) {
            lfu.hit(0);
        }
        int key = 1;
        lfu.add(1, Simulation.hash(key), 1);
        while (lfu.victim() != 0) { // each newcomer is asked for once before the next comes
            lfu.remove(1);
            lfu.add(1, Simulation.hash(++key), 1);
            lfu.hit(1);
            assertThat(key).isLessThan(1_000);
        }
        assertThat(key).isGreaterThan(20);
    }

    @Test
    void sieveLetsTheHandPassOnceOverWhoWasAskedFor() {
        Policy sieve = filled(PolicyName.SIEVE, 0, 2);
        assertThat(sieve.victim()).isEqualTo(1);
        sieve.remove(1);
        sieve.add(4, Simulation.hash(4), 1);
        assertThat(victims(sieve)).containsExactly(3, 4, 0, 2);
    }

    @Test
    void tinyLfuKeepsWhatIsAskedForThroughAScan() {
        Policy policy = PolicyName.TINYLFU.create();
        int popular = 80;
        Map<Integer, Integer> keyOf = new HashMap<>();
        List<Integer> free = new ArrayList<>();
        for (int slot = 0; slot < 100; slot++) {
            policy.add(slot, Simulation.hash(slot), 1);
            keyOf.put(slot, slot);
        }
        for (int round = 0; round < 5; round++) {
            for (int slot = 0; slot < popular; slot++) {
                policy.hit(slot);
            }
        }
        for (int key = 100; key < 400; key++) {
            int victim = policy.victim();
            policy.remove(victim);
            keyOf.remove(victim);
            free.add(victim);
            int slot = free.remove(0);
            policy.add(slot, Simulation.hash(key), 1);
            keyOf.put(slot, key);
        }
        assertThat(keyOf.values().stream().filter(key -> key < popular)).hasSizeGreaterThan(popular * 3 / 4);
    }

    private static Policy filled(PolicyName name, int... hits) {
        Policy policy = name.create();
        for (int slot = 0; slot < 4; slot++) {
            policy.add(slot, Simulation.hash(slot), 1);
        }
        for (int slot : hits) {
            policy.hit(slot);
        }
        return policy;
    }

    private static List<Integer> victims(Policy policy) {
        List<Integer> victims = new ArrayList<>();
        for (int victim = policy.victim(); victim != Policy.NONE; victim = policy.victim()) {
            victims.add(victim);
            policy.remove(victim);
        }
        return victims;
    }

    private static List<Integer> order(Policy policy) {
        List<Integer> order = new ArrayList<>();
        policy.save((slot, state) -> order.add(slot));
        return order;
    }
}
