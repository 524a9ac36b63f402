package org.objmapper.server.delivery;

import org.objmapper.protocol.Mode;

/** Which way a body travels (protocol-spec.md 5.2.2 and 5.2.3). */
public final class Choice {
    /** From here on moving pages inside the kernel beats copying them. */
    static final long SPLICE_FROM = 64 * 1024;

    private Choice() {}

    /**
     * The mode for a body of some bytes, given what was asked for, whether its bytes can be moved inside the kernel, and what the session
     * can take: bodies of so many bytes in the reply itself, and descriptors.
     */
    public static Mode of(
            Mode wanted, long length, boolean canSplice, long inlineLimitBytes, boolean takesDescriptors) {
        if (length <= inlineLimitBytes || length == 0) {
            return Mode.INLINE;
        }
        return switch (wanted) {
            case FDPASS -> takesDescriptors ? Mode.FDPASS : Mode.COPY;
            case COPY -> Mode.COPY;
            case SPLICE -> canSplice ? Mode.SPLICE : Mode.COPY;
            case AUTO, INLINE -> automatic(length, canSplice, takesDescriptors);
        };
    }

    private static Mode automatic(long length, boolean canSplice, boolean takesDescriptors) {
        if (takesDescriptors) {
            return Mode.FDPASS;
        }
        return length >= SPLICE_FROM && canSplice ? Mode.SPLICE : Mode.COPY;
    }
}
