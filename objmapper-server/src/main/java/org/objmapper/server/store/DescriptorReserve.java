package org.objmapper.server.store;

import java.util.function.IntSupplier;

/**
 * The last descriptors that the process may open. They are for what is under way: neither sessions nor objects that are kept at hand
 * may use them up. Safe on any thread.
 */
final class DescriptorReserve {
    private static final int MOST = 64;
    static final int SHED_AT_ONCE = 64;

    private final long first;
    private final HotTable hot;
    private final IntSupplier closing;

    /** The reserve of a process that may open so many and keeps objects at hand; {@code closing} says how many descriptors wait to be closed. */
    DescriptorReserve(long limit, HotTable hot, IntSupplier closing) {
        this.first = limit - Math.min(limit / 8, MOST);
        this.hot = hot;
        this.closing = closing;
    }

    /**
     * Lets go of some objects where a new descriptor is of the reserve, unless what waits to be closed makes up for it already. A new
     * descriptor has the lowest number that is free, so its number tells how many others are in use. False where there is nothing to
     * let go of.
     */
    boolean makeRoomFor(int descriptor) {
        long taken = descriptor - first + 1;
        return taken <= 0 || closing.getAsInt() >= taken || shed();
    }

    /** Whether a new descriptor is of the reserve. */
    boolean holds(int descriptor) {
        return descriptor >= first;
    }

    /** Lets go of some objects at hand: the process has too many descriptors. False where none has one. */
    boolean shed() {
        return hot.shed(SHED_AT_ONCE, StoredObject::unpin);
    }

    /** As {@link #shed}, on a thread that may block; the descriptors are closed on return. */
    void shedHere() {
        hot.shed(SHED_AT_ONCE, StoredObject::unpinHere);
    }
}
