package org.objmapper.client;

import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import org.newsclub.net.unix.AFUNIXSocket;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The frames that arrive on one session, one after the other, and the descriptors beside them. Owns each descriptor until it is claimed.
 * Not thread-safe.
 */
final class Inbox {
    /** What junixsocket receives in one message at most, whatever room it is given. */
    static final int MAX_MESSAGE_DESCRIPTORS = 60;
    /** Small enough to leave room for other requests' frames in between. */
    static final int MAX_FRAME = Limits.MAX_FRAME_LOWEST;

    /** Room for a frame's header and some more that may be there already. */
    private static final int LEAST_READ = 4 << 10;
    /** The same where the last few reads brought no more. */
    private static final int LEAST_SHORT_READ = 512;

    private static final int FEW_READS = 8;

    private static final int CONTROL_BYTES = 1_024;
    private static final Logger LOG = LoggerFactory.getLogger(Inbox.class);

    private final Connection connection;
    private final AFUNIXSocket socket;
    private final InputStream in;
    private final ByteBuffer received = ByteBuffer.allocate(MAX_FRAME).order(ByteOrder.LITTLE_ENDIAN);
    private final Frame frame = new Frame();
    private final MetadataReader metadata = new MetadataReader();
    private final Queue<FileDescriptor> descriptors = new ArrayDeque<>();
    /** Bytes of the frame that was looked at last. */
    private int seen;
    /** So many reads in a row brought less than a short one can. */
    private int shortReads;

    /** What arrives on a connected socket that was {@link #prepare prepared}. */
    Inbox(Connection connection) throws IOException {
        this.connection = connection;
        this.socket = connection.receiving;
        this.in = socket.getInputStream();
        received.limit(0);
    }

    /** Makes the room that a message's descriptors need; comes before the first read, or they vanish without a word. */
    static void prepare(AFUNIXSocket socket) {
        socket.ensureAncillaryReceiveBufferSize(CONTROL_BYTES);
    }

    /** The descriptors of a message did not fit into the process; the stream of descriptors is broken. */
    static final class DescriptorsLost extends IOException {
        private static final long serialVersionUID = 1L;

        DescriptorsLost(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** Waits for one more whole frame, which takes the last one's place; false at the end of the connection between two frames. */
    boolean next() throws IOException, MalformedFrame {
        received.position(received.position() + seen);
        seen = 0;
        if (!receive(Limits.HEADER)) {
            return false;
        }
        frame.wrap(received, received.position()).validate(MAX_FRAME);
        if (!frame.isReply()) {
            throw new MalformedFrame("2.3", "a frame of the server has no REPLY flag");
        }
        if (frame.descriptors() > descriptors.size()) {
            throw new MalformedFrame(
                    "1.5", "a frame claims " + frame.descriptors() + " descriptors, " + descriptors.size() + " came");
        }
        int length = frame.length();
        if (!receive(length)) {
            throw new EOFException("the connection ended inside a frame");
        }
        seen = length;
        frame.wrap(received, received.position());
        metadata.wrap(received, frame.metadataOffset(), frame.metadataLength());
        return true;
    }

    /** Whether one more whole frame is here already, so that {@link #next} need not wait. */
    boolean holdsFrame() {
        int left = received.remaining() - seen;
        return left >= Limits.HEADER && left >= received.getInt(received.position() + seen);
    }

    /** The header of the frame that stands here now. */
    Frame frame() {
        return frame;
    }

    /** The metadata of the frame that stands here now. */
    MetadataReader metadata() {
        return metadata;
    }

    /** A copy of the metadata. */
    byte[] metadataBytes() {
        byte[] bytes = new byte[frame.metadataLength()];
        received.get(frame.metadataOffset(), bytes);
        return bytes;
    }

    /** The body's bytes in this frame; good until the next one. */
    ByteBuffer body() {
        return received.slice(frame.bodyOffset(), frame.bodyLength());
    }

    /** The next descriptor, as a file that is the caller's. */
    FileInputStream claim() throws EOFException {
        FileDescriptor received = descriptors.remove();
        try {
            return connection.own(received);
        } catch (EOFException e) {
            close(received);
            throw e;
        }
    }

    /** Closes what nobody claimed. */
    void close() {
        for (FileDescriptor next = descriptors.poll(); next != null; next = descriptors.poll()) {
            close(next);
        }
    }

    private boolean receive(int bytes) throws IOException, MalformedFrame {
        if (received.remaining() >= bytes) {
            return true;
        }
        received.compact();
        try {
            while (received.position() < bytes) {
                requireGranted();
                int count = read(bytes - received.position());
                if (count < 0) {
                    if (received.position() == 0) {
                        return false;
                    }
                    throw new EOFException("the connection ended inside a frame");
                }
                received.position(received.position() + count);
                takeDescriptors();
            }
        } finally {
            received.flip();
        }
        return true;
    }

    /** Junixsocket copies as many bytes as there is room for, however few have come: room is made for what is missing, and a little more. */
    private int read(int missing) throws IOException {
        try {
            int least = shortReads < FEW_READS ? LEAST_READ : LEAST_SHORT_READ;
            int room = Math.min(received.remaining(), Math.max(missing, least));
            int count = in.read(received.array(), received.position(), room);
            shortReads = count < LEAST_SHORT_READ ? Math.min(FEW_READS, shortReads + 1) : 0;
            return count;
        } catch (SocketException e) {
            // A peer that is gone is told by exceptions of junixsocket's own, a socket that was closed here by
            // isClosed.
            if (e.getClass() == SocketException.class && !socket.isClosed()) {
                throw new DescriptorsLost("descriptors that the server passed were lost: " + e.getMessage(), e);
            }
            throw e;
        }
    }

    private void takeDescriptors() throws IOException {
        FileDescriptor[] arrived = socket.getReceivedFileDescriptors();
        if (arrived != null) {
            descriptors.addAll(Arrays.asList(arrived));
        }
    }

    /**
     * Comes when all whole frames have been taken: one read can bring the rest of a message together with the next one's descriptors, so
     * that there are more than were granted until then.
     */
    private void requireGranted() throws MalformedFrame {
        if (descriptors.size() > MAX_MESSAGE_DESCRIPTORS) {
            throw new MalformedFrame(
                    "1.5",
                    descriptors.size() + " descriptors are queued, " + MAX_MESSAGE_DESCRIPTORS + " were granted");
        }
    }

    private static void close(FileDescriptor descriptor) {
        if (!descriptor.valid()) {
            return; // went with the socket
        }
        try {
            new FileInputStream(descriptor).close();
        } catch (IOException e) {
            LOG.debug("a received descriptor could not be closed", e);
        }
    }
}
