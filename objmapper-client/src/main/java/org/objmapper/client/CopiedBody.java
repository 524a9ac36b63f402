package org.objmapper.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A body that came as bytes: in memory up to {@link #MEMORY_BYTES}, beyond that in a temporary file without a name. Filled by the
 * session's reader, then owned by one reply. What is appended after it was discarded is dropped. Thread-safe, since a session may end while
 * its reader fills a body.
 */
final class CopiedBody {
    /** A longer body goes to a file, so that a few large ones don't fill the heap. */
    static final int MEMORY_BYTES = 4 << 20;

    private static final byte[] NONE = {};

    private byte[] bytes = NONE;
    private long length;
    private @Nullable FileChannel file;
    private boolean discarded;

    synchronized void expect(long expected) {
        if (expected > 0 && expected <= MEMORY_BYTES) {
            bytes = new byte[(int) expected];
        }
    }

    synchronized void append(ByteBuffer more) throws IOException {
        if (discarded) {
            return;
        }
        int count = more.remaining();
        if (file == null && length + count > MEMORY_BYTES) {
            spill();
        }
        if (file == null) {
            int end = (int) length + count;
            if (end > bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.max(end, Math.min(MEMORY_BYTES, bytes.length * 2)));
            }
            more.get(bytes, (int) length, count);
        } else {
            writeFully(file, more, length);
        }
        length += count;
    }

    synchronized long length() {
        return length;
    }

    /** The body where it is in memory; null where it is in a file. */
    synchronized @Nullable ByteBuffer inMemory() {
        return file == null ? ByteBuffer.wrap(bytes, 0, (int) length).slice() : null;
    }

    /** The body as a file, moved there first where it is in memory. */
    synchronized FileChannel file() throws IOException {
        FileChannel there = file;
        return there == null ? spill() : there;
    }

    private FileChannel spill() throws IOException {
        Path path = Files.createTempFile("objmapper", ".body");
        try {
            FileChannel opened = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            writeFully(opened, ByteBuffer.wrap(bytes, 0, (int) length), 0);
            file = opened;
            bytes = NONE;
            return opened;
        } finally {
            Files.delete(path);
        }
    }

    synchronized void discard() {
        FileChannel there = file;
        discarded = true;
        bytes = NONE;
        length = 0;
        if (there != null) {
            try {
                there.close();
            } catch (IOException e) {
                // The file has no name any more: nothing is left behind.
                return;
            }
        }
    }

    private static void writeFully(FileChannel file, ByteBuffer from, long position) throws IOException {
        long at = position;
        while (from.hasRemaining()) {
            at += file.write(from, at);
        }
    }
}
