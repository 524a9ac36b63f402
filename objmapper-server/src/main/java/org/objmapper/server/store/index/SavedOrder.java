package org.objmapper.server.store.index;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The order in which a tier would give its objects up, as it stands in the index. A snapshot of it is written chunk by chunk, each with a
 * commit of its own, so that changes of objects don't wait for the whole; it counts from the commit on that names it, and what other
 * snapshots left is removed after that. A server that dies in between has the last whole one.
 *
 * <p>To save: {@link #begin}, {@link Writer#add} for each object in the order of the policy, {@link Writer#end}. To restore: {@link #load},
 * which tells the same entries again; objects that came or went since the snapshot are the caller's to sort out. For one thread, which may
 * block.
 */
public final class SavedOrder {
    /** Objects in a chunk. */
    static final int CHUNK_ENTRIES = 4_096;

    private static final int ENTRY_BYTES = Long.BYTES + Long.BYTES + 1;
    private static final int KEY_BYTES = 1 + 2 * Integer.BYTES;
    private static final int REMOVED_AT_ONCE = 64;
    private static final int FIRST_SNAPSHOT = 1;

    private final Index index;
    private final int tier;
    private final byte[] name;

    /** Takes the entries of an order. */
    public interface Entries {
        /**
         * The next object, in the order in which they were saved.
         *
         * @param digest the first 8 bytes of the SHA-256 of its key, big-endian
         * @param bytes of its body
         * @param state as the policy gave it
         */
        void next(long digest, long bytes, byte state);
    }

    /** Brings rows to disk. */
    public interface Rows {
        /** Returns when they are all on disk; throws when none of them are, or when that can't be said. */
        void write(List<IndexRow> rows) throws IOException;
    }

    /**
     * The order of one tier.
     *
     * @param tier 0 to 255, as the index numbers tiers
     */
    public SavedOrder(Index index, int tier) {
        this.index = index;
        this.tier = tier;
        this.name = ("order/" + tier).getBytes(StandardCharsets.US_ASCII);
    }

    /** Tells the last whole snapshot, reading a chunk at a time; nothing where there is none. */
    public void load(Entries entries) {
        int snapshot = lastWhole();
        byte[] chunk = chunk(snapshot, 0);
        for (int i = 1; chunk != null; i++) {
            ByteBuffer buffer = ByteBuffer.wrap(chunk).order(ByteOrder.LITTLE_ENDIAN);
            while (buffer.remaining() >= ENTRY_BYTES) {
                entries.next(buffer.getLong(), buffer.getLong(), buffer.get());
            }
            chunk = chunk(snapshot, i);
        }
    }

    /** Begins to save the order anew; the last whole snapshot stays until {@link Writer#end}. */
    public Writer begin(Rows rows) throws IOException {
        int last = lastWhole();
        removeAllBut(last, rows);
        return new Writer(rows, last == Integer.MAX_VALUE ? FIRST_SNAPSHOT : last + 1);
    }

    private int lastWhole() {
        byte[] value = index.row(IndexRow.Table.STATE, name);
        return value == null || value.length != Integer.BYTES
                ? 0
                : buffer(value).getInt();
    }

    private byte @Nullable [] chunk(int snapshot, int chunk) {
        return index.row(IndexRow.Table.ORDERS, key(snapshot, chunk));
    }

    private void removeAllBut(int snapshot, Rows rows) throws IOException {
        removeRange(key(0, 0), key(snapshot, 0), rows);
        removeRange(key(snapshot + 1, 0), new byte[] {(byte) tier, -1, -1, -1, -1}, rows);
    }

    private void removeRange(byte[] from, byte[] before, Rows rows) throws IOException {
        List<IndexRow> removed;
        do {
            removed = new ArrayList<>();
            for (byte[] key : index.keys(IndexRow.Table.ORDERS, from, before, REMOVED_AT_ONCE)) {
                removed.add(new IndexRow(IndexRow.Table.ORDERS, key, null));
            }
            if (!removed.isEmpty()) {
                rows.write(removed);
            }
        } while (removed.size() == REMOVED_AT_ONCE);
    }

    /** Whether a row of the orders is one that {@link Writer} writes. */
    static boolean isChunk(byte[] key, byte[] value) {
        return key.length == KEY_BYTES
                && value.length > 0
                && value.length % ENTRY_BYTES == 0
                && value.length <= CHUNK_ENTRIES * ENTRY_BYTES;
    }

    private byte[] key(int snapshot, int chunk) {
        return ByteBuffer.allocate(KEY_BYTES)
                .put((byte) tier)
                .putInt(snapshot)
                .putInt(chunk)
                .array();
    }

    private static ByteBuffer buffer(byte[] value) {
        return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Writes a snapshot. One that is not ended, or that ends in a failure, counts for nothing. */
    public final class Writer {
        private final Rows rows;
        private final int snapshot;
        private final ByteBuffer entries = buffer(new byte[CHUNK_ENTRIES * ENTRY_BYTES]);
        private int chunks;

        private Writer(Rows rows, int snapshot) {
            this.rows = rows;
            this.snapshot = snapshot;
        }

        /** Adds the next object, see {@link Entries#next}; waits for a commit each time a chunk is full. */
        public void add(long digest, long bytes, byte state) throws IOException {
            entries.putLong(digest).putLong(bytes).put(state);
            if (!entries.hasRemaining()) {
                writeChunk();
            }
        }

        /** Makes this the last whole snapshot, and removes the others. */
        public void end() throws IOException {
            if (entries.position() > 0) {
                writeChunk();
            }
            byte[] value = buffer(new byte[Integer.BYTES]).putInt(snapshot).array();
            rows.write(List.of(new IndexRow(IndexRow.Table.STATE, name, value)));
            removeAllBut(snapshot, rows);
        }

        private void writeChunk() throws IOException {
            byte[] value = Arrays.copyOf(entries.array(), entries.position());
            rows.write(List.of(new IndexRow(IndexRow.Table.ORDERS, key(snapshot, chunks++), value)));
            entries.clear();
        }
    }
}
