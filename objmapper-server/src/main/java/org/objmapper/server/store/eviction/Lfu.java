package org.objmapper.server.store.eviction;

/**
 * Least frequently used first, the older first among equals. An object's rank is how often it was asked for plus the rank of the last
 * victim when it was, so that what was popular once does not stay for ever (LFU with dynamic aging, Arlitt and others, 2000).
 */
final class Lfu implements Policy {
    /** Ranks in use at any time: those from the lowest on. A power of two. */
    private static final int RANKS = 256;

    private static final int MOST_USES = RANKS - 2;

    private final Slots slots = new Slots();
    private final SlotList[] byRank = new SlotList[RANKS];
    /** No object has a lower rank. Counts on for ever; the lists are used in turn. */
    private long lowest;

    private int size;

    Lfu() {
        for (int i = 0; i < RANKS; i++) {
            byRank[i] = new SlotList(slots, i);
        }
    }

    @Override
    public void add(int slot, long keyHash, long bytes) {
        slots.set(slot, keyHash, bytes);
        slots.setMark(slot, 1);
        rank(slot);
        size++;
    }

    @Override
    public void hit(int slot) {
        byRank[slots.list(slot)].remove(slot);
        slots.setMark(slot, Math.min(slots.mark(slot) + 1, MOST_USES));
        rank(slot);
    }

    private void rank(int slot) {
        byRank[(int) (lowest + slots.mark(slot)) & RANKS - 1].addNewest(slot);
    }

    @Override
    public void remove(int slot) {
        byRank[slots.list(slot)].remove(slot);
        size--;
    }

    @Override
    public int victim() {
        if (size == 0) {
            return NONE;
        }
        while (byRank[(int) lowest & RANKS - 1].isEmpty()) {
            lowest++;
        }
        return byRank[(int) lowest & RANKS - 1].oldest();
    }

    @Override
    public long bytes(int slot) {
        return slots.bytes(slot);
    }

    @Override
    public void save(Order order) {
        for (int i = 0; i < RANKS; i++) {
            byRank[(int) (lowest + i) & RANKS - 1].save(order);
        }
    }

    @Override
    public void restore(int slot, long keyHash, long bytes, byte state) {
        add(slot, keyHash, bytes);
        byRank[slots.list(slot)].remove(slot);
        slots.setMark(slot, Math.max(1, Math.min(state & 0xff, MOST_USES)));
        rank(slot);
    }
}
