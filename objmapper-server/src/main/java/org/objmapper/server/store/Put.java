package org.objmapper.server.store;

import org.jspecify.annotations.Nullable;

/**
 * A PUT without its body (protocol-spec.md 5.4).
 *
 * @param metadata what the client gave; the store adds its own
 * @param ttlMillis from now; negative for never
 * @param ifAbsent only where no unexpired object stands
 * @param ifGeneration only over this generation; null for any
 * @param durable answered only when it survives power loss
 * @param fillToken of the miss that it fills; null where it fills none
 */
public record Put(
        byte[] key,
        ObjectMetadata metadata,
        long ttlMillis,
        boolean ifAbsent,
        @Nullable Long ifGeneration,
        byte @Nullable [] expectedSha256,
        @Nullable Long expectedXxh3,
        boolean durable,
        byte @Nullable [] fillToken) {
    /** One that fills no miss. */
    public Put(
            byte[] key,
            ObjectMetadata metadata,
            long ttlMillis,
            boolean ifAbsent,
            @Nullable Long ifGeneration,
            byte @Nullable [] expectedSha256,
            @Nullable Long expectedXxh3,
            boolean durable) {
        this(key, metadata, ttlMillis, ifAbsent, ifGeneration, expectedSha256, expectedXxh3, durable, null);
    }

    /** The same, for the miss that came with a token; null for none. */
    public Put filling(byte @Nullable [] token) {
        return new Put(key, metadata, ttlMillis, ifAbsent, ifGeneration, expectedSha256, expectedXxh3, durable, token);
    }
}
