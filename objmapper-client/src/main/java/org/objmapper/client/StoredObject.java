package org.objmapper.client;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Status;

/**
 * An object as a GET brought it. It stays what it is whatever happens to the object in the store, and works on after its client is
 * closed. Owns at most one descriptor, until it is closed; keep it reachable while its channel or a stream of it is in use, since one
 * that is dropped unclosed is closed by the collector, and reported (system property {@code org.objmapper.client.leakDetection}: {@code all},
 * {@code sampled}, {@code off}). Thread-safe; each {@link #stream} is for one thread.
 */
public final class StoredObject implements AutoCloseable {
    private static final int LONGEST_ARRAY = Integer.MAX_VALUE - 8;

    private final Key key;
    private final ObjectMetadata metadata;
    private final boolean notModified;
    private final Mode mode;
    private final MappedBytes mappings;
    private final CopiedBody copied;
    private final @Nullable FileInputStream passed;
    private final long offset;
    private final long length;
    private final long rangeOffset;
    private final Holders holders;
    private final AtomicBoolean closed = new AtomicBoolean();

    StoredObject(Key key, Reply reply, MappedBytes mappings) throws IOException {
        this.key = key;
        this.metadata = new ObjectMetadata(reply.objectLength, reply.metadata);
        this.notModified = reply.status == Status.NOT_MODIFIED;
        this.mappings = mappings;
        this.copied = reply.body;
        this.passed = reply.descriptor;
        MetadataReader entries = reply.reader();
        Mode used = entries.find(MetadataType.MODE) ? Mode.of(entries.u32()) : null;
        this.mode = used == null ? Mode.INLINE : used;
        this.rangeOffset = entries.find(MetadataType.RANGE) ? entries.u64() : 0;
        if (passed == null) {
            this.offset = 0;
            this.length = copied.length();
        } else {
            boolean placed = entries.find(MetadataType.DESCRIPTOR_RANGE);
            this.offset = placed ? entries.u64() : 0;
            this.length = placed ? entries.secondU64() : reply.objectLength;
        }
        FileInputStream file = passed;
        CopiedBody body = copied;
        this.holders = new Holders(key, () -> {
            body.discard();
            if (file != null) {
                file.close();
            }
        });
    }

    /** One more holder of what another has. */
    private StoredObject(StoredObject other) {
        key = other.key;
        metadata = other.metadata;
        notModified = other.notModified;
        mode = other.mode;
        mappings = other.mappings;
        copied = other.copied;
        passed = other.passed;
        offset = other.offset;
        length = other.length;
        rangeOffset = other.rangeOffset;
        holders = other.holders;
    }

    /** The same object for one more holder, who closes it; null where it is closed already. */
    @Nullable
    StoredObject hold() {
        return holders.tryHold() ? new StoredObject(this) : null;
    }

    /** The key that it was asked for under. */
    public Key key() {
        return key;
    }

    /** What the server keeps about the object; there also after close. */
    public ObjectMetadata metadata() {
        return metadata;
    }

    /**
     * Whether the object is the one that the caller has already (if-generation-not, if-etag-not); then it comes without
     * a body, and every method that gives one throws IllegalStateException.
     */
    public boolean notModified() {
        return notModified;
    }

    /** How the body came: INLINE, FDPASS, COPY or SPLICE. */
    public Mode mode() {
        return mode;
    }

    /** Bytes of the body that are here: the whole object's, or the range's. */
    public long length() {
        return length;
    }

    /** Where in the whole object the body that is here begins: 0 but for a range. */
    public long rangeOffset() {
        return rangeOffset;
    }

    /** Where in {@link #channel} the body begins. */
    public long channelOffset() {
        return offset;
    }

    /**
     * The body as a file: {@link #length} bytes from {@link #channelOffset} on. A body that came as a descriptor is the server's own
     * file, read-only, with no copy made; another is put into a temporary file first. Its position is this object's alone unless
     * {@link ObjmapperClient.Builder#sharedDescriptors} allowed others to move it. Closed with this object; don't close it.
     */
    public FileChannel channel() throws IOException {
        requireBody();
        return passed == null ? copied.file() : passed.getChannel();
    }

    /**
     * The body mapped read-only. A mapping outlives this object: Java 17 can't unmap it, it goes when the collector finds it. Until
     * then its bytes count against the client's {@code maxMappedBytes}; beyond them, and beyond 2^31-1 bytes, this throws IOException.
     */
    public MappedByteBuffer map() throws IOException {
        return map(0, length);
    }

    /** Maps {@code count} bytes from {@code position} of this body on; see {@link #map()}. */
    public MappedByteBuffer map(long position, long count) throws IOException {
        if (position < 0 || count < 0 || position > length - count) {
            throw new IndexOutOfBoundsException(count + " bytes from " + position + " of a body of " + length);
        }
        return mappings.map(channel(), offset + position, count);
    }

    /** The whole body, read-only: as it is where it is in memory, else {@link #map mapped}. */
    public ByteBuffer buffer() throws IOException {
        requireBody();
        ByteBuffer there = passed == null ? copied.inMemory() : null;
        return there == null ? map() : there.asReadOnlyBuffer();
    }

    /** A copy of the whole body; IOException where it is longer than an array can be. */
    public byte[] bytes() throws IOException {
        requireBody();
        if (length > LONGEST_ARRAY) {
            throw new IOException(key + " has " + length + " bytes, more than an array: read its channel or stream");
        }
        byte[] bytes = new byte[(int) length];
        readFully(ByteBuffer.wrap(bytes), 0);
        return bytes;
    }

    /** Reads the body from its beginning, apart from every other stream; closing it leaves this object open. */
    public InputStream stream() throws IOException {
        requireBody();
        return new BodyStream();
    }

    /** Gives back the descriptor, or the temporary file. Mappings and metadata stay; the body fails with IOException from now on. Closing again does nothing. */
    @Override
    public void close() throws IOException {
        if (closed.compareAndSet(false, true)) {
            holders.letGo();
        }
    }

    private void requireBody() throws IOException {
        if (closed.get()) {
            throw new IOException("the object " + key + " is closed");
        }
        if (notModified) {
            throw new IllegalStateException("the object " + key + " is not modified, so it came without a body");
        }
    }

    private void readFully(ByteBuffer into, long position) throws IOException {
        long at = position;
        while (into.hasRemaining()) {
            int count = read(into, at);
            if (count < 0) {
                throw new IOException(key + " ends at " + at + " instead of " + length);
            }
            at += count;
        }
    }

    private int read(ByteBuffer into, long position) throws IOException {
        requireBody();
        ByteBuffer there = passed == null ? copied.inMemory() : null;
        if (there == null) {
            return channel().read(into, offset + position);
        }
        int count = Math.min(into.remaining(), there.remaining() - (int) position);
        into.put(there.slice((int) position, count));
        return count;
    }

    private final class BodyStream extends InputStream {
        private long position;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int start, int count) throws IOException {
            if (position >= length) {
                return count == 0 ? 0 : -1;
            }
            int wanted = (int) Math.min(count, length - position);
            int got = StoredObject.this.read(ByteBuffer.wrap(into, start, wanted), position);
            if (got < 0) {
                throw new IOException(key + " ends at " + position + " instead of " + length);
            }
            position += got;
            return got;
        }

        @Override
        public long skip(long count) {
            long skipped = Math.max(0, Math.min(count, length - position));
            position += skipped;
            return skipped;
        }

        @Override
        public int available() {
            return (int) Math.min(Integer.MAX_VALUE, length - position);
        }
    }
}
