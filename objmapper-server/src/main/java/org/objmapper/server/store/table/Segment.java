package org.objmapper.server.store.table;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.function.IntConsumer;

/**
 * A part of the table's directory: open addressing from hashes to slots, in cells of 8 bytes, of which the upper half is 32 bits of the
 * hash and the lower one the slot plus 1; 0 is empty. What is removed is closed up, so that nothing is left to stumble over. It grows by
 * itself, as a whole: with a thousand segments that is a short moment even for ten million objects.
 *
 * <p>One thread at a time changes it, and the slots that it leads to, between {@link #begin} and {@link #end}; readers see by
 * {@link #stamp} whether what they read belongs together.
 */
final class Segment {
    /** More than one object stands under the key. */
    static final int SEVERAL = -2;

    private static final int CELL = Long.BYTES;
    /** Of the cells so many quarters are in use at most. */
    private static final int FULL_QUARTERS = 3;

    private volatile int version;
    private volatile ByteBuffer cells;
    private int count;

    /** An empty one; {@code cells} are zeros, and a power of two. */
    Segment(ByteBuffer cells) {
        this.cells = cells;
    }

    /** The state of the segment; odd while it is being changed. */
    int stamp() {
        return version;
    }

    /** Whether nothing has changed since a stamp that was even: then what was read in between belongs together. */
    boolean isUnchanged(int stamp) {
        VarHandle.acquireFence();
        return version == stamp;
    }

    void begin() {
        setVersion(version + 1);
        VarHandle.storeStoreFence();
    }

    void end() {
        setVersion(version + 1);
    }

    private void setVersion(int now) {
        version = now;
    }

    /** The slot of a digest, {@link Blocks#NONE} where there is none. While the segment is being changed it may be any number. */
    int find(int tag, byte[] digest, Slots slots) {
        ByteBuffer there = cells;
        int mask = mask(there);
        int place = tag & mask;
        for (int looked = 0; looked <= mask; looked++) {
            long cell = there.getLong(place * CELL);
            if (cell == 0) {
                return Blocks.NONE;
            }
            if (tagOf(cell) == tag && slots.isOf(slotOf(cell), digest)) {
                return slotOf(cell);
            }
            place = place + 1 & mask;
        }
        return Blocks.NONE;
    }

    /**
     * As {@link #find} of the object without a variant under a key, but {@link #SEVERAL} where there are others under the key, and so whether
     * that one is there or not.
     */
    int findAlone(int tag, byte[] digest, Slots slots) {
        ByteBuffer there = cells;
        int mask = mask(there);
        int place = tag & mask;
        int found = Blocks.NONE;
        for (int looked = 0; looked <= mask; looked++) {
            long cell = there.getLong(place * CELL);
            if (cell == 0) {
                return found;
            }
            if (tagOf(cell) == tag && slots.isUnder(slotOf(cell), digest)) {
                if (!slots.isOf(slotOf(cell), digest)) {
                    return SEVERAL;
                }
                found = slotOf(cell);
            }
            place = place + 1 & mask;
        }
        return found;
    }

    /** Hands over the slots of all objects under a key. */
    void forEachUnder(int tag, byte[] code, Slots slots, IntConsumer taker) {
        ByteBuffer there = cells;
        int mask = mask(there);
        for (int place = tag & mask, looked = 0; looked <= mask; looked++, place = place + 1 & mask) {
            long cell = there.getLong(place * CELL);
            if (cell == 0) {
                return;
            }
            if (tagOf(cell) == tag && slots.isUnder(slotOf(cell), code)) {
                taker.accept(slotOf(cell));
            }
        }
    }

    /** Whether one more needs {@link #grow} first. */
    boolean isFull() {
        return count >= (mask(cells) + 1) / 4 * FULL_QUARTERS;
    }

    /** Moves to twice the memory; false where there is none. Readers need not notice, so it is not between begin and end. */
    boolean grow(TableMemory memory) {
        ByteBuffer old = cells;
        ByteBuffer larger = old.capacity() > Integer.MAX_VALUE / 2 ? null : memory.take(old.capacity() * 2);
        if (larger == null) {
            return false;
        }
        for (int at = 0; at < old.capacity(); at += CELL) {
            long cell = old.getLong(at);
            if (cell != 0) {
                insert(larger, cell);
            }
        }
        cells = larger;
        memory.gaveUp(old.capacity());
        return true;
    }

    /** Adds a slot that is not there. */
    void add(int tag, int slot) {
        insert(cells, (long) tag << 32 | slot + 1L);
        count++;
    }

    private static void insert(ByteBuffer cells, long cell) {
        int mask = mask(cells);
        int place = tagOf(cell) & mask;
        while (cells.getLong(place * CELL) != 0) {
            place = place + 1 & mask;
        }
        cells.putLong(place * CELL, cell);
    }

    /** Takes a slot out that is there; those behind it move up where they may. */
    void remove(int tag, int slot) {
        ByteBuffer there = cells;
        int mask = mask(there);
        int gap = tag & mask;
        while (slotOf(there.getLong(gap * CELL)) != slot) {
            gap = gap + 1 & mask;
        }
        int place = gap;
        while (true) {
            place = place + 1 & mask;
            long cell = there.getLong(place * CELL);
            if (cell == 0) {
                break;
            }
            int distance = place - tagOf(cell) & mask;
            if (distance >= (place - gap & mask)) {
                there.putLong(gap * CELL, cell);
                gap = place;
            }
        }
        there.putLong(gap * CELL, 0);
        count--;
    }

    private static int tagOf(long cell) {
        return (int) (cell >>> 32);
    }

    private static int slotOf(long cell) {
        return (int) cell - 1;
    }

    private static int mask(ByteBuffer cells) {
        return cells.capacity() / CELL - 1;
    }
}
