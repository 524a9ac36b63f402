package org.objmapper.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Walks the entries of a metadata block in place (protocol-spec.md 3). Wrapping checks the whole block once; after that nothing
 * that this class returns lies outside of it. Allocates nothing while it walks. Not thread-safe.
 *
 * <pre>{@code
 * reader.wrap(buffer, offset, length);
 * while (reader.next()) {
 *     if (reader.type() == MetadataType.KEY.code()) ...
 * }
 * }</pre>
 */
public final class MetadataReader {
    private static final int ENTRY_HEADER = 8;
    /** More than a type may repeat. */
    private static final int MOST_ENTRIES = 256;
    /** More than the highest code of a type. */
    private static final int MOST_TYPES = 270;

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    private static final long[] NONE_CHECKED = {};

    /**
     * How often a type stood in the block that is checked, above {@link #checked}; what is below that is of blocks before it. Many readers
     * only look at blocks that they trust, and need none of it.
     */
    private long[] seen = NONE_CHECKED;

    private long checked;
    private ByteBuffer buffer = NOTHING;
    private int start;
    private int end;
    private int entry;
    private int following;

    /** Looks at a block that came from outside; throws where an entry breaks clause 3.2 or 3.5. */
    public MetadataReader wrap(ByteBuffer buffer, int offset, int length) throws MalformedFrame {
        trust(buffer, offset, length);
        check();
        return rewind();
    }

    /** Looks at a block that was checked before, such as one that the store keeps. */
    public MetadataReader trust(ByteBuffer buffer, int offset, int length) {
        this.buffer = buffer;
        this.start = offset;
        this.end = offset + length;
        return rewind();
    }

    /** Goes back to before the first entry. */
    public MetadataReader rewind() {
        following = start;
        return this;
    }

    /** Steps to the next entry; false at the end. */
    public boolean next() {
        if (following >= end) {
            return false;
        }
        entry = following;
        following = entry + sizeOf(length());
        return true;
    }

    /** Steps to the first entry of a type; false where there is none. */
    public boolean find(MetadataType type) {
        rewind();
        while (next()) {
            if (type() == type.code()) {
                return true;
            }
        }
        return false;
    }

    /** The code of the current entry's type. */
    public int type() {
        return buffer.getShort(entry) & 0xffff;
    }

    /** Bytes of the current value. */
    public int length() {
        return buffer.getInt(entry + 4);
    }

    /** Where the current value begins in the buffer. */
    public int offset() {
        return entry + ENTRY_HEADER;
    }

    /** The buffer that the offsets are in. */
    public ByteBuffer buffer() {
        return buffer;
    }

    public int u32() {
        return buffer.getInt(offset());
    }

    public long u64() {
        return buffer.getLong(offset());
    }

    /** The second u64 of the current value, as in RANGE. */
    public long secondU64() {
        return buffer.getLong(offset() + 8);
    }

    /** A copy of the current value. */
    public byte[] bytes() {
        byte[] bytes = new byte[length()];
        buffer.get(offset(), bytes);
        return bytes;
    }

    /** The current value as text. */
    public String text() {
        return new String(bytes(), StandardCharsets.UTF_8);
    }

    /** The bytes that an entry with a value of {@code length} bytes takes, padding and all. */
    public static int sizeOf(int length) {
        return ENTRY_HEADER + ((length + 7) & ~7);
    }

    private void check() throws MalformedFrame {
        if (seen == NONE_CHECKED) {
            seen = new long[MOST_TYPES];
        }
        checked += MOST_ENTRIES;
        int at = start;
        while (at < end) {
            if (end - at < ENTRY_HEADER) {
                throw new MalformedFrame("3.2", "the metadata ends inside an entry");
            }
            int type = buffer.getShort(at) & 0xffff;
            long length = Integer.toUnsignedLong(buffer.getInt(at + 4));
            if (buffer.getShort(at + 2) != 0) {
                throw new MalformedFrame("3.2", "a reserved field of metadata entry " + type + " is not 0");
            }
            if (length > end - at - ENTRY_HEADER || ((length + 7) & ~7) > end - at - ENTRY_HEADER) {
                throw new MalformedFrame("3.2", "metadata entry " + type + " of " + length + " bytes passes the end");
            }
            for (int i = at + ENTRY_HEADER + (int) length; i < at + sizeOf((int) length); i++) {
                if (buffer.get(i) != 0) {
                    throw new MalformedFrame("3.2", "the padding of metadata entry " + type + " is not 0");
                }
            }
            checkValue(type, at + ENTRY_HEADER, (int) length);
            at += sizeOf((int) length);
        }
    }

    private void checkValue(int code, int offset, int length) throws MalformedFrame {
        MetadataType type = MetadataType.of(code);
        if (type == null) {
            return;
        }
        if (length < type.shortest() || length > type.longest()) {
            throw new MalformedFrame(
                    "3.2", type + " of " + length + " bytes; it takes " + type.shortest() + " to " + type.longest());
        }
        seen[code] = Math.max(seen[code], checked) + 1;
        if (seen[code] - checked > type.repeats()) {
            throw new MalformedFrame("3.2", type + " stands more than " + type.repeats() + " times");
        }
        if (type.isText() && !Text.isSound(buffer, offset, length)) {
            throw new MalformedFrame("3.5", type + " is not UTF-8 without NUL");
        }
        if (type.isPair()) {
            int name = buffer.getShort(offset) & 0xffff;
            if (name > 1_024 || name > length - 2 || length - 2 - name > 1_024) {
                throw new MalformedFrame("3.2", type + " has a name of " + name + " bytes in " + length);
            }
        }
    }
}
