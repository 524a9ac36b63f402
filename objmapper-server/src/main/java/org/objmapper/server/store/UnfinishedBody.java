package org.objmapper.server.store;

/** What a body that no object has yet takes of the store's capacity. Whoever made it lets go of it. Safe on any thread. */
final class UnfinishedBody {
    private final BackingTier tier;
    private long bytes;

    UnfinishedBody(BackingTier tier) {
        this.tier = tier;
    }

    /** So many bytes more are about to be written; refused with NO_SPACE where they have no room. May wait for the evictor. */
    void grow(long more) throws StoreException {
        tier.grow(more);
        synchronized (this) {
            bytes += more;
        }
    }

    /** An object has it now, or nobody. Letting go again does nothing. */
    void letGo() {
        long all;
        synchronized (this) {
            all = bytes;
            bytes = 0;
        }
        tier.shrink(all);
    }
}
