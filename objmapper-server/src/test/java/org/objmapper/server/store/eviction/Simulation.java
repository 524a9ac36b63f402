package org.objmapper.server.store.eviction;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.IntToDoubleFunction;

/** What share of a trace's requests and bytes a cache of so many bytes answers. */
final class Simulation {
    /** Shares of the requests and of the bytes asked for that were answered. */
    record HitRatio(double objects, double bytes) {}

    private final Trace trace;
    private final long capacity;
    private long hits;
    private long hitBytes;

    private Simulation(Trace trace, long capacity) {
        this.trace = trace;
        this.capacity = capacity;
    }

    /** A tier that never holds more than the capacity, evicting by a policy. */
    static HitRatio of(Policy policy, Trace trace, long capacity) {
        return new Simulation(trace, capacity).run(policy);
    }

    /** Least recently used, by a map of the library's. */
    static HitRatio exactLru(Trace trace, long capacity) {
        return new Simulation(trace, capacity).runExactLru();
    }

    /** Who is asked for last of all leaves first, the one that comes included: the optimum if all are of one size (Belady, 1966). */
    static HitRatio belady(Trace trace, long capacity) {
        return new Simulation(trace, capacity).runBelady();
    }

    /**
     * What no cache can exceed, whatever it knows: to keep an object until its next request takes its size times the requests between,
     * and there is the capacity times all requests of that (PFOO-L, Berger, Beckmann and Harchol-Balter, 2018).
     */
    static HitRatio bound(Trace trace, long capacity) {
        return new Simulation(trace, capacity).runBound();
    }

    private HitRatio run(Policy policy) {
        boolean[] here = new boolean[trace.bytes().length];
        long used = 0;
        for (int object : trace.object()) {
            long bytes = trace.bytes()[object];
            if (here[object]) {
                policy.hit(object);
                hit(object);
                continue;
            }
            if (bytes > capacity) {
                continue;
            }
            policy.add(object, hash(object), bytes);
            here[object] = true;
            used += bytes;
            while (used > capacity) {
                int victim = policy.victim();
                policy.remove(victim);
                here[victim] = false;
                used -= trace.bytes()[victim];
            }
        }
        return ratio();
    }

    static long hash(long object) {
        long h = (object + 1) * 0x9e3779b97f4a7c15L;
        h = (h ^ h >>> 32) * 0xd6e8feb86659fd93L;
        return h ^ h >>> 32;
    }

    private HitRatio runExactLru() {
        Map<Integer, Long> cache = new LinkedHashMap<>(16, 0.75f, true);
        long used = 0;
        for (int object : trace.object()) {
            long bytes = trace.bytes()[object];
            if (cache.get(object) != null) {
                hit(object);
                continue;
            }
            if (bytes > capacity) {
                continue;
            }
            cache.put(object, bytes);
            used += bytes;
            while (used > capacity) {
                Map.Entry<Integer, Long> eldest = cache.entrySet().iterator().next();
                used -= eldest.getValue();
                cache.remove(eldest.getKey());
            }
        }
        return ratio();
    }

    /** An object with the request that asks for it next. */
    private record Wanted(int object, int again) {}

    private HitRatio runBelady() {
        int[] again = nextRequests();
        int[] wantedAgain = new int[trace.bytes().length]; // 0 if the object is not here
        PriorityQueue<Wanted> latestFirst =
                new PriorityQueue<>(Comparator.comparingInt(Wanted::again).reversed());
        long used = 0;
        for (int i = 0; i < again.length; i++) {
            int object = trace.object()[i];
            if (wantedAgain[object] != 0) {
                hit(object);
            } else {
                used += trace.bytes()[object];
            }
            wantedAgain[object] = again[i];
            latestFirst.add(new Wanted(object, again[i]));
            while (used > capacity) {
                Wanted latest = latestFirst.remove();
                if (wantedAgain[latest.object] == latest.again) {
                    wantedAgain[latest.object] = 0;
                    used -= trace.bytes()[latest.object];
                }
            }
        }
        return ratio();
    }

    /** For each request the next of the same object; if there is none, one after the end. */
    private int[] nextRequests() {
        int[] next = new int[trace.object().length];
        int[] seen = new int[trace.bytes().length];
        Arrays.fill(seen, Integer.MAX_VALUE);
        for (int i = next.length - 1; i >= 0; i--) {
            next[i] = seen[trace.object()[i]];
            seen[trace.object()[i]] = i;
        }
        return next;
    }

    private HitRatio runBound() {
        int[] again = nextRequests();
        double objects = mostGain(again, i -> (double) trace.bytes()[trace.object()[i]] * (again[i] - i), i -> 1);
        double bytes = mostGain(again, i -> again[i] - i, i -> trace.bytes()[trace.object()[i]]);
        return new HitRatio(objects / again.length, bytes / trace.bytesAsked());
    }

    /** Keeps the cheapest first until no room is left, the last one in part. */
    private double mostGain(int[] again, IntToDoubleFunction costForGain, IntToDoubleFunction gain) {
        Integer[] kept = java.util.stream.IntStream.range(0, again.length)
                .filter(i -> again[i] != Integer.MAX_VALUE)
                .boxed()
                .sorted(Comparator.comparingDouble(costForGain::applyAsDouble))
                .toArray(Integer[]::new);
        double room = (double) capacity * again.length;
        double gained = 0;
        for (int i : kept) {
            double cost = (double) trace.bytes()[trace.object()[i]] * (again[i] - i);
            if (cost > room) {
                return gained + gain.applyAsDouble(i) * room / cost;
            }
            room -= cost;
            gained += gain.applyAsDouble(i);
        }
        return gained;
    }

    private void hit(int object) {
        hits++;
        hitBytes += trace.bytes()[object];
    }

    private HitRatio ratio() {
        return new HitRatio((double) hits / trace.object().length, (double) hitBytes / trace.bytesAsked());
    }
}
