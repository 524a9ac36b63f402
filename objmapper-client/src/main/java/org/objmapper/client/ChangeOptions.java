package org.objmapper.client;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataType;

/** What every change of one object may carry. {@code T} is the options that each setting returns: those that it was called on. */
abstract sealed class ChangeOptions<T> permits PutOptions, DeleteOptions {
    private @Nullable Long generation;
    private @Nullable Durability durability;

    /** Only where the object has this generation ({@link ObjectMetadata#generation}); PRECONDITION_FAILED otherwise. */
    public T ifGeneration(long value) {
        generation = value;
        return self();
    }

    /** When the change counts as done; {@link Durability#RELAXED} by default. */
    public T durability(Durability value) {
        durability = value;
        return self();
    }

    abstract T self();

    void addGeneration(Entries entries) {
        entries.u64(MetadataType.IF_GENERATION, generation);
    }

    void addDurability(Entries entries) {
        entries.u32(MetadataType.DURABILITY, durability == null ? null : durability.ordinal());
    }
}
