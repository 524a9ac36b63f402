package org.objmapper.server.metrics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.objmapper.server.metrics.Metric.Type;

/** The counters of one thread, which alone counts, and so needs no atomic operation for that; {@link Metrics} adds them up. */
public final class ThreadCounters {
    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
    /** As many longs as keep others' memory out of the processor's lines that these stand in. */
    private static final int APART = 16;

    private final long[] values = new long[APART + Metric.values().length + APART];

    ThreadCounters() {}

    /** Adds one to a counter. On the thread that these are for. */
    public void count(Metric counter) {
        assert counter.type() == Type.COUNTER;
        int at = APART + counter.ordinal();
        LONGS.setOpaque(values, at, values[at] + 1);
    }

    /** How often it was counted. Any thread. */
    long countOf(Metric counter) {
        return (long) LONGS.getOpaque(values, APART + counter.ordinal());
    }
}
