package org.objmapper.client;

import java.util.concurrent.TimeUnit;

/** How much a client keeps: so many objects, bytes of their bodies and metadata, and so long one that nobody asks for. */
record CacheBounds(int objects, long bytes, long idleMillis) {
    long idleNanos() {
        return TimeUnit.MILLISECONDS.toNanos(idleMillis);
    }
}
