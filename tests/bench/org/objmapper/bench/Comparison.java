package org.objmapper.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What became worse since an earlier run. */
final class Comparison {
    /** Two runs of the same program differ by as much on machines that share their processors with others. */
    private static final double NOISE = 0.10;

    private Comparison() {}

    /** A line for each figure that is worse by more than noise: ratios where both runs have them, else figures by themselves. */
    static List<String> worse(Report earlier, Report now) {
        Map<String, Result> before =
                earlier.results().stream().collect(Collectors.toMap(Result::name, result -> result));
        List<String> lines = new ArrayList<>();
        for (Result result : now.results()) {
            if (before.containsKey(result.name())) {
                addWorse(before.get(result.name()), result, lines);
            }
        }
        return lines;
    }

    private static void addWorse(Result before, Result now, List<String> lines) {
        now.figures().forEach((figure, compared) -> {
            Result.Compared then = before.figures().get(figure);
            if (then != null
                    && (then.ratio() == null) == (compared.ratio() == null)
                    && isWorse(figure, then.judged(), compared.judged())) {
                lines.add("%s, %s: %s, and it was %s"
                        .formatted(now.name(), figure.title, text(compared.judged()), text(then.judged())));
            }
        });
    }

    private static boolean isWorse(Figure figure, Spread before, Spread now) {
        double limit = before.median() * (figure.higherIsBetter ? 1 - NOISE : 1 + NOISE);
        return !now.overlaps(before) && figure.isWorse(now.median(), limit);
    }

    private static String text(Spread spread) {
        return "%s (%s to %s)"
                .formatted(
                        Table.number(spread.median()), Table.number(spread.lowest()), Table.number(spread.highest()));
    }
}
