package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.exchange.Exchange;
import org.objmapper.server.exchange.SentFile;

/**
 * What a session has yet to send: runs of bytes with the descriptors that travel with them, and pieces of files, in order. Frames
 * that follow one another share a run, so that one sendmsg carries many.
 */
final class OutputQueue {
    /** Beyond this an exchange waits. */
    private static final int HIGH_WATER = 128 * 1024;
    /** Pieces of files that wait at most; one that is sent leaves room for the next in the same turn of the loop. */
    private static final int PIECES_AHEAD = 4;

    private final BufferPool pool;
    private final SegmentQueue segments = new SegmentQueue();
    private final ArrayDeque<Segment> spare = new ArrayDeque<>();
    private final FrameWriter writer = new FrameWriter();
    private final Frame frame = new Frame();
    private @Nullable Segment open;
    private int frameStart;
    private int queuedBytes;
    private int queuedFiles;

    OutputQueue(BufferPool pool) {
        this.pool = pool;
    }

    /** Whether an exchange that has more to send should wait. */
    boolean full() {
        return queuedFiles >= PIECES_AHEAD || isCrowded();
    }

    /** Whether so much memory is queued that no request more should be answered. */
    boolean isCrowded() {
        return queuedBytes > HIGH_WATER;
    }

    boolean isEmpty() {
        return segments.isEmpty();
    }

    /** Whether so much of a file is the first thing that is neither a header nor an answer before it. */
    boolean beginsWithFileBeyond(int bytes) {
        Segment segment = segments.peekFirst();
        while (segment != null && segment.file == null) {
            segment = segment.next;
        }
        return segment != null && segment.length > bytes;
    }

    /** Starts a frame with room for {@code bytes}. */
    FrameWriter frame(int bytes) {
        Segment run = open;
        if (run == null || run.closed || buffer(run).remaining() < bytes) {
            run = newSegment();
            run.buffer = pool.take(bytes);
            run.address = NativeIo.address(run.buffer);
            segments.addLast(run);
            open = run;
        }
        frameStart = buffer(run).position();
        return writer.wrap(buffer(run));
    }

    /** Ends the frame; the object's descriptor goes with it. */
    void end(@Nullable SentFile descriptorOf, int maxMessageDescriptors) {
        Segment run = lastRun();
        if (descriptorOf != null) {
            writer.descriptors(1);
        }
        int length = writer.end();
        if (descriptorOf != null) {
            if (run.descriptorCount == maxMessageDescriptors) {
                run = splitBefore(run, frameStart);
            }
            descriptorOf.pin();
            run.descriptors[run.descriptorCount++] = descriptorOf;
        }
        run.length += length;
        queuedBytes += length;
    }

    /** Ends the frame with a body that comes from a file. */
    void endWithFile(SentFile file, long offset, int length, boolean inKernel, Exchange exchange) {
        Segment run = lastRun();
        int here = writer.end(length) - length;
        run.length += here;
        queuedBytes += here;
        Segment piece = piece(file, offset, length);
        piece.exchange = exchange;
        piece.inKernel = inKernel;
        segments.addLast(piece);
        run.closed = true; // what comes next comes after the file
    }

    /** Queues the END of a body behind its pieces: in a run of its own, so that it can be taken back. */
    void endBody(int requestId, Exchange exchange) {
        lastRun().closed = true;
        frame(BodyByCopy.FRAME_ROOM).begin(Operation.END, Frame.REPLY, requestId, Status.OK, 0);
        end(null, 0);
        Segment run = lastRun();
        run.closed = true;
        for (Segment segment = segments.peekFirst(); segment != null; segment = segment.next) {
            if (segment.exchange == exchange) {
                segment.end = run;
            }
        }
    }

    /** The exchange will say how its body ends. */
    private void takeEndBack(Segment end) {
        for (Segment segment = segments.peekFirst(); segment != null; segment = segment.next) {
            if (segment.end == end) {
                segment.end = null;
            }
        }
        segments.remove(end);
        queuedBytes -= end.length;
        recycle(end);
    }

    private Segment piece(SentFile file, long offset, int length) {
        Segment piece = newSegment();
        file.pin();
        piece.file = file;
        piece.fileOffset = offset;
        piece.length = length;
        queuedFiles++;
        return piece;
    }

    /** A message takes only so many descriptors: the frame begins a run of its own, in the same buffer. */
    private Segment splitBefore(Segment run, int start) {
        Segment next = part(run, start, 0);
        segments.addLast(next);
        run.closed = true;
        run.lastOfBuffer = false;
        open = next;
        return next;
    }

    /** A run in the same buffer as another. */
    private Segment part(Segment run, int start, int length) {
        Segment part = newSegment();
        part.buffer = run.buffer;
        part.address = run.address;
        part.start = start;
        part.length = length;
        return part;
    }

    @Nullable
    Segment head() {
        return segments.peekFirst();
    }

    /** So much of the first segment is sent; its descriptors are gone with the first byte. */
    void sent(Segment segment, long bytes) {
        if (bytes > 0) {
            releaseDescriptors(segment);
        }
        segment.length -= (int) bytes;
        if (segment.file == null) {
            segment.start += (int) bytes;
            queuedBytes -= (int) bytes;
            segment.closed =
                    true; // descriptors of later frames must not reach the client before the rest of these bytes
        } else {
            segment.fileOffset += bytes;
            segment.warm = false;
        }
        if (segment.length == 0) {
            segments.removeFirst();
            recycle(segment);
        }
    }

    /**
     * The first segment, a piece of a file, can't be read: zeros fill its frame, and who promised it says so at the end. False where no
     * END follows that could.
     */
    boolean pieceFailed(Segment piece) {
        Exchange exchange = piece.exchange;
        BodyByCopy body = piece.body;
        Segment end = piece.end;
        if (end != null) {
            takeEndBack(end);
        }
        if (body != null) {
            body.failed();
        } else if (exchange == null || !exchange.bodyFailed()) {
            return false;
        }
        replace(piece, BufferPool.direct(piece.length), piece.length);
        return true;
    }

    /** Puts bytes that were read, or zeros, in the place of the beginning of a piece of a file. */
    void replace(Segment piece, ByteBuffer bytes, int length) {
        Segment run = newSegment();
        run.buffer = bytes;
        run.address = NativeIo.address(bytes);
        run.length = length;
        run.closed = true;
        queuedBytes += length;
        segments.removeFirst();
        piece.length -= length;
        piece.fileOffset += length;
        if (piece.length > 0) {
            segments.addFirst(piece);
        } else {
            recycle(piece);
        }
        segments.addFirst(run);
    }

    /** The first segment's descriptors can't be passed: the bodies go by copy instead, each where its reply stands. */
    void answerByCopy(Segment run, int maxFrame) {
        ByteBuffer buffer = buffer(run);
        ArrayList<Segment> parts = new ArrayList<>();
        int plain = run.start;
        int passed = 0;
        int next;
        for (int at = run.start; passed < run.descriptorCount; at = next) {
            next = at + buffer.getInt(at);
            if (frame.wrap(buffer, at).descriptors() == 0) {
                continue;
            }
            if (frame.operation() == Operation.HELLO) {
                Greeting.withdrawTable(buffer, at, frame);
                run.descriptors[passed++].unpin();
                continue;
            }
            if (at > plain) {
                parts.add(part(run, plain, at - plain));
            }
            BodyByCopy body = BodyByCopy.rewrite(buffer, at, maxFrame);
            parts.add(part(run, at + BodyByCopy.SHORTER_BY, next - at - BodyByCopy.SHORTER_BY));
            parts.add(bodySegment(body, run.descriptors[passed++]));
            queuedBytes -= BodyByCopy.SHORTER_BY;
            plain = next;
        }
        int end = run.start + run.length;
        if (end > plain) {
            parts.add(part(run, plain, end - plain));
        }
        replaceHead(run, parts);
    }

    /** The pin of the descriptor becomes that of the body. */
    private Segment bodySegment(BodyByCopy body, SentFile file) {
        Segment segment = newSegment();
        segment.body = body;
        segment.file = file;
        queuedFiles++;
        return segment;
    }

    private void replaceHead(Segment run, List<Segment> parts) {
        segments.removeFirst();
        boolean last = run.lastOfBuffer;
        for (int i = parts.size() - 1; i >= 0; i--) {
            Segment part = parts.get(i);
            part.closed = true;
            if (part.buffer != null) {
                part.lastOfBuffer = last;
                last = false;
            }
            segments.addFirst(part);
        }
        run.descriptorCount = 0; // their pins have moved
        run.lastOfBuffer = false;
        recycle(run);
    }

    /** Cuts the next piece off a body that has come to the head of the queue, or ends it. */
    void prepare() {
        Segment head = segments.peekFirst();
        BodyByCopy body = head == null || !head.isBody() ? null : head.body;
        SentFile file = head == null ? null : head.file;
        if (head == null || body == null || file == null) {
            return;
        }
        Segment run = newSegment();
        ByteBuffer buffer = pool.take(BodyByCopy.FRAME_ROOM);
        run.buffer = buffer;
        run.address = NativeIo.address(buffer);
        run.closed = true;
        if (body.isWhole()) {
            body.writeEnd(writer.wrap(buffer));
            segments.removeFirst();
            recycle(head);
        } else {
            long offset = body.offset();
            Segment piece = piece(file, offset, body.beginPiece(writer.wrap(buffer)));
            piece.body = body;
            segments.addFirst(piece);
        }
        run.length = buffer.position();
        queuedBytes += run.length;
        segments.addFirst(run);
    }

    /** Lets go of everything. */
    void clear() {
        while (!segments.isEmpty()) {
            recycle(segments.removeFirst());
        }
        queuedBytes = 0;
        queuedFiles = 0;
    }

    private Segment lastRun() {
        Segment run = open;
        if (run == null) {
            throw new IllegalStateException("no frame was started");
        }
        return run;
    }

    private static ByteBuffer buffer(Segment segment) {
        ByteBuffer buffer = segment.buffer;
        if (buffer == null) {
            throw new IllegalStateException("a piece of a file has no buffer");
        }
        return buffer;
    }

    private void releaseDescriptors(Segment segment) {
        for (int i = 0; i < segment.descriptorCount; i++) {
            segment.descriptors[i].unpin();
        }
        segment.descriptorCount = 0;
    }

    private void recycle(Segment segment) {
        releaseDescriptors(segment);
        if (segment == open) {
            open = null;
        }
        SentFile file = segment.file;
        if (file != null) {
            file.unpin();
            queuedFiles--;
        }
        Exchange promisedBy = segment.exchange;
        if (promisedBy != null) {
            segment.exchange = null;
            promisedBy.pieceDone();
        }
        ByteBuffer buffer = segment.buffer;
        if (buffer != null && segment.lastOfBuffer) {
            pool.giveBack(buffer);
        }
        spare.addLast(segment);
    }

    private Segment newSegment() {
        Segment segment = spare.isEmpty() ? new Segment() : spare.removeLast();
        segment.reset();
        return segment;
    }
}
