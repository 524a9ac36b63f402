package org.objmapper.client;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The words by which a server tells whether what is kept is current (protocol-spec.md 11), mapped. The mapping goes when the collector
 * finds it. Thread-safe; {@link #holds} takes no lock but when the server's clock has moved, and allocates nothing.
 */
final class ValidityTable {
    private static final long MAGIC = 0x31425456_4A424F4AL;
    private static final int MAGIC_AT = 0;
    private static final int COUNT_AT = 8;
    private static final int FIRST_AT = 16;
    private static final int ID_AT = 24;
    private static final int ID_BYTES = 16;
    private static final int EPOCH_AT = 64;
    private static final int CLOCK_AT = 128;
    private static final int LEAST_BYTES = 136;

    /** How long a clock counts that does not move. */
    private static final long BOUND_NANOS = 1_000_000_000;

    /** What is noted less exactly than this is noted seldom enough. */
    private static final long CLOSE_ENOUGH_NANOS = 1_000_000;

    private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final ByteBuffer memory;
    private final long count;
    private final int first;
    private final byte[] id = new byte[ID_BYTES];

    /** The server's clock when it was read last, a moment of our own before that, and a moment at which the server was surely alive. */
    private volatile long clock;

    private volatile long readNanos = System.nanoTime() - 2 * BOUND_NANOS;
    private volatile long aliveNanos = readNanos;

    private ValidityTable(ByteBuffer memory, long count, int first) {
        this.memory = memory;
        this.count = count;
        this.first = first;
        memory.get(ID_AT, id);
    }

    /** Maps the table in a file, which stays the caller's; null where it is none of a kind that is known here. */
    static @Nullable ValidityTable map(FileChannel file) throws IOException {
        long size = file.size();
        if (size < LEAST_BYTES || size > Integer.MAX_VALUE) {
            return null;
        }
        ByteBuffer memory = file.map(FileChannel.MapMode.READ_ONLY, 0, size).order(ByteOrder.LITTLE_ENDIAN);
        long count = memory.getLong(COUNT_AT);
        long first = memory.getLong(FIRST_AT);
        boolean known = memory.getLong(MAGIC_AT) == MAGIC && Long.bitCount(count) == 1 && count > 0;
        boolean placed = first >= LEAST_BYTES && first <= size && first % Long.BYTES == 0;
        return known && placed && count <= (size - first) / Long.BYTES
                ? new ValidityTable(memory, count, (int) first)
                : null;
    }

    boolean isSameAs(ValidityTable other) {
        return Arrays.equals(id, other.id);
    }

    /** Whether there is such a slot. */
    boolean hasSlot(long slot) {
        return slot >= 0 && slot < count;
    }

    /** Whether what came with these is still what a GET would bring; {@code slot} is one that it {@link #hasSlot has}. */
    boolean holds(long epoch, int slot, long word, long deadline) {
        // The words first: that they are so is true of a moment before the clocks are read.
        if ((long) WORD.getAcquire(memory, EPOCH_AT) != epoch
                || (long) WORD.getAcquire(memory, first + slot * Long.BYTES) != word) {
            return false;
        }
        long now = System.nanoTime();
        long time = (long) WORD.getAcquire(memory, CLOCK_AT);
        if (time != clock) {
            clockMoved();
        } else if (now - readNanos > CLOSE_ENOUGH_NANOS) {
            readNanos = now;
        }
        return now - aliveNanos < BOUND_NANOS && Long.compareUnsigned(time, deadline) < 0;
    }

    /** It did so after it was read the last time: then the server was alive. Under a lock, so that no earlier look passes for a later one. */
    private synchronized void clockMoved() {
        long now = System.nanoTime();
        long time = (long) WORD.getAcquire(memory, CLOCK_AT);
        if (time != clock) {
            wasAlive(readNanos);
            clock = time;
        }
        readNanos = now;
    }

    /** The server has answered what was sent at a moment or later. */
    void answered(long sentNanos) {
        if (sentNanos - aliveNanos > CLOSE_ENOUGH_NANOS) {
            wasAlive(sentNanos);
        }
    }

    private synchronized void wasAlive(long nanos) {
        if (nanos - aliveNanos > 0) {
            aliveNanos = nanos;
        }
    }
}
