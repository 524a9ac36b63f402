package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.store.index.Variant;

/**
 * The metadata of an object as a list of entries, in the order in which it is stored and sent: known types by number, then unknown
 * ones as they came (protocol-spec.md 3.10). Not thread-safe.
 */
public final class ObjectMetadata {
    private static final Comparator<Entry> ORDER =
            Comparator.comparingInt(e -> MetadataType.of(e.type) == null ? Integer.MAX_VALUE : e.type);

    private final List<Entry> entries = new ArrayList<>();

    private record Entry(int type, byte[] value) {}

    /** How many entries it has. */
    public int size() {
        return entries.size();
    }

    /** Adds an entry behind those of its type. */
    public ObjectMetadata add(int type, byte[] value) {
        entries.add(new Entry(type, value));
        return this;
    }

    /** What an encoded block holds. */
    static ObjectMetadata decode(byte[] encoded) {
        ObjectMetadata metadata = new ObjectMetadata();
        ByteBuffer buffer = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
        MetadataReader reader = new MetadataReader().trust(buffer, 0, encoded.length);
        while (reader.next()) {
            metadata.add(reader.type(), reader.bytes());
        }
        return metadata;
    }

    /** Replaces all entries of each type that {@code changes} has; an empty OPAQUE removes it (5.8). */
    ObjectMetadata merge(ObjectMetadata changes) {
        for (Entry change : changes.entries) {
            remove(change.type);
        }
        for (Entry change : changes.entries) {
            if (change.type != MetadataType.OPAQUE.code() || change.value.length > 0) {
                entries.add(change);
            }
        }
        return this;
    }

    ObjectMetadata set(MetadataType type, byte[] value) {
        remove(type.code());
        return add(type.code(), value);
    }

    ObjectMetadata set(MetadataType type, long value) {
        byte[] bytes = new byte[8];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
        return set(type, bytes);
    }

    ObjectMetadata remove(MetadataType type) {
        remove(type.code());
        return this;
    }

    private void remove(int type) {
        entries.removeIf(e -> e.type == type);
    }

    /** GRACE in milliseconds, 0 where there is none. */
    long graceMillis() {
        for (Entry entry : entries) {
            if (entry.type == MetadataType.GRACE.code()) {
                long grace = ByteBuffer.wrap(entry.value)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getLong();
                return grace < 0 ? Long.MAX_VALUE : grace;
            }
        }
        return 0;
    }

    /** Whether it says that the object may be given up when room is needed. */
    boolean isEvictable() {
        for (Entry entry : entries) {
            if (entry.type == MetadataType.EVICTABLE.code()) {
                return entry.value[0] != 0;
            }
        }
        return false;
    }

    List<byte[]> tags() {
        return values(MetadataType.TAG);
    }

    /** By what the object is told from others under its key. */
    Variant variant() {
        return Variant.of(values(MetadataType.VARIANT));
    }

    /** What is wrong with its VARIANTs (protocol-spec.md 5.4.9); null where they may be stored. */
    public @Nullable String variantProblem() {
        return variant().problem();
    }

    private List<byte[]> values(MetadataType type) {
        List<byte[]> values = new ArrayList<>();
        for (Entry entry : entries) {
            if (entry.type == type.code()) {
                values.add(entry.value);
            }
        }
        return values;
    }

    byte[] encode() {
        entries.sort(ORDER);
        int size = 0;
        for (Entry entry : entries) {
            size += MetadataReader.sizeOf(entry.value.length);
        }
        byte[] encoded = new byte[size];
        ByteBuffer buffer = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
        for (Entry entry : entries) {
            int start = buffer.position();
            buffer.putShort((short) entry.type)
                    .putShort((short) 0)
                    .putInt(entry.value.length)
                    .put(entry.value);
            buffer.position(start + MetadataReader.sizeOf(entry.value.length));
        }
        return encoded;
    }
}
