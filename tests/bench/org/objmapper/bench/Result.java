package org.objmapper.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** What the runs of a row came to. */
record Result(
        String name,
        String title,
        String versus,
        Map<Figure, Compared> figures,
        List<Target> targets,
        Curve ours,
        Curve other) {
    /** @param other null, as the ratio, where the other side has no such figure */
    record Compared(Spread ours, Spread other, Spread ratio) {
        /** What is judged. */
        Spread judged() {
            return ratio == null ? ours : ratio;
        }
    }

    /** @param other as many as ours, each measured right after it; or none */
    static Result of(Row row, List<Sample> ours, List<Sample> other) {
        Map<Figure, Compared> figures = new EnumMap<>(Figure.class);
        for (Figure figure : Figure.values()) {
            compare(figure, ours, other).ifPresent(compared -> figures.put(figure, compared));
        }
        return new Result(
                row.name(), row.title(), row.versus(), figures, row.targets(), Curve.of(ours), Curve.of(other));
    }

    private static Optional<Compared> compare(Figure figure, List<Sample> ours, List<Sample> other) {
        List<Double> mine = values(ours, figure);
        List<Double> theirs = values(other, figure);
        if (mine.isEmpty()) {
            return Optional.empty();
        }
        if (theirs.size() != mine.size() || theirs.contains(0.0)) {
            return Optional.of(new Compared(Spread.of(mine), null, null));
        }
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < mine.size(); i++) {
            ratios.add(mine.get(i) / theirs.get(i));
        }
        return Optional.of(new Compared(Spread.of(mine), Spread.of(theirs), Spread.of(ratios)));
    }

    private static List<Double> values(List<Sample> samples, Figure figure) {
        Function<Sample, Double> value = sample -> sample.figures().get(figure);
        return samples.stream().map(value).filter(each -> each != null).toList();
    }
}
