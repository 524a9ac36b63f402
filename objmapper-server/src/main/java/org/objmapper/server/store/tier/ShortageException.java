package org.objmapper.server.store.tier;

import java.io.IOException;

/** There is no room for another copy. */
public final class ShortageException extends IOException {
    private static final long serialVersionUID = 1L;

    private final boolean ofDescriptors;

    ShortageException(boolean ofDescriptors, String message) {
        super(message);
        this.ofDescriptors = ofDescriptors;
    }

    /** Whether it is descriptors that are short, and not bytes. */
    boolean isOfDescriptors() {
        return ofDescriptors;
    }
}
