package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import net.openhft.hashing.LongHashFunction;
import org.objmapper.protocol.Limits;

/**
 * A key with its two hashes, a quick one for tables in memory and the SHA-256 that it is known by on disk, and which of the bodies under
 * it is meant: {@link Variant#id}.
 */
public final class ObjectKey {
    /** How much of {@link #code} all bodies under a key have. */
    public static final int SHARED_BYTES = Digests.SHA256_BYTES - Long.BYTES;

    // Seeded anew in each process, so that nobody can choose keys that collide.
    private static final LongHashFunction QUICK =
            LongHashFunction.xx3(ThreadLocalRandom.current().nextLong());

    private final byte[] bytes;
    private final long hash;
    private final byte[] digest;
    private final long variant;

    /** The body without a variant under a key. */
    public ObjectKey(byte[] bytes) {
        this(bytes, notZero(QUICK.hashBytes(bytes)));
    }

    /** A key whose {@link #hash(ByteBuffer, int, int)} is known. */
    public ObjectKey(byte[] bytes, long hash) {
        if (bytes.length < Limits.MIN_KEY || bytes.length > Limits.MAX_KEY) {
            throw new IllegalArgumentException("a key of " + bytes.length + " bytes; it takes 1 to 4096");
        }
        this.bytes = bytes;
        this.hash = hash;
        this.digest = Digests.sha256().digest(bytes);
        this.variant = 0;
    }

    private ObjectKey(ObjectKey sameKey, long variant) {
        bytes = sameKey.bytes;
        hash = sameKey.hash;
        digest = sameKey.digest;
        this.variant = variant;
    }

    /** Another body under the same key. */
    public ObjectKey variant(long id) {
        return id == variant ? this : new ObjectKey(this, id);
    }

    /** The quick hash of a key in a buffer; never 0. Allocates nothing. */
    public static long hash(ByteBuffer buffer, int offset, int length) {
        return notZero(QUICK.hashBytes(buffer, offset, length));
    }

    private static long notZero(long hash) {
        return hash == 0 ? 1 : hash;
    }

    public byte[] bytes() {
        return bytes;
    }

    /** The same for all bodies under the key. */
    public long hash() {
        return hash;
    }

    /** SHA-256 of the key. */
    public byte[] digest() {
        return digest;
    }

    /** Which of the bodies under the key; 0 is the one without a variant. */
    public long variant() {
        return variant;
    }

    /** The object's place in the index: the digest, then the variant. */
    public byte[] row() {
        return ByteBuffer.allocate(RowKeys.ROW_BYTES)
                .put(digest)
                .putLong(variant)
                .array();
    }

    /** As many bytes as the digest, by which tables tell objects apart: all bodies under a key have the first {@link #SHARED_BYTES}. */
    public byte[] code() {
        if (variant == 0) {
            return digest;
        }
        byte[] code = digest.clone();
        ByteBuffer end = ByteBuffer.wrap(code, SHARED_BYTES, Long.BYTES);
        end.putLong(SHARED_BYTES, end.getLong(SHARED_BYTES) ^ variant);
        return code;
    }

    /** A hash of the object, the same in every process and evenly spread; all bodies under a key have the first half of it. */
    public long stableHash() {
        return stableHash(ByteBuffer.wrap(digest).getLong(), variant);
    }

    static long stableHash(long digestStart, long variant) {
        return digestStart ^ variant >>> Integer.SIZE;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ObjectKey
                && variant == ((ObjectKey) other).variant
                && Arrays.equals(bytes, ((ObjectKey) other).bytes);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(hash ^ variant);
    }

    /** For messages: the start of the key's digest, which names its files. */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(digest, 0, 8);
    }
}
