package org.objmapper.server.store.device;

import java.nio.ByteBuffer;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;

/** A file without a name that a body is written to. Whoever made it closes it, unless it was {@link #finish}ed. For one thread at a time. */
public final class BodyFile {
    private final Device device;
    private int descriptor;
    private long length;

    public BodyFile(Device device) throws DeviceException {
        this.device = device;
        descriptor = device.createTemporary();
        if (descriptor < 0) {
            throw failed(descriptor, "make a file for a body");
        }
    }

    private DeviceException failed(long negativeErrno, String what) {
        return DeviceException.ofErrno(negativeErrno, what).on(device);
    }

    public Device device() {
        return device;
    }

    public int descriptor() {
        return descriptor;
    }

    public long length() {
        return length;
    }

    /** Appends what is between 0 and the limit of a direct buffer. */
    public void append(ByteBuffer bytes) throws DeviceException {
        append(bytes, () -> {});
    }

    /** Appends what is between 0 and the limit of a direct buffer; where the device is full, once more after {@code makeRoom}. */
    public void append(ByteBuffer bytes, Runnable makeRoom) throws DeviceException {
        boolean roomMade = false;
        long address = NativeIo.address(bytes);
        int done = 0;
        while (done < bytes.limit()) {
            long from = address + done;
            int left = bytes.limit() - done;
            long written = device.watched(() ->
                    device.hasRoom(descriptor, left) ? NativeIo.write(descriptor, from, left, length) : -Errno.ENOSPC);
            if (written == -Errno.ENOSPC && !roomMade) {
                makeRoom.run();
                roomMade = true;
            } else if (written < 0 && written != -Errno.EINTR) {
                throw failed(written, "write a body");
            }
            if (written > 0) {
                done += (int) written;
                length += written;
            }
        }
    }

    /** To be asked before something else writes so many bytes. */
    public void refuseUnlessRoom(long bytes) throws DeviceException {
        if (!device.hasRoom(descriptor, bytes)) {
            throw failed(-Errno.ENOSPC, "write a body");
        }
    }

    /** Something else wrote the bytes. */
    public void written(long bytes) {
        length += bytes;
    }

    /** Brings the bytes to disk if asked to, and gives a descriptor that is open for reading only; this one is closed. */
    public int finish(boolean sync) throws DeviceException {
        if (sync) {
            int synced = device.sync(descriptor);
            if (synced < 0) {
                throw failed(synced, "bring a body to disk");
            }
        }
        int reading = (int) device.watched(
                () -> NativeIo.openAt(Device.AT_FDCWD, Device.path("/proc/self/fd/" + descriptor), Device.O_RDONLY, 0));
        if (reading < 0) {
            throw failed(reading, "open a body for reading");
        }
        close();
        return reading;
    }

    /** Closes it, unless it is closed already. May block: the file system frees its blocks. */
    public void close() {
        int open = descriptor;
        descriptor = -1;
        if (open >= 0) {
            NativeIo.close(open);
        }
    }

    /** As {@link #close()}, but leaves what may block to the closer. */
    public void close(Closer closer) {
        int open = descriptor;
        descriptor = -1;
        if (open >= 0) {
            closer.close(open);
        }
    }
}
