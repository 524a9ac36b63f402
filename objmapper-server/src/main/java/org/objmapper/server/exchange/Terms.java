package org.objmapper.server.exchange;

import org.objmapper.protocol.Mode;

/** What a session was granted in HELLO (protocol-spec.md 7.4), in bytes or pieces. */
public record Terms(
        Mode mode,
        int maxRequests,
        int maxMessageDescriptors,
        int maxQueuedDescriptors,
        int maxFrame,
        int inlineLimit,
        boolean ordered) {
    /** Whether the client takes descriptors at all. */
    public boolean takesDescriptors() {
        return maxMessageDescriptors > 0 && maxQueuedDescriptors > 0;
    }
}
