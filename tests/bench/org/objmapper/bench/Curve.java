package org.objmapper.bench;

import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;

/** How long rounds of all runs together took, the longer the rarer; empty where that was not measured. */
record Curve(List<Point> points) {
    private static final double[] PERCENTILES = {0, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.999};

    /** @param micros what so many rounds in a hundred took at most */
    record Point(double percentile, double micros) {}

    static Curve of(List<Sample> samples) {
        Histogram all = new Histogram(Sample.DIGITS);
        samples.forEach(sample -> all.add(sample.nanos()));
        List<Point> points = new ArrayList<>();
        for (double percentile : PERCENTILES) {
            // Beyond that a percentile would be told by less than one round.
            if (Math.round(all.getTotalCount() * (100 - percentile)) >= 100) {
                points.add(new Point(percentile, all.getValueAtPercentile(percentile) / 1e3));
            }
        }
        return new Curve(points);
    }
}
