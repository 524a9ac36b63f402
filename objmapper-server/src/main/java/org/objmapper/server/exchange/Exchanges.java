package org.objmapper.server.exchange;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.ThreadCounters;
import org.objmapper.server.store.Store;

/** The exchanges of one loop: which class answers which operation, and what the loop itself needs of the store. Only on the loop. */
public final class Exchanges {
    private final Store store;
    private final StoredFiles files;
    private final ThreadCounters counters;

    public Exchanges(Store store) {
        this.store = store;
        this.files = new StoredFiles(store);
        this.counters = store.metrics().newThreadCounters();
    }

    /** What a new session's bodies may take. */
    public Uploads newUploads() {
        return new Uploads(store.newUploadShare());
    }

    /** What a new session of a user's process holds. Who asks for it ends it. */
    public Held newHeld(int uid, int pid) {
        return new Held(store.newHeldShare(uid, pid));
    }

    /** The validity table's file for a new session, which says when it is gone; null where there is none. */
    public @Nullable SentTable handValidity() {
        int descriptor = store.handValidity();
        return descriptor < 0 ? null : new SentTable(store, descriptor);
    }

    /** An exchange for a request of an operation, which may be unknown. */
    public Exchange create(int operation, Peer peer, Output output) {
        return switch (operation) {
            case Operation.GET, Operation.HEAD -> new GetExchange(peer, output, store, files, counters);
            case Operation.PUT -> new PutExchange(peer, output, store);
            case Operation.DELETE -> new DeleteExchange(peer, output, store);
            case Operation.LIST -> new ListExchange(peer, output, store);
            case Operation.PURGE -> new PurgeExchange(peer, output, store);
            case Operation.TOUCH -> new TouchExchange(peer, output, store);
            case Operation.STAT -> new StatExchange(peer, output, store);
            case Operation.ADMIN -> new AdminExchange(peer, output, store);
            case Operation.HITS -> new HitsExchange(peer, output, store);
            case Operation.PING -> new PingExchange(peer, output);
            case Operation.CANCEL -> new CancelExchange(peer, output);
            case Operation.GOODBYE -> new GoodbyeExchange(peer, output);
            default ->
                new RefusedExchange(peer, output, Status.UNSUPPORTED, "operation " + operation + " is not known here");
        };
    }

    /** Closes a descriptor that a client of that user passed: even that may block, so another thread does it. */
    public void discard(int descriptor, int uid) {
        store.discard(descriptor, uid);
    }

    /**
     * Closes some descriptors that are only kept at hand where a new one is among the last that the process may open: they are for what
     * is under way. False where it found none to close.
     */
    public boolean makeRoomFor(int descriptor) {
        return store.makeRoomFor(descriptor);
    }

    /** Descriptors are short: closes some of those that are only kept at hand. False where it found none. */
    public boolean shedDescriptors() {
        return store.shedDescriptors();
    }
}
