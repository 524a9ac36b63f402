package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * When generations were given out, about: marks of which one was next at a time, about an eighth of their age apart, so that a few hundred
 * do for many years. For one thread.
 */
final class GenerationTimes {
    private static final int MARK_BYTES = 2 * Long.BYTES;
    /** The part of their age that marks are apart. */
    private static final long PART = 8;

    private final TreeMap<Long, Long> millisByNext = new TreeMap<>();

    /** Those of a value that {@link #value} gave; null for none. What is no such value has none either: it costs but figures. */
    static GenerationTimes of(byte @Nullable [] value) {
        GenerationTimes times = new GenerationTimes();
        if (value != null && value.length % MARK_BYTES == 0) {
            ByteBuffer marks = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
            while (marks.hasRemaining()) {
                times.millisByNext.put(marks.getLong(), marks.getLong());
            }
        }
        return times;
    }

    /** Generations from {@code next} on were not given out by now; whether any was since the last mark. */
    boolean mark(long next, long nowMillis) {
        if (!millisByNext.isEmpty() && millisByNext.lastKey() >= next) {
            return false;
        }
        millisByNext.put(next, nowMillis);
        thinOut(nowMillis);
        return true;
    }

    private void thinOut(long nowMillis) {
        Long before = null;
        for (Long next = millisByNext.firstKey(); next != null; ) {
            Map.Entry<Long, Long> after = millisByNext.higherEntry(next);
            if (before != null && after != null && isClose(before, after.getValue(), nowMillis)) {
                millisByNext.remove(next);
            } else {
                before = millisByNext.get(next);
            }
            next = after == null ? null : after.getKey();
        }
    }

    private static boolean isClose(long before, long after, long nowMillis) {
        return after - before <= (nowMillis - after) / PART;
    }

    /** A time at which a generation had been given out; null where there is none yet. */
    @Nullable
    Long millisAfter(long generation) {
        Map.Entry<Long, Long> mark = millisByNext.higherEntry(generation);
        return mark == null ? null : mark.getValue();
    }

    int marks() {
        return millisByNext.size();
    }

    /** All of it, for {@link #of}. */
    byte[] value() {
        ByteBuffer marks = ByteBuffer.allocate(millisByNext.size() * MARK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        millisByNext.forEach((next, millis) -> marks.putLong(next).putLong(millis));
        return marks.array();
    }
}
