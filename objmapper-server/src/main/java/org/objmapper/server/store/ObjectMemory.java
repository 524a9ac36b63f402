package org.objmapper.server.store;

import java.util.concurrent.atomic.AtomicLong;
import org.objmapper.protocol.Status;

/**
 * The memory of objects that are at hand or on their way to clients: bounded, so that clients that don't read can't use up the
 * server's. Safe on any thread.
 */
final class ObjectMemory {
    private final long bytes;
    private final AtomicLong used = new AtomicLong();

    ObjectMemory(long bytes) {
        this.bytes = bytes;
    }

    /** Takes so much for an object; BUSY where there is not enough left. */
    void take(int count) throws StoreException {
        if (used.addAndGet(count) > bytes) {
            used.addAndGet(-count);
            throw new StoreException(
                    Status.BUSY, "the " + bytes + " bytes of memory for objects on their way to clients are in use");
        }
    }

    void giveBack(int count) {
        used.addAndGet(-count);
    }
}
