package org.objmapper.endtoend;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.objmapper.client.GetOptions;
import org.objmapper.protocol.Limits;

/**
 * The whole of an object, or one range of it.
 *
 * @param name for messages
 * @param ranged whether a range is asked for at all
 * @param askedOffset as RANGE has it (protocol-spec.md 5.2.4)
 * @param askedLength as RANGE has it
 * @param from where in the object the answer must begin
 * @param count how many bytes it must have
 */
record Piece(String name, boolean ranged, long askedOffset, long askedLength, long from, long count) {
    /** The whole, its beginning, its middle, its last eighth, its last bytes, and a range that passes its end. */
    static List<Piece> of(long length) {
        List<Piece> pieces = new ArrayList<>();
        pieces.add(new Piece("whole", false, 0, 0, 0, length));
        if (length == 0) {
            return pieces;
        }
        pieces.add(ranged("first", length, 0, 1_000));
        pieces.add(ranged("middle", length, length / 3, length / 3 + 1));
        pieces.add(ranged("rest", length, length - (length + 7) / 8, Limits.UNKNOWN));
        long last = Math.min(4_097, length);
        pieces.add(new Piece("suffix", true, Limits.UNKNOWN, 4_097, length - last, last));
        pieces.add(ranged("past the end", length, length - 1, 2_000_000));
        return pieces;
    }

    private static Piece ranged(String name, long length, long offset, long count) {
        long there = length - offset;
        return new Piece(name, true, offset, count, offset, count == Limits.UNKNOWN ? there : Math.min(count, there));
    }

    /** What asks the Java client for it. */
    GetOptions options() {
        GetOptions options = new GetOptions();
        if (!ranged) {
            return options;
        }
        if (askedOffset == Limits.UNKNOWN) {
            return options.lastBytes(askedLength);
        }
        return askedLength == Limits.UNKNOWN ? options.rangeFrom(askedOffset) : options.range(askedOffset, askedLength);
    }

    /** What asks the tool for it. */
    List<String> toolOptions() {
        if (!ranged) {
            return List.of();
        }
        if (askedOffset == Limits.UNKNOWN) {
            return List.of("--range", "-" + askedLength);
        }
        return List.of(
                "--range", askedOffset + "-" + (askedLength == Limits.UNKNOWN ? "" : askedOffset + askedLength - 1));
    }

    /** Its SHA-256 in the file that the object came from. */
    String sha256(Path file) throws IOException {
        return Sha256.of(file, from, count);
    }
}
