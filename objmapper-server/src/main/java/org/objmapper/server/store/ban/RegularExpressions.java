package org.objmapper.server.store.ban;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.function.Predicate;

/** Compiles the regular expressions of one ban, and bounds what they take together. */
final class RegularExpressions {
    /** Instructions of the compiled ones. */
    static final int MAX_PROGRAM = 4_000;
    /** The same as far as it can be told before one is compiled, which takes memory by it. */
    private static final int MAX_ESTIMATE = 100_000;
    /** The compiler goes as deep as parentheses do. */
    static final int MAX_PARENTHESES = 100;

    private static final Pattern REPETITION = Pattern.compile("\\{(?:[0-9]+,)?([0-9]+),?\\}");
    private static final String SMALLER = "smaller regular expressions";

    private int size;

    /** What the next word, a regular expression, finds something in. */
    Predicate<String> next(BanWords words) throws BanSyntaxException {
        String source = words.next("a regular expression");
        if (source.chars().filter(c -> c == '(').count() > MAX_PARENTHESES || estimate(source) > MAX_ESTIMATE) {
            throw words.wrong(SMALLER);
        }
        Pattern pattern;
        try {
            pattern = Pattern.compile(BanExpression.latin1(source));
        } catch (PatternSyntaxException e) {
            throw words.wrong("a regular expression as RE2 has them, found " + source + ": " + e.getDescription());
        }
        size += pattern.programSize();
        if (size > MAX_PROGRAM) {
            throw words.wrong(SMALLER);
        }
        return value -> pattern.matcher(value).find();
    }

    /** Its length, times all counts of repetitions, as if each stood inside the others. */
    private static long estimate(String source) {
        long estimate = source.length();
        Matcher counts = REPETITION.matcher(source);
        while (counts.find() && estimate <= MAX_ESTIMATE) {
            String count = counts.group(1);
            // RE2 refuses counts above 1,000.
            estimate *= count.length() > 4 ? 1 : Integer.parseInt(count) + 1;
        }
        return estimate;
    }
}
