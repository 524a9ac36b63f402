package org.objmapper.server.store.ban;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.index.IndexRow;

/**
 * A purge as the index keeps it from its first commit to its last, so that one that was cut off goes on at the next start. Its key there
 * is the generation; the value, little-endian:
 *
 * <pre>
 * 0 u8  kind: 1 prefix, 2 tag, 3 ban 2 u16 bytes of the cursor
 * 1 u8  1 for a soft one            4     cursor, then pattern
 * </pre>
 *
 * @param before takes objects with an older generation only; no other purge has the same
 * @param soft makes them expire
 * @param cursor behind which objects may be left to take; null for all
 */
public record RecordedPurge(long before, Extent extent, boolean soft, byte @Nullable [] cursor) {
    private static final int FIXED = 4;

    /** The same, with all taken up to a cursor. */
    public RecordedPurge upTo(byte[] reached) {
        return new RecordedPurge(before, extent, soft, reached);
    }

    /** The row that says how far it is. */
    public IndexRow row() {
        byte[] reached = cursor == null ? new byte[0] : cursor;
        byte[] pattern = extent.pattern();
        byte[] value = ByteBuffer.allocate(FIXED + reached.length + pattern.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) (extent.kind().ordinal() + 1))
                .put((byte) (soft ? 1 : 0))
                .putShort((short) reached.length)
                .put(reached)
                .put(pattern)
                .array();
        return new IndexRow(IndexRow.Table.PURGES, key(), value);
    }

    /** Takes the row away: all is done. */
    public IndexRow noRow() {
        return new IndexRow(IndexRow.Table.PURGES, key(), null);
    }

    /** Whether it takes an object that has a generation, a key and metadata as on the wire. */
    public boolean takes(long generation, byte[] objectKey, byte[] metadata) {
        return generation < before && extent.covers(objectKey, metadata);
    }

    private byte[] key() {
        return ByteBuffer.allocate(Long.BYTES).putLong(before).array();
    }

    /** What a row says; null where it says nothing that this version understands. */
    public static @Nullable RecordedPurge of(IndexRow row) {
        byte[] value = row.value();
        if (value == null || value.length < FIXED || row.key().length != Long.BYTES) {
            return null;
        }
        ByteBuffer buffer = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        int kind = buffer.get() - 1;
        boolean soft = buffer.get() == 1;
        int reached = buffer.getShort() & 0xFFFF;
        if (kind < 0 || kind >= Extent.Kind.values().length || reached > buffer.remaining()) {
            return null;
        }
        byte[] cursor = new byte[reached];
        byte[] pattern = new byte[buffer.remaining() - reached];
        buffer.get(cursor).get(pattern);
        try {
            long before = ByteBuffer.wrap(row.key()).getLong();
            return new RecordedPurge(
                    before, Extent.of(Extent.Kind.values()[kind], pattern), soft, reached == 0 ? null : cursor);
        } catch (BanSyntaxException e) {
            return null;
        }
    }
}
