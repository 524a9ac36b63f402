package org.objmapper.server.cli;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

/** An object's metadata as text: names in lower case, times in ISO 8601, digests in hex; what is unknown by its number, in hex. */
final class MetadataText {
    private MetadataText() {}

    /** The object metadata that stands in a reply, in its order. */
    static Map<String, Object> of(MetadataReader metadata) {
        Map<String, Object> texts = new LinkedHashMap<>();
        metadata.rewind();
        while (metadata.next()) {
            if (MetadataType.isObjectMetadata(metadata.type())) {
                MetadataType type = MetadataType.of(metadata.type());
                if (type == null) {
                    append(texts, "metadata_" + metadata.type(), HexFormat.of().formatHex(metadata.bytes()));
                } else {
                    add(texts, type, metadata);
                }
            }
        }
        return texts;
    }

    private static void add(Map<String, Object> texts, MetadataType type, MetadataReader metadata) {
        String name = type.name().toLowerCase(Locale.ROOT);
        switch (type) {
            case GENERATION -> texts.put(name, unsigned(metadata.u64()));
            case GRACE -> texts.put("grace_millis", unsigned(metadata.u64()));
            case SHA256 -> texts.put(name, HexFormat.of().formatHex(metadata.bytes()));
            case XXH3 -> texts.put(name, HexFormat.of().toHexDigits(metadata.u64()));
            case CREATED, LAST_MODIFIED -> texts.put(name, instant(metadata.u64()));
            case EXPIRY -> texts.put(name, expiry(metadata.u64()));
            case EVICTABLE -> texts.put(name, metadata.u32() == 1);
            case OPAQUE -> texts.put(name, HexFormat.of().formatHex(metadata.bytes()));
            case TAG -> append(texts, name, metadata.text());
            case VARIANT -> append(texts, name, pair(metadata));
            default -> texts.put(name, metadata.text());
        }
    }

    /** An unsigned number of the wire as one that JSON can hold. */
    static Number unsigned(long number) {
        return number >= 0 ? number : new BigInteger(Long.toUnsignedString(number));
    }

    /** A time on the wire, milliseconds without a sign, as ISO 8601. */
    static String instant(long millis) {
        return Instant.ofEpochSecond(Long.divideUnsigned(millis, 1_000))
                .plusMillis(Long.remainderUnsigned(millis, 1_000))
                .toString();
    }

    /** The same for a time whose greatest value is never. */
    static String expiry(long millis) {
        return millis == -1 ? "never" : instant(millis);
    }

    private static String pair(MetadataReader metadata) {
        byte[] value = metadata.bytes();
        int name = (value[0] & 0xff) | (value[1] & 0xff) << 8;
        return new String(value, 2, name, StandardCharsets.UTF_8) + ": "
                + new String(value, 2 + name, value.length - 2 - name, StandardCharsets.UTF_8);
    }

    @SuppressWarnings("unchecked")
    private static void append(Map<String, Object> texts, String name, String value) {
        ((List<String>) texts.computeIfAbsent(name, absent -> new ArrayList<String>())).add(value);
    }
}
