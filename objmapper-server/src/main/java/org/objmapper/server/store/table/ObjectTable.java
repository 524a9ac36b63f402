package org.objmapper.server.store.table;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;

/**
 * All objects of a store by their {@link ObjectKey#code}, in memory outside the heap. {@link #find} is for any thread, event loops included: it
 * takes no lock, allocates nothing and never waits. What changes the table is for one thread at a time, under the committer's lock.
 *
 * <p>Of an object that a change is on its way for, of one that found no room, and of one that is not filled in yet the table says that it
 * doesn't know; the index does. So it does of keys under which there is any object with a variant: which of them is wanted follows from
 * metadata that is not here.
 */
public final class ObjectTable {
    private static final int SEGMENT_BITS = 10;
    private static final int SEGMENTS = 1 << SEGMENT_BITS;
    private static final int FIRST_CELL_BYTES = 16 * Long.BYTES;
    /** The writer needs less than a microsecond, unless it is put off: then the index's queue is the better place to wait. */
    private static final int MAX_LOOKS = 64;

    /** What a look at the table says. */
    public enum Answer {
        /** There is such an object. */
        FOUND,
        /** There is none. */
        ABSENT,
        /** The index knows. */
        UNKNOWN
    }

    // Drawn anew in each process, so that nobody can choose keys whose cells are neighbours.
    private final long secret = ThreadLocalRandom.current().nextLong();
    private final TableMemory memory;
    private final Slots slots;
    private final Segment[] segments = new Segment[SEGMENTS];
    /** Those that were removed since the slice began that is being filled in. */
    private final List<byte[]> gone = new ArrayList<>();

    private boolean filling;
    /** Objects with a variant found no room: nobody knows which of those that come are alone under their key. */
    private boolean variantsLeftOut;

    private volatile boolean whole;
    private volatile int objects;
    private volatile long leftOut;

    /** A table without objects that is whole: the store is empty, or {@link #beginFilling} comes next. Takes so much memory at most. */
    public ObjectTable(long limitBytes) {
        memory = new TableMemory(limitBytes);
        slots = new Slots(memory);
        ByteBuffer cells = memory.take(SEGMENTS * FIRST_CELL_BYTES);
        if (cells == null) {
            throw new OutOfMemoryError("the table of objects needs " + SEGMENTS * FIRST_CELL_BYTES + " bytes to begin");
        }
        for (int i = 0; i < SEGMENTS; i++) {
            segments[i] = new Segment(
                    cells.slice(i * FIRST_CELL_BYTES, FIRST_CELL_BYTES).order(cells.order()));
        }
        whole = true;
    }

    // ---- looking

    /** What stands under a key, without its metadata, unless there is anything with a variant. */
    public Answer find(byte[] digest, Entry into) {
        return find(digest, into, false);
    }

    /** As {@link #find}, with the metadata where {@link Entry#needsIndex} doesn't say otherwise. */
    public Answer findWhole(byte[] digest, Entry into) {
        return find(digest, into, true);
    }

    private Answer find(byte[] digest, Entry into, boolean metadataToo) {
        boolean all = whole; // before anything else: what comes in later must not be taken for absent
        long hash = hash(digest);
        Segment segment = segment(hash);
        for (int looks = 0; looks < MAX_LOOKS; looks++) {
            int stamp = segment.stamp();
            if ((stamp & 1) == 0) {
                int slot = segment.findAlone((int) hash, digest, slots);
                byte state = state(slot, into, metadataToo);
                if (segment.isUnchanged(stamp)) {
                    return answer(state, all);
                }
            }
            Thread.onSpinWait();
        }
        return Answer.UNKNOWN;
    }

    private byte state(int slot, Entry into, boolean metadataToo) {
        return switch (slot) {
            case Blocks.NONE -> Slots.NOT_HERE;
            case Segment.SEVERAL -> Slots.UNSETTLED;
            default -> slots.read(slot, into, metadataToo);
        };
    }

    private static Answer answer(byte state, boolean all) {
        return switch (state) {
            case Slots.THERE -> Answer.FOUND;
            case Slots.GONE -> Answer.ABSENT;
            case Slots.NOT_HERE -> all ? Answer.ABSENT : Answer.UNKNOWN;
            default -> Answer.UNKNOWN;
        };
    }

    private Segment segment(long hash) {
        return segments[(int) (hash >>> Long.SIZE - SEGMENT_BITS)];
    }

    /** Any change of a bit changes all others (the last steps of MurmurHash3). */
    private long hash(byte[] code) {
        long hash = Slots.firstOf(code) ^ secret;
        hash = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
        hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
        return hash ^ hash >>> 33;
    }

    // ---- changing, under the committer's lock

    /** A change of an object is on its way: until {@link #put} or {@link #remove} the index's queue answers. */
    public void unsettle(byte[] code, boolean isVariant) {
        long hash = hash(code);
        Segment segment = segment(hash);
        int slot = segment.find((int) hash, code, slots);
        if (slot == Blocks.NONE) {
            add(segment, hash, code, isVariant);
        } else {
            setState(segment, slot, Slots.UNSETTLED);
        }
    }

    /** The index has this object now. */
    public void put(byte[] code, IndexRecord record) {
        long hash = hash(code);
        Segment segment = segment(hash);
        int slot = segment.find((int) hash, code, slots);
        if (slot == Blocks.NONE) {
            slot = add(segment, hash, code, (record.flags() & IndexRecord.VARIANT) != 0);
        }
        if (slot != Blocks.NONE) {
            write(segment, slot, record);
        }
    }

    private void write(Segment segment, int slot, IndexRecord record) {
        int place = slots.takePlace(record);
        segment.begin();
        slots.write(slot, record, place);
        segment.end();
    }

    /** The index has this object no more. */
    public void remove(byte[] code) {
        long hash = hash(code);
        Segment segment = segment(hash);
        int slot = segment.find((int) hash, code, slots);
        if (slot == Blocks.NONE && filling) {
            slot = add(segment, hash, code, false);
        }
        if (slot == Blocks.NONE) {
            return;
        }
        if (filling) {
            setState(segment, slot, Slots.GONE);
            gone.add(code);
        } else {
            takeOut(segment, hash, slot);
        }
    }

    private void setState(Segment segment, int slot, byte state) {
        segment.begin();
        slots.setState(slot, state);
        segment.end();
    }

    /** A new slot for an object, unsettled; {@link Blocks#NONE} where there is no room: from then on the index answers what the table can't. */
    private int add(Segment segment, long hash, byte[] code, boolean isVariant) {
        boolean room = !segment.isFull() || segment.grow(memory);
        int slot = room ? slots.take() : Blocks.NONE;
        if (slot == Blocks.NONE) {
            whole = false;
            setLeftOut(leftOut + 1);
            variantsLeftOut |= isVariant;
            segment.forEachUnder((int) hash, code, slots, under -> othersLack(segment, under));
            return Blocks.NONE;
        }
        segment.begin();
        slots.begin(slot, code, variantsLeftOut);
        segment.add((int) hash, slot);
        segment.end();
        setObjects(objects + 1);
        return slot;
    }

    private void othersLack(Segment segment, int slot) {
        segment.begin();
        slots.othersLack(slot);
        segment.end();
    }

    private void takeOut(Segment segment, long hash, int slot) {
        segment.begin();
        segment.remove((int) hash, slot);
        slots.free(slot);
        segment.end();
        setObjects(objects - 1);
    }

    private void setObjects(int now) {
        objects = now;
    }

    private void setLeftOut(long now) {
        leftOut = now;
    }

    // ---- filling, under the committer's lock

    /** The index has objects that are not here: until {@link #endFilling} what is not found is not known. The first slice begins. */
    public void beginFilling() {
        whole = false;
        filling = true;
    }

    /** The index had this object since the slice began. What changed since then is here already, and is newer. */
    public void fill(byte[] code, IndexRecord record) {
        long hash = hash(code);
        if (segment(hash).find((int) hash, code, slots) == Blocks.NONE) {
            put(code, record);
        }
    }

    /** All objects of a slice are here, and the next slice begins: what it reads, it reads from now on. */
    public void endSlice() {
        for (byte[] code : gone) {
            long hash = hash(code);
            int slot = segment(hash).find((int) hash, code, slots);
            if (slot != Blocks.NONE && slots.state(slot) == Slots.GONE) {
                takeOut(segment(hash), hash, slot);
            }
        }
        gone.clear();
    }

    /** All slices are here. */
    public void endFilling() {
        endSlice();
        filling = false;
        whole = leftOut == 0;
    }

    // ---- figures, on any thread

    /** Whether a key that is not here is absent. */
    public boolean isWhole() {
        return whole;
    }

    public int objects() {
        return objects;
    }

    /** The memory that it takes, outside the heap. */
    public long bytes() {
        return memory.bytes();
    }

    /** How often an object found no room. */
    public long leftOut() {
        return leftOut;
    }
}
