package org.objmapper.server.metrics;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.objmapper.server.metrics.Metric.Type;

/** The values of the metrics of one server. Safe on any thread; counting allocates nothing and takes no lock. */
public final class Metrics {
    private static final List<Metric> BY_NAME = Arrays.stream(Metric.values())
            .sorted(Comparator.comparing(Metric::text))
            .collect(Collectors.toUnmodifiableList());

    private final LongAdder[] counters = new LongAdder[Metric.values().length];
    private final List<ThreadCounters> ofThreads = new CopyOnWriteArrayList<>();
    private final Map<Metric, LongSupplier> shown = new ConcurrentHashMap<>();
    private final Map<Metric, Labelled> labelled = new ConcurrentHashMap<>();

    /** Values of one metric, by a label whose values have no quotes in them. */
    private record Labelled(String label, Supplier<Map<String, Long>> values) {}

    /** Counters at 0, and others that nobody shows yet. */
    public Metrics() {
        Arrays.setAll(counters, ordinal -> new LongAdder());
    }

    /** Counters for a thread that counts often, and lives as long as the server. */
    public ThreadCounters newThreadCounters() {
        ThreadCounters counters = new ThreadCounters();
        ofThreads.add(counters);
        return counters;
    }

    private long sum(Metric counter) {
        long sum = counters[counter.ordinal()].sum();
        for (ThreadCounters ofThread : ofThreads) {
            sum += ofThread.countOf(counter);
        }
        return sum;
    }

    /** Adds one to a counter. */
    public void count(Metric counter) {
        add(counter, 1);
    }

    /** Adds to a counter. */
    public void add(Metric counter, long count) {
        assert counter.type() == Type.COUNTER;
        counters[counter.ordinal()].add(count);
    }

    /** Says where the value of a gauge comes from, or of a counter that is counted elsewhere. It is asked on any thread, and may not block. */
    public void show(Metric metric, LongSupplier value) {
        shown.put(metric, value);
    }

    /** Says where the values of a metric come from that has several, each by a label. As {@link #show}. */
    public void showEach(Metric metric, String label, Supplier<Map<String, Long>> values) {
        labelled.put(metric, new Labelled(label, values));
    }

    /** A line for each metric that has a value, sorted by name: the body of a STAT reply. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Metric metric : BY_NAME) {
            LongSupplier value = shown.get(metric);
            Labelled each = labelled.get(metric);
            if (each != null) {
                each.values.get().forEach((label, figure) -> line(text, metric, each.label, label, figure));
            } else if (value != null) {
                line(text, metric, value.getAsLong());
            } else if (metric.type() == Type.COUNTER) {
                line(text, metric, sum(metric));
            }
        }
        return text.toString();
    }

    private static void line(StringBuilder text, Metric metric, String label, String labelValue, long value) {
        text.append(metric.text()).append('{').append(label).append("=\"").append(labelValue);
        text.append("\"} ").append(value).append('\n');
    }

    private static void line(StringBuilder text, Metric metric, long value) {
        text.append(metric.text()).append(' ').append(value).append('\n');
    }
}
