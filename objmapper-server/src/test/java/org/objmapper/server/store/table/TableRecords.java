package org.objmapper.server.store.table;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.objmapper.server.store.index.IndexRecord;

/** Records whose fields all follow from one number, so that a mixture of two shows. */
final class TableRecords {
    static final int MAX_METADATA = Slots.MAX_METADATA_BYTES;
    private static final long LIMIT = 1L << 40;

    private TableRecords() {}

    /** The SHA-256 that a key of a test has: spread like one. */
    static byte[] digest(long key) {
        byte[] digest = new byte[32];
        new Random(key).nextBytes(digest);
        return digest;
    }

    /** The code of another object under the same key. */
    static byte[] variant(long key, int variant) {
        byte[] code = digest(key);
        code[31] ^= (byte) variant;
        return code;
    }

    /** A record with a file, and short metadata. */
    static IndexRecord record(long generation) {
        return record(generation, 0, (int) (generation % (MAX_METADATA + 1)));
    }

    static IndexRecord record(long generation, int flags, int metadataBytes) {
        byte[] metadata = new byte[metadataBytes];
        Arrays.fill(metadata, (byte) generation);
        return new IndexRecord(
                ByteBuffer.allocate(8).putLong(generation).array(),
                flags,
                (int) (generation & 0x7FFF),
                generation,
                generation + 1,
                generation + 2,
                0,
                generation + 3,
                (generation + 4) % LIMIT,
                0,
                metadata,
                null);
    }

    /** Whether what was found is exactly what {@link #record} made. */
    static boolean isWhole(Entry entry) {
        long generation = entry.generation();
        return entry.bodyGeneration() == generation + 1
                && entry.length() == generation + 2
                && entry.expiryMillis() == generation + 3
                && entry.graceMillis() == (generation + 4) % LIMIT
                && entry.device() == (generation & 0x7FFF)
                && !entry.needsIndex()
                && Arrays.equals(entry.metadata(), record(generation).metadata());
    }
}
