package org.objmapper.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Draws the ratios of each figure: the median as a dot, the runs' range as a line, and the targets. */
final class Plots {
    private static final int WIDTH = 900;
    private static final int LINE = 22;
    private static final int LABELS = 330;
    private static final int TOP = 60;
    private static final double MOST = 2.5;

    private Plots() {}

    /** Writes a file for each figure that has ratios. */
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
            svg.line(x(ratio.lowest()), y, x(ratio.highest()), y, "#1f77b4");
            svg.dot(x(ratio.median()), y, "#1f77b4");
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
