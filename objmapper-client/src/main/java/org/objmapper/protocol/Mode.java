package org.objmapper.protocol;

import org.jspecify.annotations.Nullable;

/**
 * How a body travels (protocol-spec.md 5.2.2). All but {@link #INLINE} may be asked for, for a session and for a single request; all but
 * {@link #AUTO} may be what a reply used.
 */
public enum Mode {
    /** In the reply itself: what the server does, whatever is asked for, with a body that is empty or within the inline limit. */
    INLINE,
    /** As a read-only descriptor of the server's own file: nothing is copied. By copy, where the client takes no descriptors. */
    FDPASS,
    /** Through the socket, from the server's memory. */
    COPY,
    /** Through the socket, moved by the kernel without passing the server's memory. */
    SPLICE,
    /** As the server finds best for the object: inline, else {@link #FDPASS} if the client takes descriptors, else one of the other two. */
    AUTO;

    private static final Mode[] VALUES = values();

    /** The number in a MODE parameter. */
    public int code() {
        return ordinal();
    }

    /** The mode of a code, null for a code without one. */
    public static @Nullable Mode of(long code) {
        return code >= 0 && code < VALUES.length ? VALUES[(int) code] : null;
    }
}
