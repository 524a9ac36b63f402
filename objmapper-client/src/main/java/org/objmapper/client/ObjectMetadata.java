package org.objmapper.client;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

/** What the server keeps about an object, as it came with a reply. Immutable. Read from the reply's bytes on demand. */
public final class ObjectMetadata {
    private final long length;
    private final byte[] entries;

    ObjectMetadata(long length, byte[] entries) {
        this.length = length;
        this.entries = entries;
    }

    /** Bytes of the whole object. */
    public long length() {
        return length;
    }

    /** The number that every change of every object gets, and that is never used again; 0 where the reply has none. */
    public long generation() {
        return number(MetadataType.GENERATION).orElse(0);
    }

    /** The body's SHA-256, where the server knows it. */
    public Optional<byte[]> sha256() {
        return bytes(MetadataType.SHA256);
    }

    /** The body's XXH3, 64 bits with seed 0, where the server knows it. */
    public OptionalLong xxh3() {
        return number(MetadataType.XXH3);
    }

    /** When the object was stored, in milliseconds since 1970. */
    public OptionalLong createdMillis() {
        return number(MetadataType.CREATED);
    }

    /** When the object expires, in milliseconds since 1970; empty for never. */
    public OptionalLong expiryMillis() {
        return number(MetadataType.EXPIRY);
    }

    /** When the body last changed where it comes from, in milliseconds since 1970. */
    public OptionalLong lastModifiedMillis() {
        return number(MetadataType.LAST_MODIFIED);
    }

    /** How long past its expiry the object may be served, in milliseconds. */
    public OptionalLong graceMillis() {
        return number(MetadataType.GRACE);
    }

    /** The object's entity tag. */
    public Optional<byte[]> etag() {
        return bytes(MetadataType.ETAG);
    }

    /** The body's media type. */
    public Optional<String> contentType() {
        return bytes(MetadataType.CONTENT_TYPE).map(ObjectMetadata::text);
    }

    /** The body's content encoding. */
    public Optional<String> contentEncoding() {
        return bytes(MetadataType.CONTENT_ENCODING).map(ObjectMetadata::text);
    }

    /** The object's tags, in the order in which they were given. */
    public List<String> tags() {
        List<String> tags = new ArrayList<>();
        MetadataReader reader = reader();
        while (reader.next()) {
            if (reader.type() == MetadataType.TAG.code()) {
                tags.add(reader.text());
            }
        }
        return tags;
    }

    /** The header values that this body is for. */
    public Map<String, String> variant() {
        Map<String, String> pairs = new LinkedHashMap<>();
        MetadataReader reader = reader();
        while (reader.next()) {
            if (reader.type() == MetadataType.VARIANT.code()) {
                byte[] value = reader.bytes();
                int name = (value[0] & 0xff) | (value[1] & 0xff) << 8;
                pairs.put(
                        new String(value, 2, name, StandardCharsets.UTF_8),
                        new String(value, 2 + name, value.length - 2 - name, StandardCharsets.UTF_8));
            }
        }
        return pairs;
    }

    /** The bytes that belong to whoever stored the object. */
    public Optional<byte[]> opaque() {
        return bytes(MetadataType.OPAQUE);
    }

    /** Whether the store may drop the object when it needs room. */
    public boolean evictable() {
        MetadataReader reader = reader();
        return reader.find(MetadataType.EVICTABLE) && reader.u32() == 1;
    }

    private OptionalLong number(MetadataType type) {
        MetadataReader reader = reader();
        return reader.find(type) ? OptionalLong.of(reader.u64()) : OptionalLong.empty();
    }

    private Optional<byte[]> bytes(MetadataType type) {
        MetadataReader reader = reader();
        return reader.find(type) ? Optional.of(reader.bytes()) : Optional.empty();
    }

    private MetadataReader reader() {
        return new MetadataReader().trust(ByteBuffer.wrap(entries).order(ByteOrder.LITTLE_ENDIAN), 0, entries.length);
    }

    private static String text(byte[] value) {
        return new String(value, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "generation " + generation() + ", " + length + " bytes";
    }
}
