package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The buffers in which bodies wait for the device: a bounded number, made as they are needed and kept. Safe on any thread. */
final class ChunkPool {
    static final int CHUNK_BYTES = 256 * 1024;

    private final Deque<ByteBuffer> idle = new ArrayDeque<>();
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private int left;

    ChunkPool(int most) {
        this.left = most;
    }

    /** A buffer, or null when all are in use; then {@code whenFree} runs once when one has come back. */
    synchronized @Nullable ByteBuffer take(Runnable whenFree) {
        ByteBuffer buffer = idle.poll();
        if (buffer == null && left > 0) {
            left--;
            buffer = ByteBuffer.allocateDirect(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        }
        if (buffer == null) {
            waiting.add(whenFree);
        }
        return buffer;
    }

    void giveBack(ByteBuffer buffer) {
        List<Runnable> wake;
        synchronized (this) {
            idle.push(buffer.clear());
            wake = List.copyOf(waiting); // all of them: some may want none any more
            waiting.clear();
        }
        wake.forEach(Runnable::run);
    }
}
