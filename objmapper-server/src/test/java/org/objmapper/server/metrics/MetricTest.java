package org.objmapper.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.server.metrics.Metric.Type;

class MetricTest {
    private static final Path PAGE = Path.of(System.getProperty("objmapper.root"), "docs", "metrics.md");

    @Test
    void thePageIsTheTable() throws Exception {
        String table = Arrays.stream(Metric.values())
                .sorted(Comparator.comparing(Metric::text))
                .map(MetricTest::row)
                .collect(Collectors.joining());

        assertThat(Files.readString(PAGE)).as("docs/metrics.md").endsWith("| --- | --- | --- | --- |\n" + table);
    }

    private static String row(Metric metric) {
        String type = metric.type().name().toLowerCase(Locale.ROOT);
        return "| `" + metric.text() + "` | " + type + " | " + metric.unit() + " | " + metric.help() + " |\n";
    }

    @ParameterizedTest
    @EnumSource(Metric.class)
    void aNameSaysWhetherItCountsAndWhetherItIsInBytes(Metric metric) {
        assertThat(metric.text()).matches("objmapper_[a-z_]+");
        assertThat(metric.text().endsWith("_total")).isEqualTo(metric.type() == Type.COUNTER);
        assertThat(metric.text().contains("bytes")).isEqualTo(metric.unit().equals("bytes"));
        assertThat(metric.help()).isNotBlank();
    }

    @Test
    void noNameStandsForTwo() {
        assertThat(Arrays.stream(Metric.values()).map(Metric::text)).doesNotHaveDuplicates();
    }

    @Test
    void countersAddUpAndGaugesAreAskedEachTime() {
        Metrics metrics = new Metrics();
        metrics.count(Metric.REQUESTS_GET);
        metrics.add(Metric.REQUESTS_GET, 4);
        long[] sessions = {7};
        metrics.show(Metric.SESSIONS, () -> sessions[0]);
        assertThat(metrics.text()).contains("objmapper_requests_get_total 5\n", "objmapper_sessions 7\n");
        sessions[0] = 8;

        assertThat(metrics.text()).contains("objmapper_sessions 8\n").contains("objmapper_requests_put_total 0\n");
        assertThat(metrics.text()).doesNotContain("objmapper_store_objects");
        assertThat(metrics.text().lines()).isSorted();
    }
}
