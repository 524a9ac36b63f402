package org.objmapper.server.transport;

import org.objmapper.protocol.Limits;

/** What a server grants and bears (protocol-spec.md 8); times in milliseconds, sizes in bytes. The loops share {@code maxHeldInput} evenly. */
public record ServerLimits(
        int maxSessions,
        int maxRequests,
        int maxFrame,
        int inlineLimit,
        int maxMessageDescriptors,
        int maxQueuedDescriptors,
        long maxHeldInput,
        int helloTimeoutMillis,
        int idleTimeoutMillis,
        int frameTimeoutMillis,
        int replyTimeoutMillis,
        int drainTimeoutMillis) {
    /** The defaults of the specification. */
    public static final ServerLimits DEFAULTS = new ServerLimits(
            4_096,
            Limits.MAX_REQUESTS_DEFAULT,
            Limits.MAX_FRAME_DEFAULT,
            Limits.INLINE_LIMIT_DEFAULT,
            16,
            16,
            67_108_864,
            5_000,
            60_000,
            30_000,
            30_000,
            5_000);
}
