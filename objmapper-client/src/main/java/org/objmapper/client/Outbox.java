package org.objmapper.client;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.Status;

/**
 * The frames that leave one session. Whoever adds a frame while nobody writes, writes; frames that others add meanwhile go out together
 * with the next write. The lock is held while bytes are copied, never while they are written. Thread-safe.
 */
final class Outbox {
    /** Beyond this, threads that add frames wait for the socket. */
    private static final int MOST_BYTES = 1 << 20;

    private static final int FIRST_BYTES = 8 << 10;

    private final OutputStream socket;
    private final FrameWriter writer = new FrameWriter();
    private ByteBuffer filling = allocate(FIRST_BYTES);
    private ByteBuffer spare = allocate(FIRST_BYTES);
    private boolean writing;
    private @Nullable IOException failure;

    Outbox(OutputStream socket) {
        this.socket = socket;
    }

    /** Adds one frame, and sees to it that it is sent. When this returns, all of it is in the socket or another thread writes it. */
    void add(int operation, int flags, int id, Status status, long objectLength, ByteBuffer metadata, ByteBuffer body)
            throws IOException {
        synchronized (this) {
            awaitRoom(Limits.HEADER + metadata.remaining() + body.remaining());
            writer.wrap(filling).begin(operation, flags, id, status, objectLength);
            writer.encoded(metadata, metadata.position(), metadata.remaining());
            writer.body().put(body.duplicate());
            writer.end();
            if (writing) {
                return;
            }
            writing = true;
        }
        write();
    }

    /** Makes everyone who waits or comes later fail. */
    synchronized void fail(IOException cause) {
        if (failure == null) {
            failure = cause;
        }
        notifyAll();
    }

    /** Ends when the server reads or the session is over, which its time limit sees to; an interrupt is kept for the caller. */
    private void awaitRoom(int bytes) throws IOException {
        boolean interrupted = false;
        while (failure == null && filling.position() > 0 && filling.position() + bytes > MOST_BYTES) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure != null) {
            throw new IOException(failure.getMessage(), failure);
        }
        if (filling.remaining() < bytes) {
            ByteBuffer larger = allocate(Math.max(filling.capacity() * 2, filling.position() + bytes));
            larger.put(filling.flip());
            filling = larger;
        }
    }

    private void write() throws IOException {
        try {
            for (ByteBuffer full = swap(); full.hasRemaining(); full = swap()) {
                socket.write(full.array(), 0, full.limit());
            }
        } catch (IOException e) {
            fail(e);
            throw e;
        }
    }

    /** Takes what was added; empty when it is nothing, and then nobody writes any more. */
    private synchronized ByteBuffer swap() {
        ByteBuffer full = filling.flip();
        filling = spare.clear();
        spare = full;
        writing = full.hasRemaining();
        notifyAll();
        return full;
    }

    private static ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
