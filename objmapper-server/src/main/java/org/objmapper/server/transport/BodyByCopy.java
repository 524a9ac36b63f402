package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/**
 * The body of a reply whose descriptor could not be passed (protocol-spec.md 1.9): it goes in DATA frames instead, in the place where
 * the reply stands.
 */
final class BodyByCopy {
    private static final int SLICE = 256 * 1024;
    /** Room for a DATA header, and for an END with its sentence. */
    static final int FRAME_ROOM = 256;

    private final int requestId;
    private final int slice;
    private long offset;
    private long left;
    private boolean failed;

    private BodyByCopy(int requestId, int maxFrame, long offset, long left) {
        this.requestId = requestId;
        this.slice = Math.min(SLICE, maxFrame - Limits.HEADER);
        this.offset = offset;
        this.left = left;
    }

    /** How many bytes {@link #rewrite} cuts off a reply: those of its DESCRIPTOR_RANGE. */
    static final int SHORTER_BY = MetadataReader.sizeOf(16);

    /**
     * Turns a reply with a descriptor into one whose body follows in DATA frames. Its bytes move up: it begins {@link #SHORTER_BY} bytes
     * later than it did.
     */
    static BodyByCopy rewrite(ByteBuffer buffer, int at, int maxFrame) {
        Frame frame = new Frame().wrap(buffer, at);
        MetadataReader metadata = new MetadataReader().trust(buffer, frame.metadataOffset(), frame.metadataLength());
        if (!metadata.find(MetadataType.DESCRIPTOR_RANGE)) {
            throw new IllegalStateException("a descriptor in a reply to " + Operation.nameOf(frame.operation()));
        }
        BodyByCopy body = new BodyByCopy(frame.requestId(), maxFrame, metadata.u64(), metadata.secondU64());
        int rangeEntry = metadata.offset() - (SHORTER_BY - 16);
        if (metadata.find(MetadataType.MODE)) {
            buffer.putInt(metadata.offset(), Mode.COPY.code());
        }
        if (metadata.find(MetadataType.SHARED)) {
            buffer.putInt(metadata.offset(), 0);
        }
        buffer.putInt(at, frame.length() - SHORTER_BY)
                .put(at + 5, (byte) 0)
                .putShort(at + 6, (short) (frame.flags() | Frame.MORE))
                .putInt(at + 16, frame.metadataLength() - SHORTER_BY);
        for (int i = rangeEntry - 8; i >= at; i -= 8) { // a frame's header and entries are multiples of 8
            buffer.putLong(i + SHORTER_BY, buffer.getLong(i));
        }
        return body;
    }

    boolean isWhole() {
        return left == 0 || failed;
    }

    /** Where the next piece begins in the file. */
    long offset() {
        return offset;
    }

    /** Writes the header of the next piece's frame, and returns the length of the piece. */
    int beginPiece(FrameWriter writer) {
        int piece = (int) Math.min(left, slice);
        writer.begin(Operation.DATA, Frame.REPLY, requestId, Status.OK, 0).body();
        writer.end(piece);
        offset += piece;
        left -= piece;
        return piece;
    }

    /** Writes the END. */
    void writeEnd(FrameWriter writer) {
        writer.begin(Operation.END, Frame.REPLY, requestId, failed ? Status.IO_ERROR : Status.OK, 0);
        if (failed) {
            writer.message(Status.IO_ERROR);
        }
        writer.end();
    }

    /** A piece could not be read. */
    void failed() {
        failed = true;
    }
}
