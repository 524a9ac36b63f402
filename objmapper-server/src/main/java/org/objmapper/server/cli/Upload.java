package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** One PUT through a {@link ToolSession}: in one frame where the body is small and its length known, otherwise in DATA frames. */
final class Upload {
    /** Beside the metadata, at most 131,072 bytes, this much body always fits into a frame. */
    private static final int SMALL = 65_536;

    private final ToolSession session;
    private final String name;
    private FrameWriter writer = new FrameWriter();
    private long length;

    Upload(ToolSession session, String name) {
        this.session = session;
        this.name = name;
    }

    /** The length of a regular file; {@link Limits#UNKNOWN} where it claims none: those of /proc do, and have content. */
    static long lengthOf(FileChannel file) throws IOException {
        long size = file.size();
        return size == 0 ? Limits.UNKNOWN : size;
    }

    /** Starts the PUT; the caller adds its metadata. The length may be {@link Limits#UNKNOWN}. */
    FrameWriter begin(long length) {
        this.length = length;
        writer = session.request(Operation.PUT, isSmall() ? 0 : Frame.MORE, length);
        return writer;
    }

    private boolean isSmall() {
        return length >= 0 && length <= SMALL;
    }

    /** Sends the body and waits for the reply, which the session holds then; returns how many bytes were sent. */
    long send(ReadableByteChannel body) throws IOException, ToolFailure {
        if (isSmall()) {
            ByteBuffer out = writer.body();
            int start = out.position();
            fill(out.limit(start + (int) length), body);
            out.limit(out.capacity());
            if (out.position() != start + length) {
                throw changed(out.position() - start);
            }
            session.call(name);
            return length;
        }
        writer.end();
        session.flush();
        long sent = sendFrames(body);
        session.flush();
        session.receive();
        session.expectOk(name);
        return sent;
    }

    private long sendFrames(ReadableByteChannel body) throws IOException, ToolFailure {
        long sent = 0;
        while (true) {
            if (session.replyWaits()) {
                refused();
            }
            FrameWriter frame = session.continuation(Operation.DATA, Status.OK);
            ByteBuffer out = frame.body();
            int start = out.position();
            fill(out, body);
            int count = out.position() - start;
            frame.end();
            sent += count;
            if (length >= 0 && sent > length) {
                break;
            }
            if (count == 0) {
                out.clear();
                break;
            }
            session.flush();
        }
        if (length >= 0 && sent != length) {
            cancel();
            throw changed(sent);
        }
        session.continuation(Operation.END, Status.OK).end();
        return sent;
    }

    /** The server answers early when it refuses (4.6). */
    private void refused() throws IOException, ToolFailure {
        session.receive();
        Status status = session.status();
        ToolFailure refusal = session.refusal(name, status);
        cancel();
        throw refusal;
    }

    private void cancel() throws IOException {
        session.out().clear();
        session.continuation(Operation.END, Status.CANCELLED).end();
        session.flush();
    }

    private ToolFailure changed(long read) {
        return new ToolFailure(
                ExitCode.IO,
                name + ": the file changed while it was read: it had " + length + " bytes, then " + read
                        + "\nnothing was stored; store it again when nobody writes to it");
    }

    private static void fill(ByteBuffer buffer, ReadableByteChannel from) throws IOException {
        int count = 0;
        while (buffer.hasRemaining() && count >= 0) {
            count = from.read(buffer);
        }
    }
}
