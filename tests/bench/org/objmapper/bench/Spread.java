package org.objmapper.bench;

import java.util.List;

/** The median of several runs, and how far they lie apart. */
record Spread(double median, double lowest, double highest) {
    /** @param values one at least */
    static Spread of(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int middle = sorted.length / 2;
        double median = sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[sorted.length - 1]);
    }

    boolean overlaps(Spread other) {
        return lowest <= other.highest && other.lowest <= highest;
    }
}
