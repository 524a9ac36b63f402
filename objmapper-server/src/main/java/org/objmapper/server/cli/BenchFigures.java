package org.objmapper.server.cli;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What one run of a load came to.
 *
 * @param p50Micros the median time of a round
 * @param p99Micros the time that 99 in 100 rounds took at most
 */
record BenchFigures(double perSecond, double p50Micros, double p99Micros) {
    /** This divided by the floor's, figure by figure. */
    BenchFigures ratioTo(BenchFigures floor) {
        return new BenchFigures(perSecond / floor.perSecond, p50Micros / floor.p50Micros, p99Micros / floor.p99Micros);
    }

    /** The median of each figure by itself. */
    static BenchFigures median(List<BenchFigures> runs) {
        return new BenchFigures(
                median(runs, BenchFigures::perSecond),
                median(runs, BenchFigures::p50Micros),
                median(runs, BenchFigures::p99Micros));
    }

    private static double median(List<BenchFigures> runs, ToDoubleFunction<BenchFigures> figure) {
        double[] sorted = runs.stream().mapToDouble(figure).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
