package org.objmapper.server.store.eviction;

/** Slots in order, linked through {@link Slots}. A slot is in one list at most. */
final class SlotList {
    private final Slots slots;
    private final int id;
    private int oldest = Policy.NONE;
    private int newest = Policy.NONE;
    private long bytes;

    /**
     * Makes an empty one.
     *
     * @param id what {@link Slots#list} says of its members, 0 to 255
     */
    SlotList(Slots slots, int id) {
        this.slots = slots;
        this.id = id;
    }

    void addNewest(int slot) {
        slots.setList(slot, id);
        slots.setOlder(slot, newest);
        slots.setNewer(slot, Policy.NONE);
        if (newest == Policy.NONE) {
            oldest = slot;
        } else {
            slots.setNewer(newest, slot);
        }
        newest = slot;
        bytes += slots.bytes(slot);
    }

    void remove(int slot) {
        int older = slots.older(slot);
        int newer = slots.newer(slot);
        if (older == Policy.NONE) {
            oldest = newer;
        } else {
            slots.setNewer(older, newer);
        }
        if (newer == Policy.NONE) {
            newest = older;
        } else {
            slots.setOlder(newer, older);
        }
        bytes -= slots.bytes(slot);
    }

    void moveToNewest(int slot) {
        remove(slot);
        addNewest(slot);
    }

    int oldest() {
        return oldest;
    }

    boolean isEmpty() {
        return oldest == Policy.NONE;
    }

    long bytes() {
        return bytes;
    }

    void save(Policy.Order order) {
        for (int slot = oldest; slot != Policy.NONE; slot = slots.newer(slot)) {
            order.next(slot, (byte) slots.mark(slot));
        }
    }
}
