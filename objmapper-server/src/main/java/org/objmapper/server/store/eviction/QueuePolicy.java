package org.objmapper.server.store.eviction;

/** The policies that keep all objects in one queue, new ones behind the others; whoever is in front leaves first. */
abstract class QueuePolicy implements Policy {
    final Slots slots = new Slots();
    final SlotList queue = new SlotList(slots, 0);

    @Override
    public void add(int slot, long keyHash, long bytes) {
        slots.set(slot, keyHash, bytes);
        queue.addNewest(slot);
    }

    @Override
    public void remove(int slot) {
        queue.remove(slot);
    }

    @Override
    public int victim() {
        return queue.oldest();
    }

    @Override
    public long bytes(int slot) {
        return slots.bytes(slot);
    }

    @Override
    public void save(Order order) {
        queue.save(order);
    }

    @Override
    public void restore(int slot, long keyHash, long bytes, byte state) {
        add(slot, keyHash, bytes);
    }
}
