package org.objmapper.client;

import java.io.FileDescriptor;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXSocket;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/**
 * The frames that leave one session. Whoever adds a frame while nobody writes, writes; frames that others add meanwhile go out together
 * with the next write. The lock is held while bytes are copied, never while they are written. Thread-safe.
 */
final class Outbox {
    /** Beyond this, threads that add frames wait for the socket. */
    private static final int MOST_BYTES = 1 << 20;

    private static final int FIRST_BYTES = 8 << 10;

    /** The most that the kernel takes whole or not at all, so that it can be tried again: unix_stream_sendmsg() in net/unix/af_unix.c. */
    private static final int MOST_WHOLE_BYTES = 32 << 10;

    private static final int KERNEL_BYTES = 64;

    /** So much waits for a flush. */
    private static final int LATER_BYTES = 4 << 10;

    private final AFUNIXSocket socket;
    private final OutputStream stream;
    /** What it takes so of this socket: with a small send buffer, half of that. */
    private final int writeBytes;

    private final FrameWriter writer = new FrameWriter();
    private ByteBuffer filling = allocate(FIRST_BYTES);
    private ByteBuffer spare = allocate(FIRST_BYTES);
    private boolean writing;
    /** Goes with the next write. */
    private @Nullable FileDescriptor passing;
    /** Goes with the next bytes; touched by the writing thread alone. */
    private @Nullable FileDescriptor sending;
    /** How often what was added has been taken to be written. */
    private long swaps;
    /** Every write before this one has been done. */
    private long written;
    /** Grows with everything that someone may wait for. */
    private long changes;

    private @Nullable IOException failure;

    Outbox(AFUNIXSocket socket) throws IOException {
        this.socket = socket;
        this.stream = socket.getOutputStream();
        this.writeBytes = Math.min(MOST_WHOLE_BYTES, socket.getSendBufferSize() / 2 - KERNEL_BYTES);
    }

    /** Adds one frame, and sees to it that it is sent. When this returns, all of it is in the socket or another thread writes it. */
    void add(int operation, int flags, int id, Status status, long objectLength, ByteBuffer metadata, ByteBuffer body)
            throws IOException {
        synchronized (this) {
            awaitRoom(Limits.HEADER + metadata.remaining() + body.remaining());
            append(operation, flags, id, status, objectLength, metadata);
            writer.body().put(body.duplicate());
            writer.end();
            if (writing) {
                return;
            }
            writing = true;
        }
        write();
    }

    /** Adds one frame without a body that need not be sent before {@link #flush}; more than a few are sent at once. */
    void addLater(int operation, int id, ByteBuffer metadata) throws IOException {
        boolean waitsLonger;
        synchronized (this) {
            awaitRoom(Limits.HEADER + metadata.remaining());
            append(operation, 0, id, Status.OK, 0, metadata);
            writer.end();
            waitsLonger = filling.position() < LATER_BYTES;
        }
        if (!waitsLonger) {
            flush();
        }
    }

    /** Sees to it that all that was added is sent. */
    void flush() throws IOException {
        synchronized (this) {
            if (writing || filling.position() == 0) {
                return;
            }
            writing = true;
        }
        write();
    }

    /** Sends a PUT with its body's descriptor. When this returns, the descriptor is on its way, and the caller may close it. */
    void pass(FileDescriptor descriptor, int id, long objectLength, ByteBuffer metadata) throws IOException {
        long mine;
        boolean writes;
        synchronized (this) {
            while (passing != null && failure == null) {
                awaitChange();
            }
            awaitRoom(Limits.HEADER + metadata.remaining());
            append(Operation.PUT, 0, id, Status.OK, objectLength, metadata);
            writer.descriptors(1).end();
            passing = descriptor;
            mine = swaps;
            writes = !writing;
            writing = true;
        }
        if (writes) {
            write();
        } else {
            awaitWritten(mine);
        }
    }

    private void append(int operation, int flags, int id, Status status, long objectLength, ByteBuffer metadata) {
        writer.wrap(filling).begin(operation, flags, id, status, objectLength);
        writer.encoded(metadata, metadata.position(), metadata.remaining());
    }

    /** Makes everyone who waits or comes later fail. */
    synchronized void fail(IOException cause) {
        if (failure == null) {
            failure = cause;
        }
        changed();
    }

    private void awaitRoom(int bytes) throws IOException {
        while (failure == null && filling.position() > 0 && filling.position() + bytes > MOST_BYTES) {
            awaitChange();
        }
        requireAlive();
        if (filling.remaining() < bytes) {
            ByteBuffer larger = allocate(Math.max(filling.capacity() * 2, filling.position() + bytes));
            larger.put(filling.flip());
            filling = larger;
        }
    }

    /** Returns when nobody uses the descriptor any more, also where it could not be sent. */
    private synchronized void awaitWritten(long swap) throws IOException {
        while (writing && written <= swap) {
            awaitChange();
        }
        if (written <= swap) {
            requireAlive();
        }
    }

    /** Ends when the server reads or the session is over, which its time limit sees to; an interrupt is kept for the caller. */
    private synchronized void awaitChange() {
        boolean interrupted = false;
        for (long before = changes; changes == before; ) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void requireAlive() throws IOException {
        if (failure != null) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    private void write() throws IOException {
        try {
            for (ByteBuffer full = swap(); full != null; full = swap()) {
                while (full.hasRemaining()) {
                    writeSome(full);
                }
            }
        } catch (IOException e) {
            fail(e);
            stopped();
            throw e;
        }
    }

    /** The socket's time limit is there for whoever reads; a write that it ends is begun anew, with the descriptor that it has not taken along. */
    private void writeSome(ByteBuffer full) throws IOException {
        int bytes = Math.min(writeBytes, full.remaining());
        if (sending != null) {
            socket.setOutboundFileDescriptors(sending);
        }
        try {
            stream.write(full.array(), full.position(), bytes);
        } catch (SocketTimeoutException e) {
            return;
        }
        sending = null;
        full.position(full.position() + bytes);
    }

    private synchronized void stopped() {
        writing = false;
        changed();
    }

    /**
     * Takes what was added; null when it is nothing: then nobody writes any more, and both buffers may be another's already. A descriptor goes
     * with the first byte: with one for each write the server holds two at most, one of frames that have come and one of the next.
     */
    private synchronized @Nullable ByteBuffer swap() {
        written = swaps++;
        changed();
        ByteBuffer full = filling.flip();
        filling = spare.clear();
        spare = full;
        writing = full.hasRemaining();
        sending = passing;
        passing = null;
        return writing ? full : null;
    }

    private void changed() {
        changes++;
        notifyAll();
    }

    private static ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
