package org.objmapper.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A view over the header of a frame in a buffer (protocol-spec.md 2.1). Holds no bytes of its own: wrap it anew for each frame.
 * Not thread-safe.
 */
public final class Frame {
    public static final int REPLY = 1;
    public static final int MORE = 2;

    private static final ByteBuffer NONE = ByteBuffer.allocate(0);

    private ByteBuffer buffer = NONE;
    private int offset;

    /** Looks at the 32 bytes from {@code offset} on; the buffer must be little-endian. */
    public Frame wrap(ByteBuffer buffer, int offset) {
        assert buffer.order() == ByteOrder.LITTLE_ENDIAN;
        this.buffer = buffer;
        this.offset = offset;
        return this;
    }

    /** Checks all that can be known from a header alone (2.2 and 2.3). */
    public void validate(int maxFrame) throws MalformedFrame {
        long length = Integer.toUnsignedLong(buffer.getInt(offset));
        if (length < Limits.HEADER || length > maxFrame) {
            throw new MalformedFrame(
                    "2.2", "frame length " + length + " is not between " + Limits.HEADER + " and " + maxFrame);
        }
        long metadata = Integer.toUnsignedLong(buffer.getInt(offset + 16));
        if (metadata > Limits.MAX_METADATA || metadata > length - Limits.HEADER || metadata % 8 != 0) {
            throw new MalformedFrame(
                    "2.2",
                    "metadata length " + metadata + " is beyond the frame or " + Limits.MAX_METADATA
                            + ", or no multiple of 8");
        }
        if (buffer.getShort(offset + 14) != 0 || buffer.getInt(offset + 20) != 0) {
            throw new MalformedFrame("2.2", "a reserved field of the header is not 0");
        }
        if ((flags() & ~(REPLY | MORE)) != 0) {
            throw new MalformedFrame("2.3", "unknown flags 0x" + Integer.toHexString(flags()));
        }
    }

    /** Bytes of the whole frame; meaningful after {@link #validate}. */
    public int length() {
        return buffer.getInt(offset);
    }

    public int operation() {
        return buffer.get(offset + 4) & 0xff;
    }

    public int descriptors() {
        return buffer.get(offset + 5) & 0xff;
    }

    public int flags() {
        return buffer.getShort(offset + 6) & 0xffff;
    }

    public boolean isReply() {
        return (flags() & REPLY) != 0;
    }

    public boolean hasMore() {
        return (flags() & MORE) != 0;
    }

    public int requestId() {
        return buffer.getInt(offset + 8);
    }

    public int status() {
        return buffer.getShort(offset + 12) & 0xffff;
    }

    /** In a request: on which processor the client runs, its number plus 1, or 0 where it does not say. */
    public int processor() {
        return status(); // which no request has
    }

    public int metadataLength() {
        return buffer.getInt(offset + 16);
    }

    public long objectLength() {
        return buffer.getLong(offset + 24);
    }

    /** Bytes of the body in this frame. */
    public int bodyLength() {
        return length() - Limits.HEADER - metadataLength();
    }

    /** Where the metadata begins in the buffer. */
    public int metadataOffset() {
        return offset + Limits.HEADER;
    }

    /** Where the body begins in the buffer. */
    public int bodyOffset() {
        return offset + Limits.HEADER + metadataLength();
    }
}
