package org.objmapper.client;

import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;

/**
 * A call that did not succeed. The message says what happened, to which object, and why. A call that got no answer, because the
 * server can't be reached or the connection broke, has no {@link #status}; one that ran out of time has TIMEOUT.
 */
public final class ObjmapperException extends IOException {
    private static final long serialVersionUID = 1L;

    private final @Nullable Status status;
    private final transient @Nullable Key key;
    private final boolean carriedOutNever;

    ObjmapperException(
            @Nullable Status status,
            @Nullable Key key,
            boolean carriedOutNever,
            String message,
            @Nullable Throwable cause) {
        super(message, cause);
        this.status = status;
        this.key = key;
        this.carriedOutNever = carriedOutNever;
    }

    /** What the server answered, TIMEOUT when time ran out here; empty when no answer came. */
    public Optional<Status> status() {
        return Optional.ofNullable(status);
    }

    /** The object that the call was about; empty for a call about none, and in an exception that was serialized. */
    public Optional<Key> key() {
        return Optional.ofNullable(key);
    }

    /** Whether it is certain that the request had no effect, so that even a change can be sent again without a second thought. */
    public boolean hadNoEffect() {
        return carriedOutNever;
    }

    /** The same failure, thrown anew for one of the callers that it hits. */
    ObjmapperException about(@Nullable Key other, String what) {
        return new ObjmapperException(status, other, carriedOutNever, what + ": " + getMessage(), this);
    }
}
