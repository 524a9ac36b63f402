package org.objmapper.server.cli;

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

/** An object's metadata as text: names in lower case, times in ISO 8601, digests in hex. */
final class MetadataText {
    private MetadataText() {}

    /** The object metadata that stands in a reply, in its order. */
    static Map<String, Object> of(MetadataReader metadata) {
        Map<String, Object> texts = new LinkedHashMap<>();
        metadata.rewind();
        while (metadata.next()) {
            MetadataType type = MetadataType.of(metadata.type());
            if (type != null && MetadataType.isObjectMetadata(metadata.type())) {
                add(texts, type, metadata);
            }
        }
        return texts;
    }

    private static void add(Map<String, Object> texts, MetadataType type, MetadataReader metadata) {
        String name = type.name().toLowerCase(Locale.ROOT);
        switch (type) {
            case GENERATION, GRACE -> texts.put(name, metadata.u64());
            case SHA256 -> texts.put(name, HexFormat.of().formatHex(metadata.bytes()));
            case XXH3 -> texts.put(name, HexFormat.of().toHexDigits(metadata.u64()));
            case CREATED, EXPIRY, LAST_MODIFIED -> texts.put(name, time(metadata.u64()));
            case EVICTABLE -> texts.put(name, metadata.u32() == 1);
            case OPAQUE -> texts.put(name, HexFormat.of().formatHex(metadata.bytes()));
            case TAG -> append(texts, name, metadata.text());
            case VARIANT -> append(texts, name, pair(metadata));
            default -> texts.put(name, metadata.text());
        }
    }

    /** A time on the wire as ISO 8601. */
    static String time(long millis) {
        return millis < 0 ? "never" : Instant.ofEpochMilli(millis).toString();
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
