package org.objmapper.client;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

/** Encodes the metadata of one request; the caller adds entries in the order of their types. Values that are null are left out. */
final class Entries {
    private static final int FIRST_BYTES = 256;

    private final FrameWriter writer = new FrameWriter();
    private ByteBuffer buffer = allocate(FIRST_BYTES);
    private @Nullable MetadataType last;
    private int times;

    Entries() {
        writer.wrap(buffer);
    }

    Entries u32(MetadataType type, @Nullable Integer value) {
        if (value != null) {
            room(4);
            writer.u32(type, value);
        }
        return this;
    }

    Entries u64(MetadataType type, @Nullable Long value) {
        if (value != null) {
            room(8);
            writer.u64(type, value);
        }
        return this;
    }

    /** VERSIONS: the one that this client speaks. */
    Entries versions() {
        room(8);
        writer.versions(Limits.VERSION, Limits.VERSION);
        return this;
    }

    Entries pair(MetadataType type, long first, long second) {
        room(16);
        writer.pair(type, first, second);
        return this;
    }

    Entries flag(MetadataType type, boolean set) {
        if (set) {
            room(0);
            writer.empty(type);
        }
        return this;
    }

    Entries text(MetadataType type, @Nullable String value) {
        return value == null ? this : bytes(type, value.getBytes(StandardCharsets.UTF_8));
    }

    Entries bytes(MetadataType type, byte @Nullable [] value) {
        if (value != null) {
            check(type, value);
            count(type);
            room(value.length);
            writer.bytes(type, value);
        }
        return this;
    }

    /** A header's name and value (REQUEST_HEADER, VARIANT). */
    Entries header(MetadataType type, String name, String value) {
        byte[] first = name.getBytes(StandardCharsets.UTF_8);
        byte[] second = value.getBytes(StandardCharsets.UTF_8);
        if (first.length > 1_024 || second.length > 1_024) {
            throw new IllegalArgumentException(type + " takes a name and a value of at most 1024 bytes");
        }
        ByteBuffer both = allocate(2 + first.length + second.length);
        both.putShort((short) first.length).put(first).put(second);
        return bytes(type, both.array());
    }

    /** What was encoded, from 0 to its limit. */
    ByteBuffer encoded() {
        if (buffer.position() > Limits.MAX_METADATA) {
            throw new IllegalArgumentException(
                    "the request's metadata takes " + buffer.position() + " bytes of at most " + Limits.MAX_METADATA);
        }
        return buffer.flip();
    }

    private static void check(MetadataType type, byte[] value) {
        if (value.length < type.shortest() || value.length > type.longest()) {
            throw new IllegalArgumentException(
                    type + " takes " + type.shortest() + " to " + type.longest() + " bytes, this has " + value.length);
        }
        if (type.isText()) {
            for (byte b : value) {
                if (b == 0) {
                    throw new IllegalArgumentException(type + " takes text without NUL");
                }
            }
        }
    }

    /** Entries of one type stand next to each other. */
    private void count(MetadataType type) {
        times = type == last ? times + 1 : 1;
        last = type;
        if (times > type.repeats()) {
            throw new IllegalArgumentException(
                    type + " may stand " + type.repeats() + " times in a request, this has more");
        }
    }

    private void room(int valueBytes) {
        int needed = MetadataReader.sizeOf(valueBytes);
        if (buffer.remaining() < needed) {
            ByteBuffer larger = allocate(Math.max(buffer.capacity() * 2, buffer.position() + needed));
            larger.put(buffer.flip());
            buffer = larger;
            writer.wrap(buffer);
        }
    }

    private static ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
