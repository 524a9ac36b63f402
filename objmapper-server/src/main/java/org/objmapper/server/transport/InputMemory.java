package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;

/**
 * The memory in which the sessions of one loop keep input that can't be used yet: the beginning of a frame, or what there is no room for.
 * What requests keep that are not answered yet is only counted here. Bounded in bytes. Only on the loop, but for {@link #held}.
 */
final class InputMemory {
    /** The most that a session can hold: a frame as far as its body, and what two receives of one turn bring. */
    private static final int MOST = Limits.HEADER + Limits.MAX_METADATA + Limits.MAX_PING + 2 * Loop.SLICE;

    private final BufferPool[] pools = {
        new BufferPool(16 * 1024, 256), new BufferPool(64 * 1024, 64), new BufferPool(MOST, 16)
    };
    private final long limit;
    private volatile long held; // written by the loop alone

    /** A memory of so many bytes, none of them held. */
    InputMemory(long limit) {
        this.limit = limit;
    }

    /** How many bytes are held. Any thread. */
    long held() {
        return held;
    }

    /** A buffer with at least {@code bytes} of room; null where the limit leaves none. */
    @Nullable
    ByteBuffer take(int bytes) {
        for (BufferPool pool : pools) {
            if (bytes <= pool.size()) {
                return take(pool);
            }
        }
        throw new IllegalArgumentException(bytes + " bytes of input are more than a session ever has to keep");
    }

    private @Nullable ByteBuffer take(BufferPool pool) {
        return count(pool.size()) ? pool.take(pool.size()) : null;
    }

    /** Counts bytes that are held elsewhere; false where the limit leaves no room for them. */
    boolean count(int bytes) {
        if (held + bytes > limit) {
            return false;
        }
        setHeld(held + bytes);
        return true;
    }

    /** Bytes that were {@link #count counted} are held no more. */
    void uncount(long bytes) {
        setHeld(held - bytes);
    }

    private void setHeld(long bytes) {
        held = bytes;
    }

    void giveBack(ByteBuffer buffer) {
        uncount(buffer.capacity());
        for (BufferPool pool : pools) {
            pool.giveBack(buffer);
        }
    }
}
