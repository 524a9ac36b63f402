package org.objmapper.bench;

import java.util.List;
import java.util.Locale;

/** Results as a table in Markdown, which people read too. */
final class Table {
    static final String HEAD =
            line("what", "figure", "objmapper", "other", "ratio", "lowest to highest", "must", "aim", "")
                    + line("---", "---", "---:", "---:", "---:", "---", "---", "---", "---");

    private Table() {}

    static String of(Report report) {
        StringBuilder text = new StringBuilder();
        text.append(
                "%s, %s. %d runs of %.1f s on each side in turn. Processes ready to run: %.1f before, %.1f at the end.%n%n"
                        .formatted(
                                report.began(),
                                report.machine(),
                                report.scale().rounds(),
                                report.scale().seconds(),
                                report.waiting().before(),
                                report.waiting().after()));
        text.append(HEAD);
        report.results().forEach(result -> text.append(of(result)));
        return text.toString();
    }

    /** A line for each figure, the first with what was measured. */
    static String of(Result result) {
        StringBuilder text = new StringBuilder();
        String what =
                result.name() + ": " + result.title() + (result.versus().isEmpty() ? "" : ", to " + result.versus());
        for (var entry : result.figures().entrySet()) {
            text.append(line(what, entry.getKey(), entry.getValue(), result.targets()));
            what = "";
        }
        return text.toString();
    }

    private static String line(String what, Figure figure, Result.Compared compared, List<Target> targets) {
        Target target = targets.stream()
                .filter(each -> each.figure() == figure)
                .findFirst()
                .orElse(null);
        Spread judged = compared.judged();
        return line(
                what,
                figure.title,
                amount(compared.ours().median(), figure),
                compared.other() == null ? "" : amount(compared.other().median(), figure),
                compared.ratio() == null ? "" : number(compared.ratio().median()),
                number(judged.lowest()) + " to " + number(judged.highest()),
                target == null ? "" : number(target.must()),
                target == null ? "" : number(target.aim()),
                target == null ? "" : target.verdict(judged.median()));
    }

    private static String amount(double value, Figure figure) {
        return number(value) + (figure.unit.isEmpty() ? "" : " " + figure.unit);
    }

    /** With three digits that count, or all before the point. */
    static String number(double value) {
        if (value >= 100) {
            return String.format(Locale.ROOT, "%,.0f", value);
        }
        return String.format(Locale.ROOT, value >= 10 ? "%.1f" : "%.2f", value);
    }

    private static String line(String... cells) {
        return "| " + String.join(" | ", cells) + " |\n";
    }
}
