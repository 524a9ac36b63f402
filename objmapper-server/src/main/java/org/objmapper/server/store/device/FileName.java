package org.objmapper.server.store.device;

import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Whose an object's file is, by its name.
 *
 * @param digest SHA-256 of the object's key
 * @param generation the one that the body came with
 */
public record FileName(byte[] digest, long generation) {
    private static final Pattern NAME =
            Pattern.compile("([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{60})-([1-9a-f][0-9a-f]{0,15})");

    /** Reads a path below {@code objects}; null where no object's file has such a one. */
    public static @Nullable FileName of(String path) {
        Matcher parts = NAME.matcher(path);
        if (!parts.matches()) {
            return null;
        }
        byte[] digest = HexFormat.of().parseHex(parts.group(1) + parts.group(2) + parts.group(3));
        return new FileName(digest, Long.parseUnsignedLong(parts.group(4), 16));
    }
}
