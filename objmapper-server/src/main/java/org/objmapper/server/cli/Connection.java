package org.objmapper.server.cli;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;

/**
 * The tool's end of a connection, by the JNI shim: the channels of the JDK and of junixsocket take longer to load than most commands to
 * run. It waits, and owns the socket and every descriptor that nobody has taken. Not thread-safe.
 */
final class Connection implements Closeable {
    private final int socket;
    private final Path path;
    private final int timeoutMillis;
    private final Queue<Integer> descriptors = new ArrayDeque<>();
    private final int[] arrived = new int[1];

    private Connection(int socket, Path path, int timeoutMillis) {
        this.socket = socket;
        this.path = path;
        this.timeoutMillis = timeoutMillis;
    }

    /** Connects; throws NoAnswerException where this, or any wait later, takes longer than the timeout, 0 for none. */
    static Connection open(Path path, int timeoutMillis) throws IOException {
        int socket = NativeIo.connect(path.toString().getBytes(StandardCharsets.UTF_8), timeoutMillis);
        if (socket == -Errno.EAGAIN) {
            throw new NoAnswerException(path, timeoutMillis);
        }
        if (socket < 0) {
            throw new IOException(Errno.nameOf(-socket) + "\n" + hint(-socket));
        }
        return new Connection(socket, path, timeoutMillis);
    }

    static String hint(int errno) {
        return errno == Errno.EACCES
                ? "this user may not: see owner, group and mode of the socket, and of the directories on the way to it"
                : "is a server running there? objmapperd --dev starts one";
    }

    /** Sends what the direct buffer holds. */
    void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            long sent = NativeIo.sendOnce(socket, NativeIo.address(bytes) + bytes.position(), bytes.remaining());
            if (sent == -Errno.EAGAIN) {
                throw new NoAnswerException(path, timeoutMillis);
            }
            if (sent < 0) {
                throw new IOException(Errno.nameOf((int) -sent));
            }
            bytes.position(bytes.position() + (int) sent);
        }
    }

    /** Receives into a direct buffer what is there; waits for something if so told. Returns false at the end of the stream. */
    boolean receive(ByteBuffer into, boolean wait) throws IOException {
        long count =
                NativeIo.receiveOne(socket, NativeIo.address(into) + into.position(), into.remaining(), arrived, wait);
        if (arrived[0] >= 0) {
            descriptors.add(arrived[0]);
        }
        if (count == -Errno.EAGAIN) {
            if (wait) {
                throw new NoAnswerException(path, timeoutMillis);
            }
            return true;
        }
        if (count == -Errno.EMFILE) {
            throw new IOException("a descriptor was lost: this process may not have more open files; see ulimit -n");
        }
        if (count < 0) {
            throw new IOException(Errno.nameOf((int) -count));
        }
        into.position(into.position() + (int) count);
        return count > 0;
    }

    /** The descriptor that arrived first and has not been taken, the caller's to close; null for none. */
    @Nullable
    Integer takeDescriptor() {
        return descriptors.poll();
    }

    @Override
    public void close() {
        NativeIo.close(socket);
        for (int descriptor : descriptors) {
            NativeIo.close(descriptor);
        }
        descriptors.clear();
    }
}
