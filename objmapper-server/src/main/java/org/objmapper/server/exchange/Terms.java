package org.objmapper.server.exchange;

import org.objmapper.protocol.Features;
import org.objmapper.protocol.Mode;

/** What a session was granted in HELLO (protocol-spec.md 7.4), in bytes or pieces. */
public record Terms(
        Mode mode,
        int maxRequests,
        int maxMessageDescriptors,
        int maxQueuedDescriptors,
        int maxFrame,
        int inlineLimit,
        boolean ordered,
        boolean sharesDescriptors,
        long features) {
    /** Whether misses come with fill tokens. */
    public boolean givesFillTokens() {
        return (features & Features.FILL_TOKENS) != 0;
    }

    /** Whether several objects may stand under a key. */
    public boolean hasVariants() {
        return (features & Features.VARIANTS) != 0;
    }

    /** Whether PURGE may carry a ban. */
    public boolean hasBans() {
        return (features & Features.BANS) != 0;
    }

    /** Whether the client was handed the validity table. */
    public boolean hasValidity() {
        return (features & Features.VALIDITY) != 0;
    }

    /** Whether the client may say what it gave of its own. */
    public boolean takesHits() {
        return (features & Features.HITS) != 0;
    }

    /** The same without the validity table: there is none to hand. */
    public Terms withoutValidity() {
        return new Terms(
                mode,
                maxRequests,
                maxMessageDescriptors,
                maxQueuedDescriptors,
                maxFrame,
                inlineLimit,
                ordered,
                sharesDescriptors,
                features & ~Features.VALIDITY);
    }

    /** Whether the client takes descriptors at all. */
    public boolean takesDescriptors() {
        return maxMessageDescriptors > 0 && maxQueuedDescriptors > 0;
    }
}
