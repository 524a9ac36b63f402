package org.objmapper.server.store.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;

/**
 * What is known of each object, by slot. A slot is 80 bytes, in the machine's byte order:
 *
 * <pre>
 *  0    code of the object         68 u32 place of the metadata, among those of its size
 * 32 u64 generation               72 u16 device
 * 40 u64 body generation          74 u16 upper bits of the grace
 * 48 u64 bytes of the body        76 u8  bytes of the metadata; 255: the index has it
 * 56 u64 expiry, milliseconds     77 u8  flags, as in the index
 * 64 u32 grace, milliseconds      78 u8  state
 *                                 79 u8  1: others under the key may have found no room
 * </pre>
 *
 * The metadata of an object with a file stands beside, where it is short, in pieces of a multiple of 16 bytes.
 */
final class Slots {
    static final int SLOT_BYTES = 80;
    /** Longer metadata, and that of inline bodies, is left to the index, which has to be asked anyhow. */
    static final int MAX_METADATA_BYTES = 128;

    /** The table has no such object; no slot says so. */
    static final byte NOT_HERE = 0;
    /** The index is to be asked: a change is on its way. */
    static final byte UNSETTLED = 1;
    /** The object was removed while the table is being filled. */
    static final byte GONE = 2;
    /** The object is there. */
    static final byte THERE = 3;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final int CODE_BYTES = 32;
    private static final int GENERATION = 32;
    private static final int BODY_GENERATION = 40;
    private static final int LENGTH = 48;
    private static final int EXPIRY = 56;
    private static final int GRACE = 64;
    private static final int PLACE = 68;
    private static final int DEVICE = 72;
    private static final int GRACE_UPPER = 74;
    private static final int METADATA_BYTES = 76;
    private static final int FLAGS = 77;
    private static final int STATE = 78;
    private static final int LACKING = 79;

    private static final int IN_INDEX = 255;
    private static final int PIECE = 16;
    /** Some 8,900 years; a longer grace is no other. */
    private static final long MAX_GRACE = (1L << 48) - 1;

    private final Blocks slots;
    private final Blocks[] metadata = new Blocks[MAX_METADATA_BYTES / PIECE];

    Slots(TableMemory memory) {
        slots = new Blocks(memory, SLOT_BYTES);
        for (int i = 0; i < metadata.length; i++) {
            metadata[i] = new Blocks(memory, (i + 1) * PIECE);
        }
    }

    // ---- for the one thread that changes them

    /** A slot that nothing is known of yet; {@link Blocks#NONE} where there is no room for one. */
    int take() {
        return slots.take();
    }

    /** Has a slot that was just taken stand for an object of which nothing is known. */
    void begin(int slot, byte[] code, boolean othersMayLack) {
        ByteBuffer memory = memory(slot);
        int at = slots.at(slot);
        memory.put(at, code, 0, CODE_BYTES);
        memory.put(at + METADATA_BYTES, (byte) IN_INDEX);
        memory.put(at + STATE, UNSETTLED);
        memory.put(at + LACKING, (byte) (othersMayLack ? 1 : 0));
    }

    /** Another object under the key of this one found no room. */
    void othersLack(int slot) {
        memory(slot).put(slots.at(slot) + LACKING, (byte) 1);
    }

    /** Room for a record's metadata beside its slot; {@link Blocks#NONE} where it is left to the index. */
    int takePlace(IndexRecord record) {
        int length = record.metadata().length;
        return record.hasFile() && length <= MAX_METADATA_BYTES
                ? piecesFor(length).take()
                : Blocks.NONE;
    }

    /** Writes what is known, with the metadata to a place that was taken for it. */
    void write(int slot, IndexRecord record, int place) {
        ByteBuffer memory = memory(slot);
        int at = slots.at(slot);
        freePlace(memory, at);
        long grace = Math.min(record.graceMillis(), MAX_GRACE);
        memory.putLong(at + GENERATION, record.generation())
                .putLong(at + BODY_GENERATION, record.bodyGeneration())
                .putLong(at + LENGTH, record.length())
                .putLong(at + EXPIRY, record.expiryMillis())
                .putInt(at + GRACE, (int) grace)
                .putShort(at + GRACE_UPPER, (short) (grace >>> 32))
                .putShort(at + DEVICE, (short) record.device())
                .put(at + FLAGS, (byte) record.flags())
                .put(at + STATE, THERE);
        if (place == Blocks.NONE) {
            memory.put(at + METADATA_BYTES, (byte) IN_INDEX);
            return;
        }
        byte[] bytes = record.metadata();
        Blocks pieces = piecesFor(bytes.length);
        writableMemory(pieces, place).put(pieces.at(place), bytes);
        memory.putInt(at + PLACE, place).put(at + METADATA_BYTES, (byte) bytes.length);
    }

    /** Gives a slot back, and its metadata. */
    void free(int slot) {
        freePlace(memory(slot), slots.at(slot));
        slots.free(slot);
    }

    private void freePlace(ByteBuffer memory, int at) {
        int length = memory.get(at + METADATA_BYTES) & 0xFF;
        if (length != IN_INDEX) {
            piecesFor(length).free(memory.getInt(at + PLACE));
            memory.put(at + METADATA_BYTES, (byte) IN_INDEX);
        }
    }

    byte state(int slot) {
        return memory(slot).get(slots.at(slot) + STATE);
    }

    void setState(int slot, byte state) {
        memory(slot).put(slots.at(slot) + STATE, state);
    }

    private ByteBuffer memory(int slot) {
        return writableMemory(slots, slot);
    }

    private static ByteBuffer writableMemory(Blocks blocks, int block) {
        ByteBuffer memory = blocks.memory(block);
        if (memory == null) {
            throw new IllegalStateException("no block " + block);
        }
        return memory;
    }

    private Blocks piecesFor(int length) {
        return metadata[(Math.max(length, 1) - 1) / PIECE];
    }

    // ---- for readers, who may meet anything and check afterwards

    /** The first 8 bytes of a code. */
    static long firstOf(byte[] code) {
        return (long) LONGS.get(code, 0);
    }

    /** Whether a slot stands for an object. */
    boolean isOf(int slot, byte[] code) {
        ByteBuffer memory = slots.memory(slot);
        return memory != null
                && isUnder(slot, code)
                && memory.getLong(slots.at(slot) + ObjectKey.SHARED_BYTES)
                        == (long) LONGS.get(code, ObjectKey.SHARED_BYTES);
    }

    /** Whether a slot stands for an object under the same key as another. */
    boolean isUnder(int slot, byte[] code) {
        ByteBuffer memory = slots.memory(slot);
        if (memory == null) {
            return false;
        }
        int at = slots.at(slot);
        return memory.getLong(at) == (long) LONGS.get(code, 0)
                && memory.getLong(at + 8) == (long) LONGS.get(code, 8)
                && memory.getLong(at + 16) == (long) LONGS.get(code, 16);
    }

    /** Copies what is known, with the metadata that stands beside if {@code whole}; returns the state. */
    byte read(int slot, Entry into, boolean whole) {
        ByteBuffer memory = slots.memory(slot);
        if (memory == null) {
            return UNSETTLED;
        }
        int at = slots.at(slot);
        into.slot = slot;
        into.generation = memory.getLong(at + GENERATION);
        into.bodyGeneration = memory.getLong(at + BODY_GENERATION);
        into.length = memory.getLong(at + LENGTH);
        into.expiryMillis = memory.getLong(at + EXPIRY);
        into.graceMillis =
                Integer.toUnsignedLong(memory.getInt(at + GRACE)) | (memory.getShort(at + GRACE_UPPER) & 0xFFFFL) << 32;
        into.device = memory.getShort(at + DEVICE) & 0xFFFF;
        into.flags = memory.get(at + FLAGS) & 0xFF;
        int length = memory.get(at + METADATA_BYTES) & 0xFF;
        into.metadataBytes = length == IN_INDEX ? Entry.IN_INDEX : length;
        if (whole && length <= MAX_METADATA_BYTES) {
            Blocks pieces = piecesFor(length);
            int place = memory.getInt(at + PLACE);
            ByteBuffer beside = pieces.memory(place);
            if (beside != null) {
                beside.get(pieces.at(place), into.metadata, 0, length);
            }
        }
        return memory.get(at + LACKING) == 0 ? memory.get(at + STATE) : UNSETTLED;
    }
}
