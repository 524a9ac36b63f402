package org.objmapper.server.store.validity;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The words by which clients know whether what they keep is current (protocol-spec.md 11): one for all keys of a slot, and one for all
 * objects, the epoch. A word is odd while a change that it stands for is published, and even and another one afterwards. Reading is safe
 * on any thread, takes no lock and allocates nothing. {@link #begin} and {@link #end} belong to whoever holds the lock under which
 * objects change, so that no two changes of a slot overlap.
 */
public final class ValidityTable {
    static final long MAGIC = 0x31425456_4A424F4AL; // "JOBJVTB1"
    static final int MAGIC_AT = 0;
    static final int WORDS_AT = 8;
    static final int FIRST_WORD_AT = 16;
    static final int ID_AT = 24;
    static final int ID_BYTES = 16;
    private static final int EPOCH_AT = 64;
    private static final int CLOCK_AT = 128;
    static final int HEADER_BYTES = 4_096;

    private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final ByteBuffer memory;
    private final int mask;

    /** A table in the memory of a file, or of this process alone, that begins with a header; {@code words} is a power of two. */
    ValidityTable(ByteBuffer memory, int words) {
        this.memory = memory;
        this.mask = words - 1;
    }

    /** One that nobody else has. */
    public static ValidityTable unshared() {
        return new ValidityTable(ByteBuffer.allocateDirect(HEADER_BYTES + Long.BYTES), 1);
    }

    /** To be asked for before a look-up, as {@link #word} is; odd while it changes. */
    public long epoch() {
        return (long) WORD.getAcquire(memory, EPOCH_AT);
    }

    /** Where the word of a key stands, by its hash. */
    public int slot(long keyHash) {
        return (int) (keyHash >>> Integer.SIZE) & mask;
    }

    /** The word of a slot. */
    public long word(int slot) {
        return (long) WORD.getAcquire(memory, at(slot));
    }

    private static int at(int slot) {
        return HEADER_BYTES + slot * Long.BYTES;
    }

    /** Something under a key is about to change; what is published from here on comes after the odd word for every reader. */
    public void begin(long keyHash) {
        int at = at(slot(keyHash));
        WORD.setVolatile(memory, at, (long) WORD.get(memory, at) + 1);
    }

    /** The change that {@link #begin} announced is there for every look-up. */
    public void end(long keyHash) {
        int at = at(slot(keyHash));
        WORD.setVolatile(memory, at, (long) WORD.get(memory, at) + 1);
    }

    /** Makes a change that any object may have a part in: nothing that clients keep is current afterwards. */
    public synchronized void changeAll(Runnable change) {
        WORD.setVolatile(memory, EPOCH_AT, epoch() + 1);
        try {
            change.run();
        } finally {
            WORD.setVolatile(memory, EPOCH_AT, epoch() + 1);
        }
    }

    /** Says what time it is, by which objects expire. */
    void setClock(long millis) {
        WORD.setRelease(memory, CLOCK_AT, millis);
    }

    /** Takes up the words of a server that is dead: nothing that was kept before is current, and no change is under way. */
    void takeUp() {
        WORD.setVolatile(memory, EPOCH_AT, (epoch() | 1) + 1);
        for (int slot = 0; slot <= mask; slot++) {
            long word = word(slot);
            if ((word & 1) != 0) {
                WORD.setRelease(memory, at(slot), word + 1);
            }
        }
    }
}
