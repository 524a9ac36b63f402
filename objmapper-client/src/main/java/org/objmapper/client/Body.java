package org.objmapper.client;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;

/**
 * The bytes of a PUT. One made of an array, a buffer or a path may be sent again when the server asks to retry; one made of a stream is
 * read once. Thread-safe, but for one made of a stream.
 */
public abstract sealed class Body {
    private Body() {}

    /** All bytes of an array, which must not change until the call has ended. */
    public static Body of(byte[] bytes) {
        return new Bytes(ByteBuffer.wrap(bytes));
    }

    /** What remains of a buffer; its position stays, and its content must not change until the call has ended. */
    public static Body of(ByteBuffer buffer) {
        return new Bytes(buffer.duplicate());
    }

    /**
     * A regular file. One of more than 128 KiB on the file system of the server's objects goes to a server that takes files from this user
     * (its {@code passed_descriptor_uids}) as a descriptor, without being read here; all others are read while they are sent. The file must
     * not change until the call has ended; one that grows or shrinks meanwhile makes it fail, and the old object stays.
     */
    public static Body of(Path path) {
        return new PathBody(path);
    }

    /** A stream up to its end; the caller closes it. */
    public static Body of(InputStream stream) {
        return new StreamBody(stream, Limits.UNKNOWN);
    }

    /** A stream of a known length in bytes; the call fails where it is shorter or longer. The caller closes it. */
    public static Body of(InputStream stream, long length) {
        if (length < 0) {
            throw new IllegalArgumentException("a body can't have " + length + " bytes");
        }
        return new StreamBody(stream, length);
    }

    /** Bytes that are there already, and so can go out without waiting for a source. */
    static final class Bytes extends Body {
        private final ByteBuffer buffer;

        private Bytes(ByteBuffer buffer) {
            this.buffer = buffer;
        }

        ByteBuffer view() {
            return buffer.duplicate();
        }

        @Override
        Source open() {
            ByteBuffer rest = view();
            return new Source(rest.remaining()) {
                @Override
                int read(byte[] into, int length) {
                    int count = Math.min(length, rest.remaining());
                    rest.get(into, 0, count);
                    return count == 0 ? -1 : count;
                }
            };
        }

        @Override
        boolean repeatable() {
            return true;
        }
    }

    static final class PathBody extends Body {
        private final Path path;

        private PathBody(Path path) {
            this.path = path;
        }

        /** The device that the file lies on, where it is long enough to be passed instead of read; empty where it is not, or can't be. */
        OptionalLong deviceToPassFrom() {
            if (path.getFileSystem() != FileSystems.getDefault()) {
                return OptionalLong.empty();
            }
            try {
                Map<String, Object> facts = Files.readAttributes(path, "unix:dev,size,isRegularFile");
                boolean worthIt = facts.get("isRegularFile") == Boolean.TRUE
                        && facts.get("size") instanceof Long size
                        && size > Session.DATA_BYTES;
                return worthIt && facts.get("dev") instanceof Long device
                        ? OptionalLong.of(device)
                        : OptionalLong.empty();
            } catch (IOException e) {
                return OptionalLong.empty(); // open() says what is wrong with it
            }
        }

        /** The file itself; null where it can't be had, of which {@link #open} says more. The caller closes it. */
        @Nullable
        PassedFile openToPass() {
            try {
                return new PassedFile(path);
            } catch (IOException e) {
                return null;
            }
        }

        @Override
        Source open() throws IOException {
            if (!Files.isRegularFile(path)) {
                throw new IOException(path + (Files.exists(path) ? " is not a regular file" : " does not exist"));
            }
            InputStream stream = Files.newInputStream(path);
            return new StreamSource(stream, Files.size(path), true);
        }

        @Override
        boolean repeatable() {
            return true;
        }
    }

    /** An open file whose descriptor is passed. */
    static final class PassedFile implements AutoCloseable {
        final FileDescriptor descriptor;
        final long length;
        private final FileInputStream file;

        private PassedFile(Path path) throws IOException {
            file = new FileInputStream(path.toFile());
            descriptor = file.getFD();
            length = file.getChannel().size();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    private static final class StreamBody extends Body {
        private final InputStream stream;
        private final long length;

        private StreamBody(InputStream stream, long length) {
            this.stream = stream;
            this.length = length;
        }

        @Override
        Source open() {
            return new StreamSource(stream, length, false);
        }

        @Override
        boolean repeatable() {
            return false;
        }
    }

    private static final class StreamSource extends Source {
        private final InputStream stream;
        private final boolean owned;

        private StreamSource(InputStream stream, long length, boolean owned) {
            super(length);
            this.stream = stream;
            this.owned = owned;
        }

        @Override
        int read(byte[] into, int length) throws IOException {
            int count = stream.readNBytes(into, 0, length);
            return count == 0 ? -1 : count;
        }

        @Override
        public void close() throws IOException {
            if (owned) {
                stream.close();
            }
        }
    }

    /** One reading of a body. */
    abstract static class Source implements AutoCloseable {
        final long length;

        private Source(long length) {
            this.length = length;
        }

        /** Fills the array's first {@code length} bytes, fewer at the end; −1 at the end. */
        abstract int read(byte[] into, int length) throws IOException;

        @Override
        public void close() throws IOException {}
    }

    abstract Source open() throws IOException;

    abstract boolean repeatable();
}
