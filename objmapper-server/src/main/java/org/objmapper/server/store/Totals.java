package org.objmapper.server.store;

/**
 * What the index holds, kept in it with every commit.
 *
 * @param bytes of all bodies
 */
record Totals(long objects, long bytes) {
    Totals plus(IndexRecord record) {
        return new Totals(objects + 1, bytes + record.length());
    }

    Totals minus(IndexRecord record) {
        return new Totals(objects - 1, bytes - record.length());
    }
}
