package org.objmapper.server.store.index;

/**
 * What the index holds, kept in it with every commit.
 *
 * @param bytes of all bodies
 */
public record Totals(long objects, long bytes) {
    Totals plus(IndexRecord record) {
        return new Totals(objects + 1, bytes + record.length());
    }

    /** As {@link #minus}, where the length can't be told. */
    Totals minusDamaged() {
        return new Totals(objects - 1, bytes);
    }

    Totals minus(IndexRecord record) {
        return new Totals(objects - 1, bytes - record.length());
    }
}
