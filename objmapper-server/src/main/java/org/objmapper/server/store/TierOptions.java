package org.objmapper.server.store;

import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.tier.Capacity;

/**
 * The tiers above the devices.
 *
 * @param memory what copies in memory may take; null for none
 */
public record TierOptions(@Nullable Capacity memory) {
    /** No such tiers. */
    public static final TierOptions NONE = new TierOptions(null);
}
