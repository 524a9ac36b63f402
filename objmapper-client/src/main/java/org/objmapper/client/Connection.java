package org.objmapper.client;

import java.io.Closeable;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.FileDescriptorCast;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connected socket, and the files that came by it. Junixsocket closes these together with the socket, and a socket itself when it can't
 * be written to. So writes go through a duplicate, and the socket is closed when its session and all of its files are; that saves a
 * duplicate of each file. Thread-safe.
 */
final class Connection {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    /** What is received from. */
    final AFUNIXSocket receiving;
    /** What is written to: the same connection. */
    final AFUNIXSocket sending;
    /** The duplicate, which junixsocket does not close. */
    private final FileDescriptor duplicate;

    /** The session, and every file that is open. */
    private final AtomicInteger holders = new AtomicInteger(1);

    private final AtomicBoolean ended = new AtomicBoolean();

    /** Of a connected socket, which is its own from now on. */
    Connection(AFUNIXSocket connected) throws IOException {
        receiving = connected;
        FileDescriptorCast duplicating = FileDescriptorCast.duplicating(connected.getFileDescriptor());
        duplicate = duplicating.getFileDescriptor();
        sending = duplicating.as(AFUNIXSocket.class);
    }

    /** A descriptor that was received, as a file that the caller closes. */
    FileInputStream own(FileDescriptor descriptor) throws EOFException {
        int now = holders.get();
        while (now > 0) {
            if (holders.weakCompareAndSetVolatile(now, now + 1)) {
                return new ReceivedFile(descriptor);
            }
            now = holders.get();
        }
        throw new EOFException("the session is over");
    }

    /** Ends the connection; its files stay open. */
    void end() {
        if (ended.compareAndSet(false, true)) {
            // By the channel: since Java 25 a Socket asks its own state, which junixsocket does not keep, and refuses.
            close(receiving.getChannel()::shutdownInput); // wakes who receives
            close(receiving.getChannel()::shutdownOutput);
            close(sending);
            close(new FileInputStream(duplicate));
            letGo();
        }
    }

    private void letGo() {
        if (holders.decrementAndGet() == 0) {
            close(receiving);
        }
    }

    static void close(Closeable part) {
        try {
            part.close();
        } catch (IOException e) {
            LOG.debug("a connection could not be closed", e);
        }
    }

    private final class ReceivedFile extends FileInputStream {
        private final AtomicBoolean closing = new AtomicBoolean();

        ReceivedFile(FileDescriptor descriptor) {
            super(descriptor);
        }

        /** A file and its channel close each other; the connection may go when the first of these calls is done. */
        @Override
        public void close() throws IOException {
            boolean first = closing.compareAndSet(false, true);
            try {
                super.close();
            } finally {
                if (first) {
                    letGo();
                }
            }
        }
    }
}
