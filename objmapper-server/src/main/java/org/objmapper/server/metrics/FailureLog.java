package org.objmapper.server.metrics;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Logs failures that may repeat as long as their cause lasts, such as a broken disk or a flood of clients: of each kind one line at once,
 * then one every ten seconds at most, which says how many were left out. Safe on any thread.
 */
public final class FailureLog {
    static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Logger log;
    private final LongSupplier nanoTime;
    private final Map<String, Kind> kinds = new HashMap<>();

    private static final class Kind {
        long loggedNanos;
        long leftOut;
    }

    /** Of which the lines go to {@code log}. */
    public FailureLog(Logger log) {
        this(log, System::nanoTime);
    }

    FailureLog(Logger log, LongSupplier nanoTime) {
        this.log = log;
        this.nanoTime = nanoTime;
    }

    /** Logs an error. {@code kind} is its text, a constant with a pair of braces for each argument. */
    public synchronized void error(String kind, @Nullable Object... arguments) {
        String line = line(kind);
        if (line != null) {
            log.error(line, arguments);
        }
    }

    /** As {@link #error}, for what does less harm. */
    public synchronized void warn(String kind, @Nullable Object... arguments) {
        String line = line(kind);
        if (line != null) {
            log.warn(line, arguments);
        }
    }

    private @Nullable String line(String text) {
        long now = nanoTime.getAsLong();
        Kind kind = kinds.get(text);
        if (kind == null) {
            kind = new Kind();
            kinds.put(text, kind);
        } else if (now - kind.loggedNanos < PAUSE_NANOS) {
            kind.leftOut++;
            return null;
        }
        kind.loggedNanos = now;
        long leftOut = kind.leftOut;
        kind.leftOut = 0;
        return leftOut == 0 ? text : text + " (left out since the last such line=" + leftOut + ")";
    }
}
