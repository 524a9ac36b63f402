package org.objmapper.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What counts as worse than in an earlier run. */
class ComparisonTest {
    @Test
    void aRatioThatFellBelowAllEarlierRunsByMoreThanATenthIsWorse() {
        assertThat(worse(Figure.REQUESTS, spread(0.95, 1.00, 1.05), spread(0.80, 0.85, 0.90)))
                .containsExactly("row, requests/s: 0.85 (0.80 to 0.90), and it was 1.00 (0.95 to 1.05)");
    }

    @Test
    void aRatioIsNotWorseWhereTheRunsOverlap() {
        assertThat(worse(Figure.REQUESTS, spread(0.85, 1.00, 1.05), spread(0.70, 0.75, 0.86)))
                .isEmpty();
    }

    @Test
    void aTenthIsNoise() {
        assertThat(worse(Figure.REQUESTS, spread(1.00, 1.00, 1.00), spread(0.91, 0.91, 0.91)))
                .isEmpty();
    }

    @Test
    void aRatioThatRoseIsWorseWhereLowerIsBetterAndBetterElsewhere() {
        assertThat(worse(Figure.P99, spread(1, 1, 1), spread(2, 2, 2))).hasSize(1);
        assertThat(worse(Figure.REQUESTS, spread(1, 1, 1), spread(2, 2, 2))).isEmpty();
    }

    @Test
    void figuresWithoutARatioAreComparedThemselves() {
        Result before = result("row", Figure.P99, new Result.Compared(spread(10, 10, 10), null, null));
        Result now = result("row", Figure.P99, new Result.Compared(spread(20, 20, 20), null, null));

        assertThat(Comparison.worse(report(before), report(now))).hasSize(1);
    }

    @Test
    void aRowThatWasNotMeasuredBeforeIsNotWorse() {
        Result now = result("new", Figure.P99, new Result.Compared(spread(20, 20, 20), null, null));

        assertThat(Comparison.worse(report(), report(now))).isEmpty();
    }

    private static List<String> worse(Figure figure, Spread before, Spread now) {
        Spread any = spread(1, 1, 1);
        return Comparison.worse(
                report(result("row", figure, new Result.Compared(any, any, before))),
                report(result("row", figure, new Result.Compared(any, any, now))));
    }

    private static Spread spread(double lowest, double median, double highest) {
        return new Spread(median, lowest, highest);
    }

    private static Result result(String name, Figure figure, Result.Compared compared) {
        return new Result(
                name,
                "what it is",
                "floor",
                Map.of(figure, compared),
                List.of(),
                new Curve(List.of()),
                new Curve(List.of()));
    }

    private static Report report(Result... results) {
        return new Report(
                "machine", "then", new Report.Waiting(0, 0), new Scale(1, 1, 5, 1, 1, 1), List.of(results), List.of());
    }
}
