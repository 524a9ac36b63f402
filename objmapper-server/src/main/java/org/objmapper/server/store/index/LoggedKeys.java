package org.objmapper.server.store.index;

import java.util.List;
import java.util.stream.Collectors;

/** Keys as the log shows them: some, without control characters, and how many more there are. */
public final class LoggedKeys {
    public static final int SHOWN = 5;
    static final int SHOWN_BYTES = 200;

    private LoggedKeys() {}

    public static String of(List<ObjectKey> keys) {
        return of(keys, keys.size());
    }

    /** Of {@code count} keys the first few, which are given. */
    public static String of(List<ObjectKey> first, long count) {
        String some = first.stream().limit(SHOWN).map(LoggedKeys::of).collect(Collectors.joining(", "));
        return count <= SHOWN ? some : some + " and " + (count - SHOWN) + " more";
    }

    public static String of(ObjectKey key) {
        return text(key.bytes());
    }

    /** What a client sent, in quotes. */
    public static String text(byte[] bytes) {
        StringBuilder text = new StringBuilder("\"");
        for (int i = 0; i < Math.min(bytes.length, SHOWN_BYTES); i++) {
            append(text, bytes[i] & 0xff);
        }
        return text.append(bytes.length > SHOWN_BYTES ? "\"..." : "\"").toString();
    }

    private static void append(StringBuilder text, int value) {
        if (value < ' ' || value > '~' || value == '"' || value == '\\') {
            text.append(String.format("\\x%02x", value));
        } else {
            text.append((char) value);
        }
    }
}
