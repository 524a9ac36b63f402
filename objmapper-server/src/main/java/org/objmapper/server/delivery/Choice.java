package org.objmapper.server.delivery;

import org.objmapper.protocol.Mode;
import org.objmapper.server.exchange.Terms;

/** Which way a body travels (protocol-spec.md 5.2.2 and 5.2.3). */
public final class Choice {
    /** From here on moving pages inside the kernel beats copying them. */
    static final long SPLICE_FROM = 64 * 1024;

    private Choice() {}

    /** The mode for a body of some bytes, given what was asked for and what the session can take. */
    public static Mode of(Mode wanted, long length, boolean inMemory, Terms terms) {
        if (length <= terms.inlineLimit() || length == 0) {
            return Mode.INLINE;
        }
        return switch (wanted) {
            case FDPASS -> terms.takesDescriptors() ? Mode.FDPASS : Mode.COPY;
            case COPY -> Mode.COPY;
            case SPLICE -> inMemory ? Mode.COPY : Mode.SPLICE;
            case AUTO, INLINE -> automatic(length, inMemory, terms);
        };
    }

    private static Mode automatic(long length, boolean inMemory, Terms terms) {
        if (terms.takesDescriptors()) {
            return Mode.FDPASS;
        }
        return length >= SPLICE_FROM && !inMemory ? Mode.SPLICE : Mode.COPY;
    }
}
