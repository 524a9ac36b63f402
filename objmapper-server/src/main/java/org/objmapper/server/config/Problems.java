package org.objmapper.server.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlPosition;

/** What is wrong with one configuration file. */
final class Problems {
    private final String file;
    private final List<Problem> found = new ArrayList<>();

    /** @param line where it is, 0 for the file as a whole */
    private record Problem(int line, String text) {}

    Problems(String file) {
        this.file = file;
    }

    void add(@Nullable TomlPosition position, @Nullable String message) {
        found.add(new Problem(
                position == null ? 0 : position.line(),
                file + (position == null ? ": " : ":" + position.line() + ": ") + message));
    }

    void badValue(@Nullable TomlPosition position, ConfigurationKey key, String value) {
        add(position, key.qualifiedName() + " = " + value + " is not possible; it takes " + key.accepted());
    }

    void unknown(@Nullable TomlPosition position, String name, Collection<String> known) {
        String nearest = "";
        int distance = Integer.MAX_VALUE;
        for (String candidate : known) {
            int edits = edits(name, candidate);
            if (edits < distance) {
                distance = edits;
                nearest = candidate;
            }
        }
        String hint = distance <= Math.max(2, name.length() / 3)
                ? "did you mean " + nearest + "?"
                : "the known ones are " + String.join(", ", known);
        add(position, "unknown key " + name + "; " + hint);
    }

    void throwIfAny() throws ConfigurationException {
        if (!found.isEmpty()) {
            throw new ConfigurationException(found.stream()
                    .sorted(Comparator.comparingInt(Problem::line))
                    .map(Problem::text)
                    .toList());
        }
    }

    /** How many letters to insert, remove or exchange until one is the other. */
    private static int edits(String from, String to) {
        int[] previous = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int[] current = new int[to.length() + 1];
            current[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int exchange = previous[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(exchange, Math.min(previous[j], current[j - 1]) + 1);
            }
            previous = current;
        }
        return previous[to.length()];
    }
}
