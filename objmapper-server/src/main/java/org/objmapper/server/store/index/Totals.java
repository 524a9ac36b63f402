package org.objmapper.server.store.index;

import org.jspecify.annotations.Nullable;

/**
 * What the index holds, kept in it with every commit. Also a difference of two such sums.
 *
 * @param objects of both kinds, kept and evictable
 * @param bytes of all bodies
 * @param evictableObjects those among them that may be given up
 * @param evictableBytes of their bodies
 */
public record Totals(long objects, long bytes, long evictableObjects, long evictableBytes) {
    public static final Totals NONE = new Totals(0, 0, 0, 0);

    /** One object. */
    public static Totals of(long bytes, boolean isEvictable) {
        return isEvictable ? new Totals(1, bytes, 1, bytes) : new Totals(1, bytes, 0, 0);
    }

    /** One object, or none. */
    public static Totals of(@Nullable IndexRecord record) {
        return record == null ? NONE : of(record.length(), record.isEvictable());
    }

    public Totals plus(Totals other) {
        return new Totals(
                objects + other.objects,
                bytes + other.bytes,
                evictableObjects + other.evictableObjects,
                evictableBytes + other.evictableBytes);
    }

    public Totals minus(Totals other) {
        return new Totals(
                objects - other.objects,
                bytes - other.bytes,
                evictableObjects - other.evictableObjects,
                evictableBytes - other.evictableBytes);
    }

    /** As {@link #minus} of an object, where the length can't be told. */
    Totals minusDamaged() {
        return new Totals(objects - 1, bytes, evictableObjects, evictableBytes);
    }
}
