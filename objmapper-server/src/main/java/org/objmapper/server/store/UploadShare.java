package org.objmapper.server.store;

import java.util.concurrent.atomic.AtomicInteger;

/** What the bodies of one session may have of all {@link ChunkPool}s. Safe on any thread. */
public final class UploadShare {
    private final int few;
    private final AtomicInteger left;

    UploadShare(int chunks) {
        this.few = chunks / 2;
        this.left = new AtomicInteger(chunks);
    }

    /** How many there are to {@link #take}. */
    int left() {
        return left.get();
    }

    /** Bodies of one session on two devices may take one more than there is, at the same instant. */
    void take() {
        left.decrementAndGet();
    }

    void giveBack() {
        left.incrementAndGet();
    }

    /** Whether so few are left that a body which has one on its way to the device should leave them to the session's others. */
    boolean isShort() {
        return left.get() < few;
    }
}
