package org.objmapper.client;

import java.io.Closeable;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds objects that nobody closed. What such an object held is closed when the collector finds it, and a warning is logged. The system
 * property {@code org.objmapper.client.leakDetection} says for how many the warning names the place that opened them: {@code all}, {@code off}, or
 * {@code sampled} (default: one in {@value #SAMPLE}). Thread-safe.
 */
final class Leaks {
    static final String PROPERTY = "org.objmapper.client.leakDetection";
    static final int SAMPLE = 128;
    static final Cleaner CLEANER = Cleaner.create();

    private static final Logger LOG = LoggerFactory.getLogger("org.objmapper.client.leak");
    private static final AtomicLong FOUND = new AtomicLong();

    private Leaks() {}

    /** How many were found so far. */
    static long found() {
        return FOUND.get();
    }

    /** Watches an owner, which {@code held} must not refer to; the caller cleans when the owner is closed. */
    static Guard watch(Object owner, Key key, Closeable held) {
        Guard guard = new Guard(key, held, traced() ? new Throwable("opened here") : null);
        guard.cleanable = CLEANER.register(owner, guard);
        return guard;
    }

    private static boolean traced() {
        return switch (System.getProperty(PROPERTY, "sampled").toLowerCase(Locale.ROOT)) {
            case "all" -> true;
            case "off" -> false;
            default -> ThreadLocalRandom.current().nextInt(SAMPLE) == 0;
        };
    }

    /** Closes what was held once, by its owner or behind the owner's back. */
    static final class Guard implements Runnable {
        private final Key key;
        private final Closeable held;
        private final @Nullable Throwable opened;
        private final AtomicBoolean closed = new AtomicBoolean();
        private Cleaner.@Nullable Cleanable cleanable;

        private Guard(Key key, Closeable held, @Nullable Throwable opened) {
            this.key = key;
            this.held = held;
            this.opened = opened;
        }

        /** The owner closes. */
        void close() throws IOException {
            if (closed.compareAndSet(false, true)) {
                if (cleanable != null) {
                    cleanable.clean();
                }
                held.close();
            }
        }

        /** The owner is gone. */
        @Override
        public void run() {
            if (!closed.compareAndSet(false, true)) {
                return;
            }
            FOUND.incrementAndGet();
            if (opened == null) {
                LOG.warn("the object {} was never closed; -D{}=all tells where it was opened", key, PROPERTY);
            } else {
                LOG.warn("the object {} was never closed", key, opened);
            }
            try {
                held.close();
            } catch (IOException e) {
                LOG.debug("the object {} could not be closed", key, e);
            }
        }
    }
}
