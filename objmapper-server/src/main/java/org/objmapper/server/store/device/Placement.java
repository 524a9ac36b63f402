package org.objmapper.server.store.device;

import java.nio.charset.StandardCharsets;
import java.util.List;
import net.openhft.hashing.LongHashFunction;

/**
 * Which device a new body goes to: weighted rendezvous hashing. Each device draws a number for each key, and the highest wins, so that
 * a device that is added takes its share from all others, one that goes leaves its share to all others, and no other key moves. A
 * device's share is as its weight times its free bytes. Immutable.
 */
public final class Placement {
    /** What a device keeps free of bodies, for what lies beside them: with less it takes no new ones. */
    public static final long MIN_FREE_BYTES = 64L << 20;

    private static final double DRAWS = 1L << 53;

    private final int[] numbers;
    private final long[] seeds;
    private final double[] shares;

    /**
     * A device that takes new bodies.
     *
     * @param number what it is called in the index
     * @param id what it is known by for ever
     * @param weight 1 or more
     */
    public record Candidate(int number, String id, int weight, long freeBytes) {
        boolean hasRoom() {
            return freeBytes >= MIN_FREE_BYTES;
        }
    }

    /** Places bodies on those of the devices that have room; where none has, on all of them, and their file systems refuse it. */
    public Placement(List<Candidate> devices) {
        List<Candidate> roomy = devices.stream().filter(Candidate::hasRoom).toList();
        List<Candidate> used = roomy.isEmpty() ? devices : roomy;
        numbers = used.stream().mapToInt(Candidate::number).toArray();
        seeds = used.stream().mapToLong(device -> hash(device.id())).toArray();
        shares = used.stream().mapToDouble(Placement::share).toArray();
    }

    private static double share(Candidate device) {
        return (double) device.weight() * Math.max(1, device.freeBytes());
    }

    private static long hash(String id) {
        return LongHashFunction.xx3().hashBytes(id.getBytes(StandardCharsets.UTF_8));
    }

    boolean isEmpty() {
        return numbers.length == 0;
    }

    /** The number of the device for the body of a key; -1 where there is none. Allocates nothing. */
    public int place(byte[] key) {
        long keyHash = LongHashFunction.xx3().hashBytes(key);
        int best = -1;
        double highest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < numbers.length; i++) {
            double drawn = shares[i] / -Math.log(draw(keyHash, seeds[i]));
            if (drawn > highest) {
                highest = drawn;
                best = numbers[i];
            }
        }
        return best;
    }

    /** Between 0 and 1, neither included: the two mixed as SplitMix64 does it. */
    private static double draw(long keyHash, long seed) {
        long mixed = keyHash ^ seed;
        mixed = (mixed ^ mixed >>> 30) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        mixed ^= mixed >>> 31;
        return ((mixed >>> 11) + 0.5) / DRAWS;
    }
}
