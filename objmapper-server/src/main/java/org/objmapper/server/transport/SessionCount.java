package org.objmapper.server.transport;

import java.util.concurrent.atomic.AtomicInteger;

/** How many sessions there are on all loops together, never more than the limit. */
final class SessionCount {
    private final int limit;
    private final AtomicInteger count = new AtomicInteger();

    SessionCount(int limit) {
        this.limit = limit;
    }

    boolean tryAdd() {
        if (count.incrementAndGet() <= limit) {
            return true;
        }
        count.decrementAndGet();
        return false;
    }

    void remove() {
        count.decrementAndGet();
    }

    int count() {
        return count.get();
    }
}
