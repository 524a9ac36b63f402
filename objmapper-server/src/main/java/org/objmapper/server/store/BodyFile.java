package org.objmapper.server.store;

import java.nio.ByteBuffer;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;

/** A file without a name that a body is written to. Whoever made it closes it, unless it was {@link #finish}ed. For one thread at a time. */
final class BodyFile {
    private final int descriptor;
    private long length;

    BodyFile(Device device) throws StoreException {
        descriptor = StoreException.check(device.createTemporary(), "make a file for a body");
    }

    int descriptor() {
        return descriptor;
    }

    long length() {
        return length;
    }

    /** Appends what is between 0 and the limit of a direct buffer. */
    void append(ByteBuffer bytes) throws StoreException {
        long address = NativeIo.address(bytes);
        int done = 0;
        while (done < bytes.limit()) {
            long written = NativeIo.write(descriptor, address + done, bytes.limit() - done, length);
            if (written < 0 && written != -Errno.EINTR) {
                throw StoreException.ofErrno(written, "write a body");
            }
            if (written > 0) {
                done += (int) written;
                length += written;
            }
        }
    }

    /** Something else wrote the bytes. */
    void written(long bytes) {
        length += bytes;
    }

    /** Brings the bytes to disk if asked to, and gives a descriptor that is open for reading only; this one is closed. */
    int finish(boolean sync) throws StoreException {
        if (sync) {
            StoreException.check(NativeIo.fsync(descriptor), "bring a body to disk");
        }
        int reading = StoreException.check(
                NativeIo.openAt(Device.AT_FDCWD, Device.path("/proc/self/fd/" + descriptor), Device.O_RDONLY, 0),
                "open a body for reading");
        close();
        return reading;
    }

    void close() {
        NativeIo.close(descriptor);
    }
}
