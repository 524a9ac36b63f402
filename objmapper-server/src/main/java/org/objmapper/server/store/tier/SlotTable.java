package org.objmapper.server.store.tier;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.IntConsumer;
import org.objmapper.server.store.eviction.Policy;

/**
 * Gives each hash a slot, the smallest numbers first. Takes 8 bytes outside the heap and 5 to 11 in it for each. For one thread. The chunks
 * belong to the collector, as all direct buffers.
 */
final class SlotTable {
    private static final int CHUNK_SHIFT = 16;
    private static final int CHUNK_SLOTS = 1 << CHUNK_SHIFT;
    private static final int FEWEST_CELLS = 1 << 10;

    // Drawn anew in each process, so that nobody can choose keys whose cells are neighbours.
    private final long secret = ThreadLocalRandom.current().nextLong() | 1;
    /** Slots plus one, where their hash leads; 0 for none. A power of two of them. */
    private int[] cells = new int[FEWEST_CELLS];

    private ByteBuffer[] chunks = new ByteBuffer[0];
    private int size;
    /** All slots that were ever in use are below it. */
    private int used;

    private int firstFree = Policy.NONE;

    int size() {
        return size;
    }

    /** All slots in use, in no order. */
    void forEach(IntConsumer taker) {
        for (int content : cells) {
            if (content != 0) {
                taker.accept(content - 1);
            }
        }
    }

    /** The slot of a hash; {@link Policy#NONE} if it has none. */
    int find(long hash) {
        for (int cell = home(hash); cells[cell] != 0; cell = next(cell)) {
            if (hash(cells[cell] - 1) == hash) {
                return cells[cell] - 1;
            }
        }
        return Policy.NONE;
    }

    /** The hash of a slot that is in use. */
    long hash(int slot) {
        return chunks[slot >>> CHUNK_SHIFT].getLong(at(slot));
    }

    /** Gives a slot to a hash that has none. */
    int add(long hash) {
        if (++size > cells.length / 4 * 3) {
            grow();
        }
        int slot = freeSlot();
        setHash(slot, hash);
        place(slot, hash);
        return slot;
    }

    private int freeSlot() {
        int slot = firstFree;
        if (slot != Policy.NONE) {
            firstFree = (int) hash(slot);
            return slot;
        }
        slot = used++;
        if (slot >>> CHUNK_SHIFT == chunks.length) {
            chunks = Arrays.copyOf(chunks, chunks.length + 1);
            chunks[chunks.length - 1] =
                    ByteBuffer.allocateDirect(CHUNK_SLOTS * Long.BYTES).order(ByteOrder.nativeOrder());
        }
        return slot;
    }

    private void setHash(int slot, long hash) {
        chunks[slot >>> CHUNK_SHIFT].putLong(at(slot), hash);
    }

    private void place(int slot, long hash) {
        int cell = home(hash);
        while (cells[cell] != 0) {
            cell = next(cell);
        }
        cells[cell] = slot + 1;
    }

    private void grow() {
        int[] old = cells;
        cells = new int[old.length * 2];
        for (int content : old) {
            if (content != 0) {
                place(content - 1, hash(content - 1));
            }
        }
    }

    /** Takes a slot back. */
    void remove(int slot) {
        int gap = home(hash(slot));
        while (cells[gap] != slot + 1) {
            gap = next(gap);
        }
        closeGap(gap);
        setHash(slot, firstFree);
        firstFree = slot;
        size--;
    }

    /** Moves up who stands behind a cell only because it was taken. */
    private void closeGap(int emptied) {
        int gap = emptied;
        for (int cell = next(gap); cells[cell] != 0; cell = next(cell)) {
            int home = home(hash(cells[cell] - 1));
            if ((cell - home & cells.length - 1) >= (cell - gap & cells.length - 1)) {
                cells[gap] = cells[cell];
                gap = cell;
            }
        }
        cells[gap] = 0;
    }

    private int home(long hash) {
        long mixed = (hash ^ secret) * 0x9e3779b97f4a7c15L;
        mixed = (mixed ^ mixed >>> 32) * secret;
        return (int) (mixed >>> 32) & cells.length - 1;
    }

    private int next(int cell) {
        return cell + 1 & cells.length - 1;
    }

    private static int at(int slot) {
        return (slot & CHUNK_SLOTS - 1) * Long.BYTES;
    }
}
