package org.objmapper.server.store.ban;

import org.jspecify.annotations.Nullable;

/** The words of a ban expression: separated by white space, or in double quotes, inside which nothing is special. */
final class BanWords {
    private final String text;
    private int at;
    private int start;

    BanWords(String text) {
        this.text = text;
    }

    /** The next word; null at the end. */
    @Nullable
    String next() throws BanSyntaxException {
        while (at < text.length() && isSpace(text.charAt(at))) {
            at++;
        }
        start = at;
        if (at == text.length()) {
            return null;
        }
        return text.charAt(at) == '"' ? quoted() : plain();
    }

    /** The next word, which has to be there. */
    String next(String expected) throws BanSyntaxException {
        String word = next();
        if (word == null) {
            throw wrong(expected + ", found the end");
        }
        return word;
    }

    /** What is wrong with the word that came last. */
    BanSyntaxException wrong(String expected) {
        return new BanSyntaxException(start + 1, expected);
    }

    private String plain() {
        while (at < text.length() && !isSpace(text.charAt(at))) {
            at++;
        }
        return text.substring(start, at);
    }

    private String quoted() throws BanSyntaxException {
        int end = text.indexOf('"', start + 1);
        if (end < 0) {
            throw wrong("a closing quote for the one here");
        }
        at = end + 1;
        if (at < text.length() && !isSpace(text.charAt(at))) {
            throw new BanSyntaxException(at + 1, "a space behind the closing quote");
        }
        return text.substring(start + 1, end);
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
    }
}
