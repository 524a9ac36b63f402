package org.objmapper.server.store;

import org.objmapper.server.store.hold.Holder;
import org.objmapper.server.store.hold.Holders;

/**
 * What removed objects occupy because one session was handed them, and how much that may be. {@link #handed} and {@link #outstays} are for
 * the session's thread, all else for any.
 */
public final class HeldShare {
    private final Holders holders;
    private final Holder holder;
    private final long mostBytes;
    private final long graceMillis;
    private boolean over;
    private long overSinceMillis;

    /** For a session of a user's process; a grace of 0 never ends. */
    HeldShare(Holders holders, int uid, int pid, long mostBytes, long graceMillis) {
        this.holders = holders;
        this.holder = holders.begin(uid, pid);
        this.mostBytes = mostBytes;
        this.graceMillis = graceMillis;
    }

    /** The session is passed a descriptor of the object. */
    public void handed(StoredObject object) {
        holder.handed(object.bodyGeneration());
    }

    /** Whether it may be passed no more descriptors. */
    public boolean isOver() {
        return holder.heldBytes() > mostBytes;
    }

    /** Whether it has had more for so long that it is to end; to be asked every now and then. */
    public boolean outstays(long nowMillis) {
        if (!isOver()) {
            over = false;
        } else if (!over) {
            over = true;
            overSinceMillis = nowMillis;
        }
        return over && graceMillis > 0 && nowMillis - overSinceMillis > graceMillis;
    }

    /** How long after a look at it the next is due; it is never too late where nothing ends it. */
    public long mayRestMillis() {
        return graceMillis > 0 ? graceMillis : Long.MAX_VALUE;
    }

    /** Bytes, as of a moment ago. */
    public long heldBytes() {
        return holder.heldBytes();
    }

    /** Bytes that it may have. */
    public long mostBytes() {
        return mostBytes;
    }

    /** The session has ended. */
    public void end() {
        holders.end(holder);
    }
}
