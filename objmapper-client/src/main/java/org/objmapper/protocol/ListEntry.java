package org.objmapper.protocol;

import java.nio.ByteBuffer;

/**
 * One entry of a listing (protocol-spec.md 5.6.2).
 *
 * @param expiryMillis since 1970; {@link Limits#UNKNOWN} for never
 */
public record ListEntry(byte[] key, long generation, long length, long createdMillis, long expiryMillis) {
    private static final int FIXED = 40;

    /** Bytes of the entry on the wire. */
    public int size() {
        return FIXED + ((key.length + 7) & ~7);
    }

    /** Writes the entry at the buffer's position. */
    public void write(ByteBuffer buffer) {
        buffer.putInt(size())
                .putInt(key.length)
                .putLong(generation)
                .putLong(length)
                .putLong(createdMillis)
                .putLong(expiryMillis)
                .put(key);
        for (int i = key.length; (i & 7) != 0; i++) {
            buffer.put((byte) 0);
        }
    }

    /** Reads the entry at the buffer's position. */
    public static ListEntry read(ByteBuffer buffer) throws MalformedFrame {
        int start = buffer.position();
        if (buffer.remaining() < FIXED) {
            throw new MalformedFrame("5.6.2", "the listing ends inside an entry");
        }
        int size = buffer.getInt();
        int keyLength = buffer.getInt();
        if (keyLength < Limits.MIN_KEY
                || keyLength > Limits.MAX_KEY
                || size != FIXED + ((keyLength + 7) & ~7)
                || size > buffer.limit() - start) {
            throw new MalformedFrame("5.6.2", "a listing entry of " + size + " bytes with a key of " + keyLength);
        }
        long generation = buffer.getLong();
        long length = buffer.getLong();
        long created = buffer.getLong();
        long expiry = buffer.getLong();
        byte[] key = new byte[keyLength];
        buffer.get(key);
        buffer.position(start + size);
        return new ListEntry(key, generation, length, created, expiry);
    }
}
