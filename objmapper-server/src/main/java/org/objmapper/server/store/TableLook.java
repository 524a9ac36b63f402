package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.MessageDigest;
import org.objmapper.protocol.Limits;
import org.objmapper.server.store.index.Digests;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.table.Entry;
import org.objmapper.server.store.table.ObjectTable;

/** What a thread needs to ask the table of all objects for a key in a buffer without allocating anything. For one thread. */
final class TableLook {
    private final MessageDigest sha256 = Digests.sha256();
    private final byte[] key = new byte[Limits.MAX_KEY];
    private final byte[] digest = new byte[Digests.SHA256_BYTES];
    private final Entry entry = new Entry();

    Whereabouts at(ObjectTable table, ByteBuffer buffer, int offset, int length) {
        buffer.get(offset, key, 0, length);
        sha256.update(key, 0, length);
        try {
            sha256.digest(digest, 0, digest.length);
        } catch (DigestException e) {
            throw new IllegalStateException(e);
        }
        return switch (table.find(digest, entry)) {
            case ABSENT -> Whereabouts.ABSENT;
            case FOUND -> (entry.flags() & IndexRecord.INLINE) == 0 ? Whereabouts.DEVICE : Whereabouts.INDEX;
            case UNKNOWN -> Whereabouts.UNKNOWN;
        };
    }

    /** The number of the device, where the last look said {@link Whereabouts#DEVICE}. */
    int device() {
        return entry.device();
    }

    /** The generation in the name of its file. */
    long bodyGeneration() {
        return entry.bodyGeneration();
    }
}
