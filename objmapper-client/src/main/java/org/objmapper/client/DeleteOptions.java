package org.objmapper.client;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataType;

/** What a DELETE may carry besides the key. Not thread-safe; may be used for many calls. */
public final class DeleteOptions {
    private @Nullable Long generation;
    private @Nullable Durability durability;

    /** Deletes only the object that has this generation; PRECONDITION_FAILED otherwise. */
    public DeleteOptions ifGeneration(long value) {
        generation = value;
        return this;
    }

    /** When the change counts as done; relaxed by default. */
    public DeleteOptions durability(Durability value) {
        durability = value;
        return this;
    }

    Entries encode(Key key) {
        return new Entries()
                .bytes(MetadataType.KEY, key.bytes)
                .u64(MetadataType.IF_GENERATION, generation)
                .u32(MetadataType.DURABILITY, durability == null ? null : durability.ordinal());
    }
}
