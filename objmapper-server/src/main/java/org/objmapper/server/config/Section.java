package org.objmapper.server.config;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlArray;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/** One table of a configuration file; a value that can't be used is noted, and its default returned. */
final class Section {
    private static final long BAD = Long.MIN_VALUE;

    private final TomlTable table;
    private final Problems problems;

    Section(String name, TomlTable table, Problems problems) {
        this(name, table, List.of(), problems);
    }

    /** A table that may have tables of these names in it, which are sections of their own. */
    Section(String name, TomlTable table, List<String> tables, Problems problems) {
        this.table = table;
        this.problems = problems;
        List<String> known = new ArrayList<>();
        for (ConfigurationKey key : ConfigurationKey.values()) {
            if (key.table().equals(name)) {
                known.add(name + "." + key.key());
            }
        }
        for (String key : table.keySet()) {
            if (!known.contains(name + "." + key) && !tables.contains(key)) {
                problems.unknown(table.inputPositionOf(List.of(key)), name + "." + key, known);
            }
        }
    }

    Path path(ConfigurationKey key, String standard) {
        Object value = value(key);
        if (value instanceof String text && isPath(key, text)) {
            return Path.of(text);
        }
        noteUnlessAbsent(key, value);
        return Path.of(standard);
    }

    /** Whether a path stands there that can't be used, so that its default stands for nothing. */
    boolean hasWrongPath(ConfigurationKey key) {
        Object value = value(key);
        return value != null && !(value instanceof String text && isPath(key, text));
    }

    private static boolean isPath(ConfigurationKey key, String text) {
        return text.startsWith("/")
                && text.indexOf('\0') < 0
                && key.takes(text.getBytes(StandardCharsets.UTF_8).length);
    }

    /** The name of a user of this machine. */
    @Nullable
    String user(ConfigurationKey key) {
        return name(key, "user", UserPrincipalLookupService::lookupPrincipalByName);
    }

    /** The name of a group of this machine. */
    @Nullable
    String group(ConfigurationKey key) {
        return name(key, "group", UserPrincipalLookupService::lookupPrincipalByGroupName);
    }

    private interface LookUp {
        UserPrincipal find(UserPrincipalLookupService names, String name) throws IOException;
    }

    private @Nullable String name(ConfigurationKey key, String what, LookUp lookUp) {
        Object value = value(key);
        if (!(value instanceof String text && key.takes(text.length()))) {
            noteUnlessAbsent(key, value);
            return null;
        }
        try {
            lookUp.find(FileSystems.getDefault().getUserPrincipalLookupService(), text);
        } catch (UserPrincipalNotFoundException e) {
            problems.add(
                    position(key),
                    key.qualifiedName() + " = " + text(value) + ": there is no such " + what
                            + " on this machine; create it, or name another");
        } catch (IOException e) {
            // whoever knows the names can't be asked now; the listener says what comes of it
        }
        return text;
    }

    int fileMode(ConfigurationKey key, int standard) {
        Object value = value(key);
        if (value instanceof String text && text.matches("0?[0-7]{3}")) {
            return Integer.parseInt(text, 8);
        }
        noteUnlessAbsent(key, value);
        return standard;
    }

    int count(ConfigurationKey key, int standard) {
        return (int) number(key, standard);
    }

    /** A size: a number of bytes, or a text with a unit. */
    long bytes(ConfigurationKey key, long standard) {
        Object value = value(key);
        if (value instanceof String text) {
            return inRange(key, value, standard, quantity(() -> Units.parseBytes(text)));
        }
        return number(key, standard);
    }

    long millis(ConfigurationKey key, long standard) {
        Object value = value(key);
        if (value instanceof String text) {
            return inRange(key, value, standard, quantity(() -> Units.parseMillis(text)));
        }
        noteUnlessAbsent(key, value);
        return standard;
    }

    /** As {@link #millis}, with 0 for "never". */
    long millisOrNever(ConfigurationKey key, long standard) {
        Object value = value(key);
        boolean never =
                "never".equals(value) || value instanceof String text && quantity(() -> Units.parseMillis(text)) == 0;
        return never ? 0 : millis(key, standard);
    }

    Set<String> operations(ConfigurationKey key) {
        Object value = value(key);
        Set<String> operations = new LinkedHashSet<>();
        if (value instanceof TomlArray array && !array.isEmpty()) {
            for (Object element : array.toList()) {
                if (!(element instanceof String name) || !ListenerSettings.OPERATIONS.contains(name)) {
                    problems.badValue(position(key), key, text(element));
                    continue;
                }
                operations.add(name);
            }
            return Set.copyOf(operations);
        }
        noteUnlessAbsent(key, value);
        return Set.copyOf(ListenerSettings.OPERATIONS);
    }

    String word(ConfigurationKey key, String standard) {
        Object value = value(key);
        if (value instanceof String word && key.words().contains(word)) {
            return word;
        }
        noteUnlessAbsent(key, value);
        return standard;
    }

    /** Notes that the values of two keys exclude each other, with the lines of both; one of them may be a default. */
    void contradiction(ConfigurationKey key, String value, String how, ConfigurationKey other, String otherValue) {
        TomlPosition here = position(key);
        TomlPosition there = position(other);
        String first = key.qualifiedName() + " = " + value + (here == null ? ", its default, " : " ");
        String where = there == null ? ", its default" : here == null ? "" : " in line " + there.line();
        problems.add(
                here == null ? there : here, first + how + " " + other.qualifiedName() + " = " + otherValue + where);
    }

    Set<Integer> uids(ConfigurationKey key) {
        Object value = value(key);
        Set<Integer> uids = new LinkedHashSet<>();
        if (value instanceof TomlArray array) {
            for (Object element : array.toList()) {
                if (element instanceof Long uid && key.takes(uid)) {
                    uids.add(uid.intValue());
                } else {
                    problems.badValue(position(key), key, text(element));
                }
            }
        } else {
            noteUnlessAbsent(key, value);
        }
        return Set.copyOf(uids);
    }

    private long number(ConfigurationKey key, long standard) {
        Object value = value(key);
        if (value instanceof Long number) {
            return inRange(key, value, standard, number);
        }
        noteUnlessAbsent(key, value);
        return standard;
    }

    private long inRange(ConfigurationKey key, Object value, long standard, long meant) {
        if (meant == BAD || !key.takes(meant)) {
            problems.badValue(position(key), key, text(value));
            return standard;
        }
        return meant;
    }

    private static long quantity(LongSupplier parse) {
        try {
            return parse.getAsLong();
        } catch (IllegalArgumentException e) {
            return BAD;
        }
    }

    private @Nullable Object value(ConfigurationKey key) {
        return table.get(List.of(key.key()));
    }

    /** Where a key stands; null where it is left out. */
    @Nullable
    TomlPosition position(ConfigurationKey key) {
        return table.inputPositionOf(List.of(key.key()));
    }

    private void noteUnlessAbsent(ConfigurationKey key, @Nullable Object value) {
        if (value != null) {
            problems.badValue(position(key), key, text(value));
        }
    }

    private static String text(Object value) {
        if (value instanceof String) {
            return "\"" + value + "\"";
        }
        if (value instanceof TomlArray array) {
            return array.toJson().replaceAll("\\s+", " ").strip();
        }
        return value instanceof TomlTable ? "a table" : String.valueOf(value);
    }
}
