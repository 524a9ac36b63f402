package org.objmapper.server.store.table;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Blocks of one size, known by number. A number is given to another once it is free, and a block never moves; memory grows by a chunk at a
 * time and never shrinks. Taken and freed by one thread at a time; others may read at any time, and have to find out themselves whether
 * what they read belongs together.
 */
final class Blocks {
    static final int NONE = -1;
    private static final int CHUNK_SHIFT = 13;
    private static final int CHUNK_BLOCKS = 1 << CHUNK_SHIFT;

    private final TableMemory memory;
    private final int blockBytes;
    private volatile ByteBuffer[] chunks = new ByteBuffer[0];
    private int used;
    /** The last that was freed; each begins with the number of the one freed before it. */
    private int free = NONE;

    Blocks(TableMemory memory, int blockBytes) {
        this.memory = memory;
        this.blockBytes = blockBytes;
    }

    /** A block that is nobody's; {@link #NONE} where there is no room for one. */
    int take() {
        if (free != NONE) {
            int taken = free;
            free = chunks[taken >>> CHUNK_SHIFT].getInt(at(taken));
            return taken;
        }
        if (used >>> CHUNK_SHIFT == chunks.length && !grow()) {
            return NONE;
        }
        return used++;
    }

    private boolean grow() {
        ByteBuffer added = used > Integer.MAX_VALUE - CHUNK_BLOCKS ? null : memory.take(CHUNK_BLOCKS * blockBytes);
        if (added == null) {
            return false;
        }
        ByteBuffer[] grown = Arrays.copyOf(chunks, chunks.length + 1);
        grown[chunks.length] = added;
        chunks = grown;
        return true;
    }

    void free(int block) {
        chunks[block >>> CHUNK_SHIFT].putInt(at(block), free);
        free = block;
    }

    /** The memory in which a block is, from {@link #at} on; null for a number that no block has. Any thread. */
    @Nullable
    ByteBuffer memory(int block) {
        ByteBuffer[] there = chunks;
        int chunk = block >>> CHUNK_SHIFT;
        return chunk < there.length ? there[chunk] : null;
    }

    int at(int block) {
        return (block & CHUNK_BLOCKS - 1) * blockBytes;
    }
}
