package org.objmapper.server.store;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.tier.Capacity;

/**
 * The tiers above the devices.
 *
 * @param memory what copies in memory may take; null for none
 * @param cache copies in a faster directory; null for none
 */
public record TierOptions(
        @Nullable Capacity memory, @Nullable CacheOptions cache) {
    /** No such tiers. */
    public static final TierOptions NONE = new TierOptions(null, null);

    /**
     * A directory for copies.
     *
     * @param threads that open copies
     * @param queueLength pieces of such work that may wait
     */
    public record CacheOptions(Path directory, Capacity capacity, int threads, int queueLength) {}

    /** Copies in memory alone. */
    public static TierOptions ofMemory(Capacity capacity) {
        return new TierOptions(capacity, null);
    }
}
