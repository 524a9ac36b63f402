package org.objmapper.server.store;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.objmapper.protocol.Operation;

/** What the server counts, by the names that STAT shows. Safe on any thread. */
public final class Figures {
    private final LongAdder[] requests = new LongAdder[256];
    private final Map<String, LongSupplier> gauges = new ConcurrentHashMap<>();

    /** Figures that are all 0. */
    public Figures() {
        for (int i = 0; i < requests.length; i++) {
            requests[i] = new LongAdder();
        }
    }

    /** One request of an operation was answered. */
    public void count(int operation) {
        requests[operation].increment();
    }

    /** A figure that is asked for when it is shown. */
    public void gauge(String name, LongSupplier value) {
        gauges.put(name, value);
    }

    /** A line for each figure, sorted by name (protocol-spec.md 5.9). */
    public String text() {
        Map<String, Long> all = new TreeMap<>();
        for (int operation = Operation.GET; operation <= Operation.GOODBYE; operation++) {
            String name = Operation.nameOf(operation).toLowerCase(Locale.ROOT);
            all.put("objmapper_requests_" + name + "_total", requests[operation].sum());
        }
        gauges.forEach((name, value) -> all.put(name, value.getAsLong()));
        StringBuilder text = new StringBuilder();
        all.forEach((name, value) ->
                text.append(name).append(' ').append((long) value).append('\n'));
        return text.toString();
    }
}
