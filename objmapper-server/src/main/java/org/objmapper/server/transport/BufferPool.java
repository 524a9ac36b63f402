package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;

/** Direct little-endian buffers of one size, lent to the sessions of one loop. Not thread-safe. */
final class BufferPool {
    private final int size;
    private final int kept;
    private final ArrayDeque<ByteBuffer> free = new ArrayDeque<>();

    /** Buffers of {@code size} bytes, of which up to {@code kept} wait for their next use. */
    BufferPool(int size, int kept) {
        this.size = size;
        this.kept = kept;
    }

    int size() {
        return size;
    }

    /** A buffer with at least {@code bytes} of room: of the pool's size, or larger and made for this once. */
    ByteBuffer take(int bytes) {
        if (bytes > size) {
            return direct(bytes);
        }
        ByteBuffer buffer = free.pollFirst();
        return buffer == null ? direct(size) : buffer;
    }

    /** Takes back what came from here; of other sizes it keeps none. */
    void giveBack(ByteBuffer buffer) {
        if (buffer.capacity() == size && free.size() < kept) {
            buffer.clear();
            free.addFirst(buffer);
        }
    }

    static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
