package org.objmapper.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Writes frames into a little-endian buffer, one after the other: {@link #begin}, then metadata in the order of its types, then the
 * body, then {@link #end}. Allocates nothing. Not thread-safe. The buffer must have room; {@link #room} tells how much.
 */
public final class FrameWriter {
    private ByteBuffer buffer = ByteBuffer.allocate(0);
    private int start;
    private int metadataEnd;
    private int rank;

    /** Writes from the buffer's position on. */
    public FrameWriter wrap(ByteBuffer buffer) {
        this.buffer = buffer;
        return this;
    }

    /** Starts a frame at the buffer's position. */
    public FrameWriter begin(int operation, int flags, int requestId, Status status, long objectLength) {
        start = buffer.position();
        // The lengths, and how many descriptors, come later.
        buffer.putLong((operation & 0xffL) << 32 | (flags & 0xffffL) << 48)
                .putLong(requestId & 0xffff_ffffL | (status.code() & 0xffffL) << 32)
                .putLong(0)
                .putLong(objectLength);
        metadataEnd = -1;
        rank = 0;
        return this;
    }

    /** Says how many descriptors the frame takes from the descriptor stream. */
    public FrameWriter descriptors(int count) {
        buffer.put(start + 5, (byte) count);
        return this;
    }

    /** Says in a request on which processor the client runs, by its number plus 1. */
    public FrameWriter processor(int numberPlusOne) {
        buffer.putShort(start + 12, (short) numberPlusOne);
        return this;
    }

    public FrameWriter u32(MetadataType type, int value) {
        entry(type.code(), 4);
        buffer.putLong(value & 0xffff_ffffL);
        return this;
    }

    public FrameWriter u64(MetadataType type, long value) {
        entry(type.code(), 8);
        buffer.putLong(value);
        return this;
    }

    public FrameWriter pair(MetadataType type, long first, long second) {
        entry(type.code(), 16);
        buffer.putLong(first).putLong(second);
        return this;
    }

    /** VALIDITY. */
    public FrameWriter validity(long epoch, long slot, long word, long deadline) {
        entry(MetadataType.VALIDITY.code(), 32);
        buffer.putLong(epoch).putLong(slot).putLong(word).putLong(deadline);
        return this;
    }

    /** VERSIONS. */
    public FrameWriter versions(int lowest, int highest) {
        entry(MetadataType.VERSIONS.code(), 8);
        buffer.putShort((short) lowest).putShort((short) highest).putInt(0);
        return this;
    }

    public FrameWriter empty(MetadataType type) {
        entry(type.code(), 0);
        return this;
    }

    public FrameWriter bytes(MetadataType type, byte[] value) {
        return bytes(type.code(), value, 0, value.length);
    }

    public FrameWriter bytes(int type, byte[] value, int offset, int length) {
        entry(type, length);
        buffer.put(value, offset, length);
        pad(length);
        return this;
    }

    public FrameWriter text(MetadataType type, String value) {
        return bytes(type, value.getBytes(StandardCharsets.UTF_8));
    }

    /** MESSAGE, cut to what the protocol allows; none where there is nothing to say. */
    public FrameWriter message(String message) {
        if (message.isEmpty()) {
            return this;
        }
        byte[] utf8 = message.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(utf8.length, MetadataType.MESSAGE.longest());
        while (length < utf8.length && (utf8[length] & 0xc0) == 0x80) {
            length--; // not in the middle of a character
        }
        return bytes(MetadataType.MESSAGE.code(), utf8, 0, length);
    }

    /** MESSAGE, with what a status means in a few words. Allocates nothing. */
    public FrameWriter message(Status status) {
        byte[] utf8 = status.sentenceUtf8();
        return bytes(MetadataType.MESSAGE.code(), utf8, 0, utf8.length);
    }

    /** Copies entries that are encoded already, such as an object's. */
    public FrameWriter encoded(ByteBuffer entries, int offset, int length) {
        buffer.put(buffer.position(), entries, offset, length);
        buffer.position(buffer.position() + length);
        return this;
    }

    /** Ends the metadata; what is put into the buffer from here to {@link #end} is the body. */
    public ByteBuffer body() {
        metadataEnd = buffer.position();
        return buffer;
    }

    /** Ends the frame and fills in its lengths; returns how many bytes it has. */
    public int end() {
        return end(0);
    }

    /** Ends a frame whose last {@code elsewhere} bytes are sent from somewhere else. */
    public int end(int elsewhere) {
        int position = buffer.position();
        int metadata = (metadataEnd < 0 ? position : metadataEnd) - start - Limits.HEADER;
        int length = position - start + elsewhere;
        buffer.putInt(start, length).putInt(start + 16, metadata);
        return length;
    }

    /** Bytes that are left in the buffer. */
    public int room() {
        return buffer.remaining();
    }

    private void entry(int type, int length) {
        int next = MetadataType.rank(type);
        assert next >= rank : "type " + type + " behind one of rank " + rank + "; the order is that of 3.10";
        rank = next;
        buffer.putLong(type & 0xffffL | (long) length << 32);
    }

    private void pad(int length) {
        for (int i = length; (i & 7) != 0; i++) {
            buffer.put((byte) 0);
        }
    }
}
