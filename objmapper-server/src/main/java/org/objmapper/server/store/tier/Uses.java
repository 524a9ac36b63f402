package org.objmapper.server.store.tier;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongConsumer;

/**
 * Who was asked for lately. Noting takes no lock, allocates nothing and loses some: an object counts once between two drains, and one of
 * two objects that have the same place in the table. Any thread notes; one drains.
 */
public final class Uses {
    private static final int CELLS = 1 << 15;

    private final AtomicLongArray cells = new AtomicLongArray(CELLS);

    /** Notes that somebody asked for an object; its hash is evenly spread. */
    public void note(long hash) {
        int cell = (int) hash & CELLS - 1;
        if (cells.getPlain(cell) != hash) { // what is asked for again and again is not written again and again
            cells.setOpaque(cell, hash);
        }
    }

    /** Hands over those that were noted since the last time, in no order. */
    public void drain(LongConsumer taker) {
        for (int cell = 0; cell < CELLS; cell++) {
            long hash = cells.getPlain(cell);
            if (hash != 0) {
                cells.setOpaque(cell, 0);
                taker.accept(hash);
            }
        }
    }
}
