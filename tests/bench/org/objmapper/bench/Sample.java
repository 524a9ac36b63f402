package org.objmapper.bench;

import java.util.EnumMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;

/**
 * What one run of a load came to.
 *
 * @param nanos how long rounds took; empty where that was not measured
 */
record Sample(Map<Figure, Double> figures, Histogram nanos) {
    private static final Pattern FIGURE = Pattern.compile(" (\\S+)=([0-9.]+)(?:us)?\\b");
    private static final Pattern TIME = Pattern.compile(" (\\d+):(\\d+)");
    static final int DIGITS = 3; // of times, that count
    private static final Map<String, Figure> NAMES = Map.of(
            "ops/s", Figure.REQUESTS,
            "p50", Figure.P50,
            "p99", Figure.P99,
            "p999", Figure.P999,
            "busyp99", Figure.BUSY_P99,
            "busyleast", Figure.BUSY_LEAST_P99,
            "cpu", Figure.CPU,
            "allocated", Figure.ALLOCATED,
            "switches", Figure.SWITCHES);

    /** What a load program printed; see load.h. */
    static Sample parse(String output) {
        Sample sample = new Sample(new EnumMap<>(Figure.class), new Histogram(DIGITS));
        output.lines().forEach(line -> {
            if (line.startsWith("times ")) {
                sample.addTimes(line);
            } else {
                sample.addFigures(line);
            }
        });
        return sample;
    }

    static Sample of(Figure figure, double value) {
        return new Sample(new EnumMap<>(Map.of(figure, value)), new Histogram(DIGITS));
    }

    private void addFigures(String line) {
        Matcher each = FIGURE.matcher(line);
        while (each.find()) {
            Figure figure = NAMES.get(each.group(1));
            if (figure != null) {
                figures.put(figure, Double.valueOf(each.group(2)));
            }
        }
    }

    private void addTimes(String line) {
        Matcher each = TIME.matcher(line);
        while (each.find()) {
            nanos.recordValueWithCount(Long.parseLong(each.group(1)), Long.parseLong(each.group(2)));
        }
    }
}
