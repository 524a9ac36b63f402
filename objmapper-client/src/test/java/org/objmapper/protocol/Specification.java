package org.objmapper.protocol;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** protocol-spec.md, as its tables. */
final class Specification {
    private Specification() {}

    static String text() throws IOException {
        return Files.readString(Path.of(System.getProperty("objmapper.root", "../"), "protocol-spec.md"));
    }

    /** The rows of the first table behind a heading, without its head: the cells as they are written. */
    static List<List<String>> rows(String heading) throws IOException {
        String text = text();
        int at = text.indexOf("\n" + heading);
        if (at < 0) {
            throw new AssertionError("protocol-spec.md has no heading " + heading);
        }
        List<List<String>> rows = new ArrayList<>();
        for (String line : text.substring(at).lines().skip(2).toList()) {
            if (line.startsWith("|")) {
                rows.add(Stream.of(line.substring(1).split("\\|"))
                        .map(String::strip)
                        .toList());
            } else if (!rows.isEmpty()) {
                break;
            }
        }
        return rows.subList(2, rows.size());
    }

    /** A number as the page writes it: 4,096 or 2^40, or a time in milliseconds. */
    static long number(String written) {
        String[] words = written.replace(",", "").split(" ");
        if (words[0].startsWith("2^")) {
            return 1L << Integer.parseInt(words[0].substring(2));
        }
        long number = Long.parseLong(words[0]);
        return switch (words.length < 2 ? "" : words[1]) {
            case "s" -> number * 1_000;
            case "min" -> number * 60_000;
            case "h" -> number * 3_600_000;
            default -> number;
        };
    }
}
