package org.objmapper.server.store.eviction;

/** Least recently used first. */
final class Lru extends QueuePolicy {
    @Override
    public void hit(int slot) {
        queue.moveToNewest(slot);
    }
}
