package org.objmapper.server.store.eviction;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * What the policies know of each slot, outside the heap: {@value #BYTES_PER_SLOT} bytes a slot. Grows by a chunk at a time and never
 * shrinks. The chunks belong to the collector, as all direct buffers.
 */
final class Slots {
    static final int BYTES_PER_SLOT = 24;

    private static final int CHUNK_SHIFT = 16;
    private static final int CHUNK_SLOTS = 1 << CHUNK_SHIFT;

    private static final int OLDER = 0;
    private static final int NEWER = 4;
    private static final int BYTES = 8;
    private static final int HASH = 16;
    private static final int LIST = 20;
    private static final int MARK = 21;

    private ByteBuffer[] chunks = new ByteBuffer[0];

    /** Makes a slot usable and writes what is fixed about its object. */
    void set(int slot, long keyHash, long bytes) {
        int chunk = slot >>> CHUNK_SHIFT;
        while (chunk >= chunks.length) {
            chunks = Arrays.copyOf(chunks, chunks.length + 1);
            chunks[chunks.length - 1] =
                    ByteBuffer.allocateDirect(CHUNK_SLOTS * BYTES_PER_SLOT).order(ByteOrder.nativeOrder());
        }
        chunks[chunk].putLong(at(slot) + BYTES, bytes);
        chunks[chunk].putInt(at(slot) + HASH, (int) (keyHash ^ keyHash >>> 32));
        chunks[chunk].put(at(slot) + MARK, (byte) 0);
    }

    int older(int slot) {
        return chunk(slot).getInt(at(slot) + OLDER);
    }

    void setOlder(int slot, int older) {
        chunk(slot).putInt(at(slot) + OLDER, older);
    }

    int newer(int slot) {
        return chunk(slot).getInt(at(slot) + NEWER);
    }

    void setNewer(int slot, int newer) {
        chunk(slot).putInt(at(slot) + NEWER, newer);
    }

    long bytes(int slot) {
        return chunk(slot).getLong(at(slot) + BYTES);
    }

    /** Half of the key's hash, which is enough for a sketch. */
    int hash(int slot) {
        return chunk(slot).getInt(at(slot) + HASH);
    }

    /** Which of its policy's lists it is in. */
    int list(int slot) {
        return chunk(slot).get(at(slot) + LIST) & 0xff;
    }

    void setList(int slot, int list) {
        chunk(slot).put(at(slot) + LIST, (byte) list);
    }

    /** What the policy noted of its use. */
    int mark(int slot) {
        return chunk(slot).get(at(slot) + MARK) & 0xff;
    }

    void setMark(int slot, int mark) {
        chunk(slot).put(at(slot) + MARK, (byte) mark);
    }

    private ByteBuffer chunk(int slot) {
        return chunks[slot >>> CHUNK_SHIFT];
    }

    private static int at(int slot) {
        return (slot & CHUNK_SLOTS - 1) * BYTES_PER_SLOT;
    }
}
