package org.objmapper.server.store.eviction;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.objmapper.server.store.eviction.Simulation.HitRatio;

/** The policies on recorded requests, and the table of docs/eviction.md that shows how they do. */
class TraceTest {
    private static final Path PAGE = Path.of("..", "docs", "eviction.md");
    private static final double[] CAPACITIES = {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5};
    private static final List<PolicyName> POLICIES =
            List.of(PolicyName.FIFO, PolicyName.LRU, PolicyName.SIEVE, PolicyName.LFU, PolicyName.TINYLFU);

    @Test
    void thePageShowsWhatTheSimulationGives() throws IOException {
        String page = Files.readString(PAGE, UTF_8);
        for (Trace trace : traces()) {
            page = withTable(page, trace);
        }
        if (Boolean.getBoolean("eviction.write")) {
            Files.writeString(PAGE, page, UTF_8);
        }
        assertThat(Files.readString(PAGE, UTF_8)).isEqualTo(page);
    }

    @Test
    void lruIsExactlyLru() throws IOException {
        for (Trace trace : traces()) {
            for (double capacity : CAPACITIES) {
                long bytes = bytes(trace, capacity);
                assertThat(Simulation.of(PolicyName.LRU.create(), trace, bytes))
                        .isEqualTo(Simulation.exactLru(trace, bytes));
            }
        }
    }

    @Test
    void nobodyIsBetterThanTheBounds() throws IOException {
        for (Trace trace : traces()) {
            long bytes = bytes(trace, 0.1);
            HitRatio bound = Simulation.bound(trace, bytes);
            HitRatio belady = Simulation.belady(trace, bytes);
            assertThat(belady.objects()).isLessThanOrEqualTo(bound.objects());
            for (PolicyName name : POLICIES) {
                HitRatio ratio = Simulation.of(name.create(), trace, bytes);
                assertThat(ratio.objects()).isLessThan(belady.objects());
                assertThat(ratio.bytes()).isLessThan(bound.bytes());
            }
        }
    }

    private static List<Trace> traces() throws IOException {
        return List.of(Trace.requestSizes(), Trace.web12());
    }

    private static long bytes(Trace trace, double capacity) {
        return (long) (trace.bytesOfAllObjects() * capacity);
    }

    /** The page with the table after the trace's heading made anew. */
    private static String withTable(String page, Trace trace) {
        int start = page.indexOf("| capacity", page.indexOf("## " + trace.name()));
        int end = page.indexOf("\n\n", start);
        return page.substring(0, start) + table(trace) + page.substring(end);
    }

    private static String table(Trace trace) {
        StringBuilder table = new StringBuilder("| capacity |");
        POLICIES.forEach(name ->
                table.append(' ').append(name.name().toLowerCase(Locale.ROOT)).append(" |"));
        table.append(" farthest next use | bound |\n| --- |");
        table.append(" --- |".repeat(POLICIES.size() + 2));
        for (double capacity : CAPACITIES) {
            long bytes = bytes(trace, capacity);
            table.append(String.format(Locale.ROOT, "\n| %.1f %% |", capacity * 100));
            POLICIES.forEach(name -> table.append(cell(Simulation.of(name.create(), trace, bytes))));
            table.append(cell(Simulation.belady(trace, bytes)));
            table.append(cell(Simulation.bound(trace, bytes)));
        }
        return table.toString();
    }

    private static String cell(HitRatio ratio) {
        return String.format(Locale.ROOT, " %.1f / %.1f |", ratio.objects() * 100, ratio.bytes() * 100);
    }
}
