package org.objmapper.server.store.ban;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

/**
 * The fields of an object that a ban asks for (protocol-spec.md 5.7), with each byte taken for a character. Finds them when they are
 * asked for first. Not thread-safe.
 */
final class ObjectFields {
    private static final String HEADER = "obj.http.";
    private static final String STATUS = "obj.status";

    private final byte[] key;
    private final ByteBuffer metadata;
    private @Nullable Map<String, String> ofKey;
    private @Nullable Map<String, String> stored;

    /** Of an object with a key and with metadata as on the wire, from 0 to the limit. */
    ObjectFields(byte[] key, ByteBuffer metadata) {
        this.key = key;
        this.metadata = metadata;
    }

    /** A field by its name in lower case; null where the object has none of that name. */
    @Nullable
    String value(String name) {
        return name.startsWith("req.") ? ofKey().get(name) : stored().get(name);
    }

    private Map<String, String> ofKey() {
        Map<String, String> known = ofKey;
        if (known == null) {
            known = readKey(new String(key, StandardCharsets.ISO_8859_1));
            ofKey = known;
        }
        return known;
    }

    /** PREFIX NUL host NUL URL NUL anything; or a URI with its host; or else a URL without one. */
    private static Map<String, String> readKey(String key) {
        String[] parts = key.split("\0", 4);
        if (parts.length == 4) {
            return Map.of("req.http.host", parts[1], "req.url", parts[2]);
        }
        int host = key.indexOf("://") + 3;
        if (host < 3) {
            return Map.of("req.url", key);
        }
        int path = key.indexOf('/', host);
        int end = path < 0 ? key.length() : path;
        return Map.of("req.http.host", key.substring(host, end), "req.url", path < 0 ? "/" : key.substring(path));
    }

    private Map<String, String> stored() {
        Map<String, String> known = stored;
        if (known == null) {
            known = readMetadata();
            stored = known;
        }
        return known;
    }

    /** The head of an HTTP response in OPAQUE has them all; without one some stand in metadata of their own. */
    private Map<String, String> readMetadata() {
        Map<String, String> fields = new HashMap<>();
        MetadataReader reader = new MetadataReader().trust(metadata, 0, metadata.limit());
        while (reader.next()) {
            MetadataType type = MetadataType.of(reader.type());
            if (type == MetadataType.ETAG) {
                fields.put(HEADER + "etag", latin1(reader));
            } else if (type == MetadataType.CONTENT_TYPE) {
                fields.put(HEADER + "content-type", latin1(reader));
            } else if (type == MetadataType.CONTENT_ENCODING) {
                fields.put(HEADER + "content-encoding", latin1(reader));
            } else if (type == MetadataType.OPAQUE) {
                String head = latin1(reader);
                if (head.startsWith("HTTP/")) {
                    return readHead(head);
                }
            }
        }
        return fields;
    }

    private static String latin1(MetadataReader reader) {
        return new String(reader.bytes(), StandardCharsets.ISO_8859_1);
    }

    /** A status line, then header lines up to an empty one; of those with one name the first counts. */
    private static Map<String, String> readHead(String head) {
        Map<String, String> fields = new HashMap<>();
        String[] lines = head.split("\r\n", -1);
        String[] status = lines[0].split(" ", 3);
        if (status.length > 1) {
            fields.put(STATUS, status[1]);
        }
        for (int i = 1; i < lines.length && !lines[i].isEmpty(); i++) {
            int colon = lines[i].indexOf(':');
            if (colon > 0) {
                String name = HEADER + lines[i].substring(0, colon).toLowerCase(Locale.ROOT);
                fields.putIfAbsent(name, lines[i].substring(colon + 1).trim());
            }
        }
        return fields;
    }
}
