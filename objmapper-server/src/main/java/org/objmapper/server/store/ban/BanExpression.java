package org.objmapper.server.store.ban;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/**
 * Which objects a ban hits (protocol-spec.md 5.7): all that meet each of its terms. Regular expressions run in a time that follows the
 * length of what they look at. Immutable.
 */
final class BanExpression {
    /** Terms of one ban (protocol-spec.md 5.7). */
    static final int MAX_TERMS = 16;

    private static final String FIELDS = "req.url, req.http.host, obj.status or obj.http.NAME";
    private static final String OPERATORS = "==, !=, ~ or !~";
    private static final String HEADER = "obj.http.";

    private final List<Term> terms;

    private BanExpression(List<Term> terms) {
        this.terms = terms;
    }

    /** One of its terms; {@code negated} ones are met by what is absent too. */
    private record Term(String field, boolean negated, Predicate<String> argument) {
        boolean isMetBy(ObjectFields fields) {
            String value = fields.value(field);
            return negated ? value == null || !argument.test(value) : value != null && argument.test(value);
        }
    }

    static BanExpression parse(String text) throws BanSyntaxException {
        List<Term> terms = new ArrayList<>();
        BanWords words = new BanWords(text);
        RegularExpressions expressions = new RegularExpressions();
        String joined;
        do {
            if (terms.size() == MAX_TERMS) {
                throw words.wrong("the end: a ban has up to " + MAX_TERMS + " terms");
            }
            terms.add(term(words, expressions));
            joined = words.next();
            if (joined != null && !joined.equals("&&")) {
                throw words.wrong("&& or the end, found " + joined);
            }
        } while (joined != null);
        return new BanExpression(List.copyOf(terms));
    }

    private static Term term(BanWords words, RegularExpressions expressions) throws BanSyntaxException {
        String field = field(words);
        String operator = words.next(OPERATORS);
        Predicate<String> argument =
                switch (operator) {
                    case "==", "!=" -> latin1(words.next("what to compare " + field + " with"))::equals;
                    case "~", "!~" -> expressions.next(words);
                    default -> throw words.wrong(OPERATORS + ", found " + operator);
                };
        return new Term(field, operator.startsWith("!"), argument);
    }

    private static String field(BanWords words) throws BanSyntaxException {
        String word = words.next(FIELDS);
        String field = word.toLowerCase(Locale.ROOT);
        boolean isKnown =
                switch (field) {
                    case "req.url", "req.http.host", "obj.status" -> true;
                    default -> field.startsWith(HEADER) && field.length() > HEADER.length();
                };
        if (!isKnown) {
            throw words.wrong(FIELDS + ", found " + word);
        }
        return field;
    }

    /** Fields are bytes, of which each is taken for a character; the text of an expression is taken so too. */
    static String latin1(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }

    /** Whether it hits an object with these fields. */
    boolean hits(ObjectFields fields) {
        for (Term term : terms) {
            if (!term.isMetBy(fields)) {
                return false;
            }
        }
        return true;
    }
}
