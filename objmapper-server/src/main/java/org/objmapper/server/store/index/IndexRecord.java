package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import net.openhft.hashing.LongHashFunction;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

/**
 * What the index knows of an object. It stands there as 72 bytes, little-endian, then the key, then the metadata:
 *
 * <pre>
 *  0 u8  format of the record, 2        24 u64 bytes of the body
 *  1 u8  flags                          32 u64 created, milliseconds
 *  2 u16 device, 0xFFFF for inline      40 u64 expiry, milliseconds
 *  4 u16 bytes of the key               48 u64 grace, milliseconds
 *  6 u8  tiers, 1: backing              56 u64 XXH3 of the body, seed 0
 *  7 u8  0                              64 u32 bytes of the metadata
 *  8 u64 generation                     68 u32 CRC-32C of all, this field taken for 0
 * 16 u64 body generation
 * </pre>
 *
 * @param flags of {@link #INLINE}, {@link #EVICTABLE} and {@link #VARIANT}
 * @param device the number of the device that has its file; {@link #NO_DEVICE} where the body is inline
 * @param bodyGeneration the generation that its body came with, which names its file or its inline body: a TOUCH gives the object a new
 *     generation and leaves this one
 * @param expiryMillis since 1970, Long.MAX_VALUE for never
 * @param xxh3 of the body, with seed 0
 * @param metadata as on the wire
 * @param inlineBody null where the body is in a file, or was not asked for
 */
public record IndexRecord(
        byte[] key,
        int flags,
        int device,
        long generation,
        long bodyGeneration,
        long length,
        long createdMillis,
        long expiryMillis,
        long graceMillis,
        long xxh3,
        byte[] metadata,
        byte @Nullable [] inlineBody) {
    /** The body stands in the index. */
    public static final int INLINE = 1;
    /** The object may be given up when room is needed. */
    public static final int EVICTABLE = 2;
    /** The object has a variant, which its metadata says. */
    public static final int VARIANT = 4;

    /** The tier that has all objects. */
    public static final int BACKING = 1;
    /** The tier that has copies in a faster directory. */
    public static final int CACHE = 2;

    public static final int NO_DEVICE = 0xFFFF;
    public static final long NEVER = Long.MAX_VALUE;

    private static final int FORMAT = 2;
    private static final int FIXED = 72;
    private static final int CRC_AT = 68;
    private static final int FLAGS = INLINE | EVICTABLE | VARIANT;

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
        return (flags & INLINE) == 0;
    }

    /** Whether the object may be given up when room is needed; else it is kept. */
    public boolean isEvictable() {
        return (flags & EVICTABLE) != 0;
    }

    /** By what it is told from the others under its key. */
    public Variant variant() {
        return (flags & VARIANT) == 0 ? Variant.NONE : Variant.ofMetadata(metadata);
    }

    /** Which object it is. */
    public ObjectKey objectKey() {
        return new ObjectKey(key).variant(variant().id());
    }

    /** Its tags, in the order of its metadata. */
    public List<byte[]> tags() {
        return values(metadata, MetadataType.TAG);
    }

    /** The values of one type, in the order of metadata as on the wire. */
    static List<byte[]> values(byte[] metadata, MetadataType type) {
        List<byte[]> values = new ArrayList<>();
        ByteBuffer buffer = ByteBuffer.wrap(metadata).order(ByteOrder.LITTLE_ENDIAN);
        MetadataReader reader = new MetadataReader().trust(buffer, 0, metadata.length);
        while (reader.next()) {
            if (reader.type() == type.code()) {
                values.add(reader.bytes());
            }
        }
        return values;
    }

    /** The same object with other metadata, which says too whether it is evictable. */
    public IndexRecord rewritten(
            long newGeneration, long newExpiryMillis, long newGraceMillis, boolean evictable, byte[] newMetadata) {
        return new IndexRecord(
                key,
                evictable ? flags | EVICTABLE : flags & ~EVICTABLE,
                device,
                newGeneration,
                bodyGeneration,
                length,
                createdMillis,
                newExpiryMillis,
                newGraceMillis,
                xxh3,
                newMetadata,
                inlineBody);
    }

    /** Whether it has the same body in the same place as another record of the object. */
    public boolean hasBodyOf(IndexRecord other) {
        return device == other.device && bodyGeneration == other.bodyGeneration;
    }

    /** The same object with its file on another device, or under another name. */
    public IndexRecord movedTo(int newDevice, long newBodyGeneration) {
        return new IndexRecord(
                key,
                flags,
                newDevice,
                generation,
                newBodyGeneration,
                length,
                createdMillis,
                expiryMillis,
                graceMillis,
                xxh3,
                metadata,
                null);
    }

    /** Whether some bytes are the body that was stored. */
    boolean isBody(byte @Nullable [] body) {
        return body != null && body.length == length && LongHashFunction.xx3().hashBytes(body) == xxh3;
    }

    IndexRecord withInlineBody(byte @Nullable [] body) {
        return new IndexRecord(
                key,
                flags,
                device,
                generation,
                bodyGeneration,
                length,
                createdMillis,
                expiryMillis,
                graceMillis,
                xxh3,
                metadata,
                body);
    }

    /** All but the inline body. */
    byte[] encode() {
        ByteBuffer buffer =
                ByteBuffer.allocate(FIXED + key.length + metadata.length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.put((byte) FORMAT)
                .put((byte) flags)
                .putShort((short) device)
                .putShort((short) key.length)
                .put((byte) BACKING)
                .put((byte) 0)
                .putLong(generation)
                .putLong(bodyGeneration)
                .putLong(length)
                .putLong(createdMillis)
                .putLong(expiryMillis)
                .putLong(graceMillis)
                .putLong(xxh3)
                .putInt(metadata.length)
                .putInt(0)
                .put(key)
                .put(metadata);
        buffer.putInt(CRC_AT, crc(buffer.array()));
        return buffer.array();
    }

    /** The object without its inline body; null where the bytes are no sound record of this format. */
    static @Nullable IndexRecord decode(byte[] encoded) {
        if (encoded.length < FIXED || encoded[0] != FORMAT) {
            return null;
        }
        ByteBuffer buffer = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
        if (buffer.getInt(CRC_AT) != crc(encoded) || !isSound(buffer)) {
            return null;
        }
        byte[] key = new byte[buffer.getShort(4)];
        byte[] metadata = new byte[buffer.getInt(64)];
        buffer.get(FIXED, key).get(FIXED + key.length, metadata);
        return new IndexRecord(
                key,
                buffer.get(1),
                buffer.getShort(2) & 0xFFFF,
                buffer.getLong(8),
                buffer.getLong(16),
                buffer.getLong(24),
                buffer.getLong(32),
                buffer.getLong(40),
                buffer.getLong(48),
                buffer.getLong(56),
                metadata,
                null);
    }

    /** The device that an encoded record names, be it sound or not. */
    static int deviceOf(byte[] encoded) {
        return encoded.length < FIXED
                ? NO_DEVICE
                : ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN).getShort(2) & 0xFFFF;
    }

    private static boolean isSound(ByteBuffer buffer) {
        int flags = buffer.get(1);
        boolean inline = (flags & INLINE) != 0;
        int keyLength = buffer.getShort(4);
        return (flags & ~FLAGS) == 0
                && inline == ((buffer.getShort(2) & 0xFFFF) == NO_DEVICE)
                && buffer.get(6) == BACKING
                && buffer.get(7) == 0
                && keyLength >= Limits.MIN_KEY
                && keyLength <= Limits.MAX_KEY
                && FIXED + keyLength + Integer.toUnsignedLong(buffer.getInt(64)) == buffer.limit();
    }

    private static int crc(byte[] encoded) {
        CRC32C crc = new CRC32C();
        crc.update(encoded, 0, CRC_AT);
        crc.update(new byte[FIXED - CRC_AT], 0, FIXED - CRC_AT);
        crc.update(encoded, FIXED, encoded.length - FIXED);
        return (int) crc.getValue();
    }
}
