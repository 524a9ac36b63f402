package org.objmapper.protocol;

import org.jspecify.annotations.Nullable;

/** How a body travels (protocol-spec.md 5.2.2). */
public enum Mode {
    INLINE,
    FDPASS,
    COPY,
    SPLICE,
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
