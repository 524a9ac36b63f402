package org.objmapper.client;

import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds what a client has mapped. Java 17 can't unmap a buffer, it goes when the collector finds it; so its bytes are counted until
 * then. Thread-safe.
 */
final class MappedBytes {
    private final long most;
    private final AtomicLong mapped = new AtomicLong();

    MappedBytes(long most) {
        this.most = most;
    }

    MappedByteBuffer map(FileChannel file, long offset, long length) throws IOException {
        if (length > Integer.MAX_VALUE) {
            throw new IOException(
                    "a body of " + length + " bytes does not fit one mapping; map a range of it, or read its channel");
        }
        if (mapped.addAndGet(length) > most) {
            mapped.addAndGet(-length);
            throw new IOException("mapping " + length + " bytes passes the " + most
                    + " that this client may have mapped (maxMappedBytes); drop mappings, or read the channel");
        }
        try {
            MappedByteBuffer buffer = file.map(FileChannel.MapMode.READ_ONLY, offset, length);
            Leaks.CLEANER.register(buffer, () -> mapped.addAndGet(-length));
            return buffer;
        } catch (IOException | RuntimeException e) {
            mapped.addAndGet(-length);
            throw e;
        }
    }
}
