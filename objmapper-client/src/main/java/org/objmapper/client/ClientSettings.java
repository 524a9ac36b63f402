package org.objmapper.client;

import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Mode;

/** What a client was built with. */
record ClientSettings(
        Path socket,
        Mode mode,
        int poolSize,
        int maxRequests,
        int inlineLimitBytes,
        boolean sharedDescriptors,
        long connectTimeoutMillis,
        long timeoutMillis,
        long maxMappedBytes,
        @Nullable CacheBounds cache,
        String name,
        Executor executor) {
    long timeoutNanos() {
        return TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    }

    long connectTimeoutNanos() {
        return TimeUnit.MILLISECONDS.toNanos(connectTimeoutMillis);
    }
}
