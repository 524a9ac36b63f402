package org.objmapper.server.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes and times as people write them: {@code "64 KiB"}, {@code "500 ms"}. */
public final class Units {
    private static final Pattern QUANTITY = Pattern.compile("(\\d{1,19})\\s*([A-Za-z]*)");
    private static final String[] SIZES = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

    private Units() {}

    /**
     * The bytes that a text such as {@code "64 KiB"} or {@code "4096"} means.
     *
     * @throws IllegalArgumentException when it is no size, or beyond 2^63-1
     */
    public static long parseBytes(String text) {
        Matcher matcher = match(text, "size");
        long factor = 1;
        for (String unit : SIZES) {
            if (matcher.group(2).equalsIgnoreCase(unit) || matcher.group(2).isEmpty()) {
                return multiply(matcher, factor);
            }
            factor <<= 10;
        }
        throw new IllegalArgumentException("no size: " + text);
    }

    /**
     * The milliseconds that a text such as {@code "500 ms"}, {@code "5 s"}, {@code "10 min"}, {@code "24 h"} or {@code "7 d"}
     * means; a number needs its unit, but for 0.
     *
     * @throws IllegalArgumentException when it is no time, or beyond 2^63-1
     */
    public static long parseMillis(String text) {
        Matcher matcher = match(text, "time");
        long factor =
                switch (matcher.group(2).toLowerCase(Locale.ROOT)) {
                    case "ms" -> 1;
                    case "s" -> 1_000;
                    case "min" -> 60_000;
                    case "h" -> 3_600_000;
                    case "d" -> 86_400_000;
                    case "" -> 0;
                    default -> throw new IllegalArgumentException("no time: " + text);
                };
        if (factor == 0 && !matcher.group(1).matches("0+")) {
            throw new IllegalArgumentException("a time without its unit: " + text);
        }
        return multiply(matcher, factor);
    }

    /** A size in the largest unit that states it exactly. */
    public static String bytes(long bytes) {
        int unit = 0;
        while (bytes != 0 && bytes % 1_024 == 0 && unit < SIZES.length - 1) {
            bytes /= 1_024;
            unit++;
        }
        return bytes + " " + SIZES[unit];
    }

    /** A time in the largest unit that states it exactly. */
    public static String millis(long millis) {
        if (millis == 0) {
            return "0 s";
        }
        if (millis % 3_600_000 == 0) {
            return millis / 3_600_000 + " h";
        }
        if (millis % 60_000 == 0) {
            return millis / 60_000 + " min";
        }
        return millis % 1_000 == 0 ? millis / 1_000 + " s" : millis + " ms";
    }

    private static Matcher match(String text, String what) {
        Matcher matcher = QUANTITY.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException("no " + what + ": " + text);
        }
        return matcher;
    }

    private static long multiply(Matcher matcher, long factor) {
        try {
            return Math.multiplyExact(Long.parseLong(matcher.group(1)), factor);
        } catch (ArithmeticException | NumberFormatException e) {
            throw new IllegalArgumentException("too large: " + matcher.group(), e);
        }
    }
}
