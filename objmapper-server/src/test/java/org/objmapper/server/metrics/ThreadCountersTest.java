package org.objmapper.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ThreadCountersTest {
    @Test
    void theFigureIsTheSumOfWhatAllThreadsCounted() {
        Metrics metrics = new Metrics();
        ThreadCounters first = metrics.newThreadCounters();
        ThreadCounters second = metrics.newThreadCounters();
        metrics.count(Metric.STORE_HITS);
        for (int i = 0; i < 3; i++) {
            first.count(Metric.STORE_HITS);
        }
        second.count(Metric.STORE_HITS);
        second.count(Metric.STORE_MISSES);
        assertThat(metrics.text().lines()).contains("objmapper_store_hits_total 5", "objmapper_store_misses_total 1");
    }
}
