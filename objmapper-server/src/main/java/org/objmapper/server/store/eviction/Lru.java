package org.objmapper.server.store.eviction;

/** Least recently used first. */
final class Lru implements Policy {
    private final Slots slots = new Slots();
    private final SlotList list = new SlotList(slots, 0);

    @Override
    public void add(int slot, long keyHash, long bytes) {
        slots.set(slot, keyHash, bytes);
        list.addNewest(slot);
    }

    @Override
    public void hit(int slot) {
        list.moveToNewest(slot);
    }

    @Override
    public void remove(int slot) {
        list.remove(slot);
    }

    @Override
    public int victim() {
        return list.oldest();
    }

    @Override
    public void save(Order order) {
        list.save(order);
    }

    @Override
    public void restore(int slot, long keyHash, long bytes, byte state) {
        add(slot, keyHash, bytes);
    }
}
