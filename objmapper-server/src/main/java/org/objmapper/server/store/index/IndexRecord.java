package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

/**
 * What the index knows of an object.
 *
 * @param bodyGeneration the generation in the name of its file: a TOUCH gives the object a new generation and leaves the file; 0 for an
 *     inline body
 * @param expiryMillis since 1970, Long.MAX_VALUE for never
 * @param metadata as on the wire
 * @param inlineBody null where the body is in a file
 */
public record IndexRecord(
        byte[] key,
        long generation,
        long bodyGeneration,
        long length,
        long createdMillis,
        long expiryMillis,
        long graceMillis,
        byte[] metadata,
        byte @Nullable [] inlineBody) {
    public static final long NEVER = Long.MAX_VALUE;
    private static final int FIXED = 6 * Long.BYTES + 2 * Integer.BYTES + 2 * Short.BYTES;
    private static final int INLINE = 1;

    public boolean expiredAt(long nowMillis) {
        return expiryMillis != NEVER && nowMillis >= expiryMillis;
    }

    /** When its grace is over too, and it may be removed. */
    long removalMillis() {
        long removal = expiryMillis + graceMillis;
        return removal < expiryMillis ? NEVER : removal;
    }

    public boolean goneAt(long nowMillis) {
        return removalMillis() != NEVER && nowMillis >= removalMillis();
    }

    public boolean hasFile() {
        return inlineBody == null;
    }

    /** Its tags, in the order of its metadata. */
    public List<byte[]> tags() {
        List<byte[]> tags = new ArrayList<>();
        ByteBuffer buffer = ByteBuffer.wrap(metadata).order(ByteOrder.LITTLE_ENDIAN);
        MetadataReader reader = new MetadataReader().trust(buffer, 0, metadata.length);
        while (reader.next()) {
            if (reader.type() == MetadataType.TAG.code()) {
                tags.add(reader.bytes());
            }
        }
        return tags;
    }

    byte[] encode() {
        byte[] body = inlineBody == null ? new byte[0] : inlineBody;
        ByteBuffer buffer = ByteBuffer.allocate(FIXED + key.length + metadata.length + body.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(generation)
                .putLong(bodyGeneration)
                .putLong(length)
                .putLong(createdMillis)
                .putLong(expiryMillis)
                .putLong(graceMillis)
                .putInt(metadata.length)
                .putInt(body.length)
                .putShort((short) key.length)
                .putShort((short) (inlineBody == null ? 0 : INLINE))
                .put(key)
                .put(metadata)
                .put(body);
        return buffer.array();
    }

    static IndexRecord decode(byte[] encoded) {
        ByteBuffer buffer = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
        long generation = buffer.getLong();
        long bodyGeneration = buffer.getLong();
        long length = buffer.getLong();
        long created = buffer.getLong();
        long expiry = buffer.getLong();
        long grace = buffer.getLong();
        int metadataBytes = buffer.getInt();
        int bodyBytes = buffer.getInt();
        int keyBytes = buffer.getShort();
        if (metadataBytes < 0
                || bodyBytes < 0
                || keyBytes < 0
                || (long) FIXED + keyBytes + metadataBytes + bodyBytes != encoded.length) {
            throw new IllegalArgumentException("a record's lengths don't fit it");
        }
        byte[] metadata = new byte[metadataBytes];
        byte[] body = new byte[bodyBytes];
        byte[] key = new byte[keyBytes];
        boolean inline = (buffer.getShort() & INLINE) != 0;
        buffer.get(key).get(metadata).get(body);
        return new IndexRecord(
                key, generation, bodyGeneration, length, created, expiry, grace, metadata, inline ? body : null);
    }
}
