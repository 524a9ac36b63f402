package org.objmapper.server.store;

/**
 * Numbers that tell which of two changes is the newer one, each given out once. Not even a crash lets one come again: they are taken from
 * a block whose end is on disk before its first is used. Safe on any thread.
 */
final class Generations {
    private static final long BLOCK = 1L << 20;

    private long next;
    private long bound;

    /** Begins at the end of all blocks that the disk knows of. */
    Generations(long firstUnused) {
        next = firstUnused;
        bound = firstUnused + BLOCK;
    }

    /** All that were taken are below it. */
    synchronized long next() {
        return next;
    }

    /** One that nobody had before. */
    synchronized long take() {
        if (next >= bound) {
            throw new IllegalStateException("the reserved generations are used up");
        }
        return next++;
    }

    /**
     * The end of the blocks, for the next commit to bring to disk. It moves while half a block is left, more than changes can wait: so what
     * is behind it is used from that commit on alone.
     */
    synchronized long bound() {
        if (bound - next < BLOCK / 2) {
            bound += BLOCK;
        }
        return bound;
    }
}
