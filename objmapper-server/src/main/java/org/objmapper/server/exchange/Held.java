package org.objmapper.server.exchange;

import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.HeldShare;

/** What removed objects occupy because a session was handed their descriptors. Only on the session's loop. */
public final class Held {
    final HeldShare share;

    Held(HeldShare share) {
        this.share = share;
    }

    /** Why the session is to end, or null; to be asked every now and then. */
    public @Nullable String whyToEnd(long nowMillis) {
        return share.outstays(nowMillis)
                ? "removed objects that this session was given as descriptors, and that are still open or mapped, occupy "
                        + share.heldBytes() + " bytes, and it may hold " + share.mostBytes()
                        + ": close what is not needed (held_bytes_per_session)"
                : null;
    }

    /** Whether it is more than the session may have. */
    public boolean isOver() {
        return share.isOver();
    }

    /** How long the session may go without being asked {@link #whyToEnd}. */
    public long mayRestMillis() {
        return share.mayRestMillis();
    }

    /** The session has ended. */
    public void end() {
        share.end();
    }
}
