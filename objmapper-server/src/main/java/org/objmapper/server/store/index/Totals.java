package org.objmapper.server.store.index;

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

    public Totals plus(IndexRecord record) {
        return plus(record, 1);
    }

    public Totals minus(IndexRecord record) {
        return plus(record, -1);
    }

    private Totals plus(IndexRecord record, int times) {
        int evictable = record.isEvictable() ? times : 0;
        return new Totals(
                objects + times,
                bytes + times * record.length(),
                evictableObjects + evictable,
                evictableBytes + evictable * record.length());
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

    /** As {@link #minus}, where the length can't be told. */
    Totals minusDamaged() {
        return new Totals(objects - 1, bytes, evictableObjects, evictableBytes);
    }
}
