package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataType;

/**
 * By which request headers a body is told from the others under its key: pairs of a name and a value, no two with the same name, in the
 * order of their names. Immutable.
 */
public final class Variant {
    /** The one body under a key that has no pairs. */
    public static final Variant NONE = new Variant(List.of());

    /** The longest name that a miss can tell (protocol-spec.md 3.6). */
    private static final int LONGEST_NAME = MetadataType.VARIANT_HEADER.longest();

    private final List<Pair> pairs;

    /** A header's name in lower case, and its value. */
    public record Pair(byte[] name, byte[] value) {
        static Pair of(byte[] encoded) {
            int length = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN).getShort() & 0xFFFF;
            int value = Short.BYTES + length;
            return new Pair(
                    Arrays.copyOfRange(encoded, Short.BYTES, value),
                    Arrays.copyOfRange(encoded, value, encoded.length));
        }

        private @Nullable String problem() {
            if (name.length == 0 || name.length > LONGEST_NAME) {
                return "a VARIANT's header has a name of " + name.length + " bytes; it takes 1 to " + LONGEST_NAME;
            }
            for (byte letter : name) {
                if (letter >= 'A' && letter <= 'Z') {
                    return "a VARIANT's header " + LoggedKeys.text(name) + " is not in lower case";
                }
            }
            return null;
        }
    }

    private Variant(List<Pair> pairs) {
        this.pairs = pairs;
    }

    /** Of the values of VARIANT entries. */
    public static Variant of(List<byte[]> encoded) {
        if (encoded.isEmpty()) {
            return NONE;
        }
        List<Pair> pairs = new ArrayList<>();
        encoded.forEach(value -> pairs.add(Pair.of(value)));
        pairs.sort(Comparator.comparing(Pair::name, Arrays::compareUnsigned));
        return new Variant(List.copyOf(pairs));
    }

    /** Of metadata as on the wire. */
    static Variant ofMetadata(byte[] metadata) {
        return of(IndexRecord.values(metadata, MetadataType.VARIANT));
    }

    /** What is wrong with it (protocol-spec.md 5.4.9); null where it may be stored. */
    public @Nullable String problem() {
        byte[] before = null;
        for (Pair pair : pairs) {
            String problem = pair.problem();
            if (problem != null) {
                return problem;
            }
            if (Arrays.equals(pair.name, before)) {
                return "two VARIANTs have the header " + LoggedKeys.text(pair.name);
            }
            before = pair.name;
        }
        return null;
    }

    public List<Pair> pairs() {
        return pairs;
    }

    /** By which the index knows it under its key: 0 for the body without pairs, and for no other. */
    public long id() {
        if (pairs.isEmpty()) {
            return 0;
        }
        MessageDigest digest = Digests.sha256();
        for (Pair pair : pairs) {
            digest.update(ByteBuffer.allocate(2 * Short.BYTES)
                    .putShort((short) pair.name.length)
                    .putShort((short) pair.value.length)
                    .array());
            digest.update(pair.name);
            digest.update(pair.value);
        }
        long id = ByteBuffer.wrap(digest.digest()).getLong();
        return id == 0 ? 1 : id;
    }
}
