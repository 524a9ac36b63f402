package org.objmapper.protocol;

import java.nio.ByteBuffer;

/**
 * One entry of HITS (protocol-spec.md 5.14): how often a client gave what it kept of a key.
 *
 * @param hits 1 to {@link #MOST_HITS}
 */
public record HitCount(byte[] key, long hits) {
    public static final long MOST_HITS = 0xffff_ffffL;

    private static final int FIXED = 16;

    /** Bytes of an entry on the wire. */
    public static int size(int keyLength) {
        return FIXED + ((keyLength + 7) & ~7);
    }

    /** Writes the entry at the position of a little-endian buffer. */
    public void write(ByteBuffer buffer) {
        buffer.putInt(size(key.length)).putInt(key.length).putLong(hits).put(key);
        for (int i = key.length; (i & 7) != 0; i++) {
            buffer.put((byte) 0);
        }
    }

    /** Reads the entry at the position of a little-endian buffer. */
    public static HitCount read(ByteBuffer buffer) throws MalformedFrame {
        int start = buffer.position();
        if (buffer.remaining() < FIXED) {
            throw new MalformedFrame("5.14.2", "the hits end inside an entry");
        }
        int size = buffer.getInt();
        int keyLength = buffer.getInt();
        long hits = buffer.getLong();
        if (keyLength < Limits.MIN_KEY
                || keyLength > Limits.MAX_KEY
                || size != size(keyLength)
                || size > buffer.limit() - start) {
            throw new MalformedFrame("5.14.2", "an entry of " + size + " bytes with a key of " + keyLength);
        }
        if (hits < 1 || hits > MOST_HITS) {
            throw new MalformedFrame(
                    "5.14.2", Long.toUnsignedString(hits) + " hits; an entry has 1 to " + MOST_HITS + " of them");
        }
        byte[] key = new byte[keyLength];
        buffer.get(key);
        buffer.position(start + size);
        return new HitCount(key, hits);
    }
}
