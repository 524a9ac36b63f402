package org.objmapper.server.store.index;

import org.jspecify.annotations.Nullable;

/**
 * A row that a commit writes besides the objects.
 *
 * @param value null takes the row away
 */
public record IndexRow(Table table, byte[] key, byte @Nullable [] value) {
    /** What such rows tell. */
    public enum Table {
        /** In which order tiers would give objects up, see {@link SavedOrder}. */
        ORDERS,
        /** Purges that are not done yet. */
        PURGES,
        /** The devices, see {@link IndexedDevice}. */
        DEVICES,
        /** Single values. */
        STATE
    }
}
