package org.objmapper.server.store.table;

import java.util.Arrays;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;

/** What {@link ObjectTable} knows of an object, as one look found it; to be used again for the next. For one thread. */
public final class Entry {
    static final int IN_INDEX = -1;

    int slot;
    int device;
    int flags;
    long generation;
    long bodyGeneration;
    long length;
    long expiryMillis;
    long graceMillis;
    int metadataBytes;
    final byte[] metadata = new byte[Slots.MAX_METADATA_BYTES];

    /** The number of the object, which it keeps for as long as it is there, and which then becomes another's. */
    public int slot() {
        return slot;
    }

    /** The number of the device that has its file. */
    public int device() {
        return device;
    }

    /** As {@link IndexRecord#flags}. */
    public int flags() {
        return flags;
    }

    public long generation() {
        return generation;
    }

    /** The generation in the name of its file. */
    public long bodyGeneration() {
        return bodyGeneration;
    }

    /** Bytes of the body. */
    public long length() {
        return length;
    }

    /** Since 1970; {@link IndexRecord#NEVER} for never. */
    public long expiryMillis() {
        return expiryMillis;
    }

    public long graceMillis() {
        return graceMillis;
    }

    /** Whether the index is needed for the rest: for the inline body, or for metadata that is long. */
    public boolean needsIndex() {
        return metadataBytes == IN_INDEX;
    }

    /** Its metadata as on the wire, where the index is not needed for it. */
    byte[] metadata() {
        return Arrays.copyOf(metadata, metadataBytes);
    }

    /** All that is needed to deliver an object with a file; when it was made, and the checksum of its body, only the index knows. */
    public IndexRecord record(ObjectKey key) {
        return new IndexRecord(
                key.bytes(),
                flags,
                device,
                generation,
                bodyGeneration,
                length,
                0,
                expiryMillis,
                graceMillis,
                0,
                metadata(),
                null);
    }
}
