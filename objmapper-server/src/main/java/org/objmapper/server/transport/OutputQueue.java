package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.server.exchange.Exchange;
import org.objmapper.server.store.StoredObject;

/**
 * What a session has yet to send: runs of bytes with the descriptors that travel with them, and pieces of files, in order. Frames
 * that follow one another share a run, so that one sendmsg carries many.
 */
final class OutputQueue {
    /** Beyond this an exchange waits. */
    private static final int HIGH_WATER = 128 * 1024;

    private final BufferPool pool;
    private final ArrayDeque<Segment> segments = new ArrayDeque<>();
    private final ArrayDeque<Segment> spare = new ArrayDeque<>();
    private final FrameWriter writer = new FrameWriter();
    private @Nullable Segment open;
    private int frameStart;
    private int queuedBytes;
    private int queuedFiles;

    /** A run of bytes, or a piece of a file. */
    static final class Segment {
        @Nullable
        ByteBuffer buffer;

        long address;
        int start;
        int length;
        int descriptorCount;
        final StoredObject[] descriptors = new StoredObject[253];

        @Nullable
        StoredObject file;

        @Nullable
        Exchange exchange;

        long fileOffset;
        boolean inKernel;
        /** The piece was read a moment ago: no need to ask whether it is in memory. */
        boolean warm;
        /** A device thread is reading it. */
        boolean warming;
        /** The buffer is lent by somebody else and is not the pool's. */
        boolean closed;
    }

    OutputQueue(BufferPool pool) {
        this.pool = pool;
    }

    /** Whether an exchange that has more to send should wait. */
    boolean full() {
        return queuedFiles > 0 || isCrowded();
    }

    /** Whether so much memory is queued that no request more should be answered. */
    boolean isCrowded() {
        return queuedBytes > HIGH_WATER;
    }

    boolean isEmpty() {
        return segments.isEmpty();
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
    void end(@Nullable StoredObject descriptorOf, int maxMessageDescriptors) {
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
    void endWithFile(StoredObject object, long offset, int length, boolean inKernel, Exchange exchange) {
        Segment run = lastRun();
        int here = writer.end(length) - length;
        run.length += here;
        queuedBytes += here;
        Segment piece = newSegment();
        object.pin();
        piece.file = object;
        piece.exchange = exchange;
        piece.fileOffset = offset;
        piece.length = length;
        piece.inKernel = inKernel;
        segments.addLast(piece);
        queuedFiles++;
        run.closed = true; // what comes next comes after the file
    }

    /** A message takes only so many descriptors: the frame begins a run of its own, in the same buffer. */
    private Segment splitBefore(Segment run, int start) {
        Segment next = newSegment();
        next.buffer = run.buffer;
        next.address = run.address;
        next.start = start;
        segments.addLast(next);
        run.closed = true;
        open = next;
        return next;
    }

    @Nullable
    Segment head() {
        return segments.peekFirst();
    }

    Iterable<Segment> segments() {
        return segments;
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
        } else {
            segment.fileOffset += bytes;
            segment.warm = false;
        }
        if (segment.length == 0) {
            segments.removeFirst();
            recycle(segment);
        }
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
        StoredObject file = segment.file;
        if (file != null) {
            file.unpin();
            queuedFiles--;
        }
        ByteBuffer buffer = segment.buffer;
        if (buffer != null && !isShared(buffer)) {
            pool.giveBack(buffer);
        }
        segment.buffer = null;
        segment.file = null;
        segment.exchange = null;
        spare.addLast(segment);
    }

    /** Whether the next segment goes on in the same buffer. */
    private boolean isShared(ByteBuffer buffer) {
        Segment next = segments.peekFirst();
        return next != null && next.buffer == buffer;
    }

    private Segment newSegment() {
        Segment segment = spare.isEmpty() ? new Segment() : spare.removeLast();
        segment.start = 0;
        segment.length = 0;
        segment.descriptorCount = 0;
        segment.warm = false;
        segment.warming = false;
        segment.closed = false;
        return segment;
    }
}
