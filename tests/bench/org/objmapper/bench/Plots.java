package org.objmapper.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Draws the ratios of each figure, the median as a dot, the runs' range as a line, and the targets; and for each row how long rounds took
 * on both sides.
 */
final class Plots {
    private static final int WIDTH = 900;
    private static final int LINE = 22;
    private static final int LABELS = 330;
    private static final int TOP = 60;
    private static final double MOST = 2.5;
    private static final String OURS = "#1f77b4";
    private static final String OTHER = "#ff7f0e";
    private static final int HEIGHT = 420;
    private static final int LEFT = 70;
    private static final double NINES = 5; // 99.999 in a hundred
    private static final double LEAST_POWER = 0; // 1 us
    private static final double MOST_POWER = 6; // 1 s

    private Plots() {}

    /** Writes a file for each figure that has ratios, and for each row whose times were measured on both sides. */
    static void write(Path directory, List<Result> results) throws IOException {
        for (Figure figure : Figure.values()) {
            List<Result> compared = results.stream()
                    .filter(result -> result.figures().containsKey(figure)
                            && result.figures().get(figure).ratio() != null)
                    .toList();
            if (!compared.isEmpty()) {
                String name = "ratios-" + figure.name().toLowerCase(Locale.ROOT) + ".svg";
                Files.writeString(directory.resolve(name), ratios(figure, compared));
            }
        }
        for (Result result : results) {
            if (!result.ours().points().isEmpty() && !result.other().points().isEmpty()) {
                Files.writeString(directory.resolve("latency-" + result.name() + ".svg"), latency(result));
            }
        }
    }

    private static String latency(Result result) {
        Svg svg = new Svg(WIDTH, HEIGHT);
        svg.text(10, 20, result.name() + ": " + result.title());
        svg.text(10, 38, "how long the slowest rounds took; blue: objmapper, orange: " + result.versus());
        for (int nines = 0; nines <= NINES; nines++) {
            double x = xOfNines(nines);
            svg.line(x, yOfPower(MOST_POWER), x, yOfPower(LEAST_POWER), "#ddd");
            svg.text(
                    x - 14,
                    HEIGHT - 12,
                    List.of("all", "1 in 10", "100", "1,000", "10,000", "100,000")
                            .get(nines));
        }
        for (int power = (int) LEAST_POWER; power <= MOST_POWER; power++) {
            svg.line(LEFT, yOfPower(power), WIDTH - 20, yOfPower(power), "#ddd");
            svg.text(
                    10,
                    yOfPower(power) + 4,
                    List.of("1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s")
                            .get(power));
        }
        draw(svg, result.other(), OTHER);
        draw(svg, result.ours(), OURS);
        return svg.toString();
    }

    private static void draw(Svg svg, Curve curve, String colour) {
        Curve.Point from = curve.points().get(0);
        for (Curve.Point to : curve.points()) {
            svg.line(x(from), y(from), x(to), y(to), colour);
            from = to;
        }
    }

    private static double x(Curve.Point point) {
        return xOfNines(-Math.log10(1 - point.percentile() / 100));
    }

    private static double y(Curve.Point point) {
        return yOfPower(Math.log10(Math.max(1, point.micros())));
    }

    private static double xOfNines(double nines) {
        return LEFT + nines / NINES * (WIDTH - LEFT - 50);
    }

    private static double yOfPower(double power) {
        double share = (power - LEAST_POWER) / (MOST_POWER - LEAST_POWER);
        return HEIGHT - 30 - share * (HEIGHT - 90);
    }

    private static String ratios(Figure figure, List<Result> results) {
        Svg svg = new Svg(WIDTH, TOP + LINE * (results.size() + 1));
        svg.text(
                10,
                20,
                figure.title + ", ratio to the other side: "
                        + (figure.higherIsBetter ? "right is better" : "left is better"));
        svg.text(10, 38, "dot: median, line: all runs, | must, : aim");
        for (double at = 0; at <= MOST; at += 0.5) {
            svg.line(x(at), TOP - 6, x(at), TOP + LINE * results.size(), at == 1 ? "#444" : "#ddd");
            svg.text(x(at) - 8, TOP + LINE * results.size() + 14, Double.toString(at));
        }
        int y = TOP + LINE / 2;
        for (Result result : results) {
            Spread ratio = result.figures().get(figure).ratio();
            svg.text(10, y + 4, result.name() + " to " + result.versus());
            svg.line(x(ratio.lowest()), y, x(ratio.highest()), y, OURS);
            svg.dot(x(ratio.median()), y, OURS);
            for (Target target : result.targets()) {
                if (target.figure() == figure) {
                    svg.line(x(target.must()), y - 8, x(target.must()), y + 8, "#d62728");
                    svg.dashed(x(target.aim()), y - 8, x(target.aim()), y + 8, "#2ca02c");
                }
            }
            y += LINE;
        }
        return svg.toString();
    }

    private static double x(double ratio) {
        return LABELS + Math.min(ratio, MOST) / MOST * (WIDTH - LABELS - 20);
    }
}
