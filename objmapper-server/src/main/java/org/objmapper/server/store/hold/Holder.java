package org.objmapper.server.store.hold;

import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * Which bodies one session was handed as descriptors, so that they are known as its own when they are removed and somebody still holds
 * them. It remembers a bounded number: of two that share a place, the later one. {@link #handed} is for one thread, all else for any.
 */
public final class Holder {
    /** Places; a power of two. */
    private static final int PLACES = 512;

    /** Spreads generations that follow each other. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final int uid;
    private final int pid;
    /** Generations of bodies, 0 for none; made with the first one. */
    private volatile @Nullable AtomicLongArray generations;

    private volatile long heldBytes;

    Holder(int uid, int pid) {
        this.uid = uid;
        this.pid = pid;
    }

    /** The session was passed a descriptor of this body. */
    public void handed(long bodyGeneration) {
        AtomicLongArray places = generations;
        if (places == null) {
            places = new AtomicLongArray(PLACES);
            generations = places;
        }
        places.lazySet(place(bodyGeneration), bodyGeneration);
    }

    boolean has(long bodyGeneration) {
        AtomicLongArray places = generations;
        return places != null && places.get(place(bodyGeneration)) == bodyGeneration;
    }

    private static int place(long bodyGeneration) {
        return (int) (bodyGeneration * SPREAD >>> 32) & PLACES - 1;
    }

    /** The user that the session is of. */
    int uid() {
        return uid;
    }

    /** The process that connected. */
    int pid() {
        return pid;
    }

    /** What the removed bodies that it was handed, and that somebody holds, occupy; as of a moment ago. */
    public long heldBytes() {
        return heldBytes;
    }

    void setHeldBytes(long bytes) {
        heldBytes = bytes;
    }
}
