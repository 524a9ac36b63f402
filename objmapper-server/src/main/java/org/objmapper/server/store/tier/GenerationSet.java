package org.objmapper.server.store.tier;

import java.util.Arrays;

/** A set of generations, which are never 0; takes 8 to 32 bytes for each. Safe on any thread. */
final class GenerationSet {
    private static final int FEWEST = 1 << 10;
    private static final long SPREAD = 0x9e3779b97f4a7c15L;

    // Guarded by this. A power of two of cells; 0 for an empty one.
    private long[] cells = new long[FEWEST];
    private int size;

    synchronized boolean contains(long generation) {
        return cells[find(generation)] == generation;
    }

    /** Adds one, unless it is there. */
    synchronized void add(long generation) {
        if (2 * size >= cells.length) {
            grow();
        }
        int cell = find(generation);
        if (cells[cell] == 0) {
            cells[cell] = generation;
            size++;
        }
    }

    /** Whether it was there. */
    synchronized boolean remove(long generation) {
        int cell = find(generation);
        if (cells[cell] == 0) {
            return false;
        }
        size--;
        closeGap(cell);
        return true;
    }

    private void grow() {
        long[] old = cells;
        cells = new long[2 * old.length];
        Arrays.stream(old)
                .filter(generation -> generation != 0)
                .forEach(generation -> cells[find(generation)] = generation);
    }

    /** Its cell, or the empty one where it would go. */
    private int find(long generation) {
        int cell = home(generation);
        while (cells[cell] != 0 && cells[cell] != generation) {
            cell = next(cell);
        }
        return cell;
    }

    /** Moves up who stands behind a cell only because it was taken. */
    private void closeGap(int emptied) {
        int gap = emptied;
        for (int cell = next(gap); cells[cell] != 0; cell = next(cell)) {
            int home = home(cells[cell]);
            if ((cell - home & cells.length - 1) >= (cell - gap & cells.length - 1)) {
                cells[gap] = cells[cell];
                gap = cell;
            }
        }
        cells[gap] = 0;
    }

    private int home(long generation) {
        return (int) (generation * SPREAD >>> 32) & cells.length - 1;
    }

    private int next(int cell) {
        return cell + 1 & cells.length - 1;
    }
}
