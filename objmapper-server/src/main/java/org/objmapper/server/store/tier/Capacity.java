package org.objmapper.server.store.tier;

import org.objmapper.server.store.eviction.PolicyName;
import org.objmapper.server.store.index.Totals;

/**
 * What a tier may hold, and who leaves when.
 *
 * @param bytes of bodies
 * @param objects evicted from 1 on
 * @param highPercent a tier that holds a larger part, of bytes or of objects, gives up objects until it is at the low one
 * @param lowPercent no more than {@code highPercent}
 */
public record Capacity(long bytes, long objects, int highPercent, int lowPercent, PolicyName policy) {
    /** The usual watermarks and policy. */
    public static final int HIGH_PERCENT = 95;

    public static final int LOW_PERCENT = 90;
    public static final PolicyName POLICY = PolicyName.TINYLFU;
    /** As many as a policy can tell apart. */
    public static final long MAX_OBJECTS = 1_000_000_000;

    /** What bodies that are no objects yet may take beyond the capacity: a part of it, or so much where that is little. */
    public static final int PART_FOR_UNFINISHED = 16;

    public static final long LEAST_FOR_UNFINISHED = 64L << 20;

    /** So many bytes, and the usual for the rest. */
    public static Capacity of(long bytes) {
        return new Capacity(bytes, MAX_OBJECTS, HIGH_PERCENT, LOW_PERCENT, POLICY);
    }

    /** The same for so many objects. */
    public Capacity withObjects(long others) {
        return new Capacity(bytes, others, highPercent, lowPercent, policy);
    }

    /** Whether so much may be there. */
    public boolean takes(Totals held) {
        return held.bytes() <= bytes && held.objects() <= objects;
    }

    /** Whether bodies that are no objects yet may take so much, beside what is there. */
    public boolean takesUnfinished(Totals held, long unfinishedBytes) {
        long beyond = Math.max(LEAST_FOR_UNFINISHED, bytes / PART_FOR_UNFINISHED);
        return held.bytes() + unfinishedBytes - beyond <= bytes;
    }

    /** Whether it is time to make room. */
    public boolean isHigh(Totals held) {
        return isAbove(held, highPercent);
    }

    /** Whether there is more to give up, once it was time to make room. */
    public boolean isAboveLow(Totals held) {
        return isAbove(held, lowPercent);
    }

    private boolean isAbove(Totals held, int percent) {
        return held.bytes() > part(bytes, percent) || held.objects() > part(objects, percent);
    }

    private static long part(long whole, int percent) {
        return whole / 100 * percent + whole % 100 * percent / 100;
    }
}
