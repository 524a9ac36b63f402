package org.objmapper.client;

import java.io.Closeable;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;

/** What all holders of one object share: it is closed when the last of them lets go, or when the collector finds that none is left. Thread-safe. */
final class Holders {
    private final AtomicInteger count = new AtomicInteger(1);
    private final Leaks.Guard guard;

    /** With one holder; {@code held} must not refer to it. */
    Holders(Key key, Closeable held) {
        guard = Leaks.watch(this, key, held);
    }

    /** One holder more; false where the last has let go. */
    boolean tryHold() {
        int now = count.get();
        while (now > 0) {
            if (count.weakCompareAndSetVolatile(now, now + 1)) {
                return true;
            }
            now = count.get();
        }
        return false;
    }

    void letGo() throws IOException {
        if (count.decrementAndGet() == 0) {
            guard.close();
        }
    }
}
