package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import net.openhft.hashing.LongHashFunction;
import org.objmapper.protocol.Limits;

/** A key with its two hashes: a quick one for tables in memory, and the SHA-256 that it is known by on disk. */
public final class ObjectKey {
    // Seeded anew in each process, so that nobody can choose keys that collide.
    private static final LongHashFunction QUICK =
            LongHashFunction.xx3(ThreadLocalRandom.current().nextLong());

    private final byte[] bytes;
    private final long hash;
    private final byte[] digest;

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

    public long hash() {
        return hash;
    }

    /** SHA-256 of the key. */
    public byte[] digest() {
        return digest;
    }

    /** The first 8 bytes of the digest: the same in every process, and evenly spread. */
    public long digestStart() {
        return ByteBuffer.wrap(digest).getLong();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ObjectKey && Arrays.equals(bytes, ((ObjectKey) other).bytes);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(hash);
    }

    /** For messages: the start of the key's digest, which names its files. */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(digest, 0, 8);
    }
}
