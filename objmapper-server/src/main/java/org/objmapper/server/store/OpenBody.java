package org.objmapper.server.store;

import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceQueue;

/**
 * Where the body of an object was opened.
 *
 * @param tier that has what was opened
 * @param bodyGeneration by which the tiers know the body
 * @param descriptor open for reading; closed with the last pin of the object; -1 for an inline body
 * @param directory of the device, which {@code path} is relative to
 * @param path that ends with a NUL; null where there is no file with a name
 * @param queue for what may block on it
 * @param device that has the file; null where none has
 * @param closer closes the descriptor where the last pin is given back on a thread that must not block
 * @param spoiled is told that it could not be read up to where it should end; returns at once
 */
record OpenBody(
        Tier tier,
        long bodyGeneration,
        int descriptor,
        int directory,
        byte @Nullable [] path,
        DeviceQueue queue,
        @Nullable Device device,
        Closer closer,
        Runnable spoiled) {
    /** Nobody has to know. */
    static final Runnable NOTHING = () -> {};

    /** Who has a body. */
    enum Tier {
        /** It stands in the index. */
        INDEX,
        /** The device that it was stored on. */
        DEVICE,
        /** Memory has a copy. */
        MEMORY,
        /** The cache directory has a copy. */
        CACHE
    }
}
