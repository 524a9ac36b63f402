package org.objmapper.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.BooleanSupplier;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.BodyFile;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.FileWindow;

/**
 * A body that a client passes as a descriptor. Until it is checked it is hostile: its file system may hang in any call but those of
 * {@link #check} (protocol-spec.md 5.4.6).
 */
final class PassedBody {
    private static final int ACCESS_MODE = 3;
    private static final int WRITE_ONLY = 1;
    private static final int TYPE_MASK = 0170000;
    private static final int REGULAR = 0100000;
    private static final int SHRINK_GROW_WRITE = 0x2 | 0x4 | 0x8;
    private static final long COPY_AT_ONCE = 64L << 20;

    private final Device device;
    private final int descriptor;
    private final long length;
    private final boolean onDevice;

    private PassedBody(Device device, int descriptor, long length, boolean onDevice) {
        this.device = device;
        this.descriptor = descriptor;
        this.length = length;
        this.onDevice = onDevice;
    }

    /** Looks at a descriptor without asking its file system; does not take it over. */
    static PassedBody check(Device device, int descriptor, long length, boolean trusted) throws StoreException {
        int flags = NativeIo.statusFlags(descriptor);
        if (flags < 0 || (flags & Device.O_PATH) != 0 || (flags & ACCESS_MODE) == WRITE_ONLY) {
            throw refused("it is not open for reading");
        }
        if ((flags & Device.O_DIRECT) != 0) {
            throw refused("it is open with O_DIRECT");
        }
        long[] facts = new long[3];
        if (NativeIo.describe(descriptor, facts) < 0 || (facts[0] & TYPE_MASK) != REGULAR) {
            throw refused("it is no regular file");
        }
        int seals = NativeIo.seals(descriptor);
        boolean sealed = seals >= 0 && (seals & SHRINK_GROW_WRITE) == SHRINK_GROW_WRITE;
        boolean onDevice = facts[2] == device.fileSystem();
        if (!sealed && !(trusted && onDevice)) {
            throw refused(
                    trusted
                            ? "it is neither a memfd sealed against write, shrink and grow nor a file on the store's file system"
                            : "it is no memfd that is sealed against write, shrink and grow");
        }
        if (facts[1] != length) {
            throw refused(
                    "it has " + facts[1] + " bytes, not the " + Long.toUnsignedString(length) + " that were said");
        }
        return new PassedBody(device, descriptor, length, onDevice);
    }

    private static StoreException refused(String why) {
        return new StoreException(Status.BAD_DESCRIPTOR, "the passed descriptor can't be taken: " + why);
    }

    long length() {
        return length;
    }

    /** Where it is copied to. */
    Device device() {
        return device;
    }

    /** Copies the bytes, unless it is told to stop. May block. */
    Body copy(Put put, int inlineBodyBytes, BooleanSupplier stop) throws IOException {
        if (length <= inlineBodyBytes) {
            return Body.ofBytes(readFew(), put);
        }
        BodyFile file = new BodyFile(device);
        BodySums sums = new BodySums();
        try {
            if (onDevice && shareBlocks(file, stop)) {
                FileWindow.read(file.descriptor(), length, sums::update);
            } else {
                copyThroughMemory(file, sums, stop);
            }
        } catch (IOException e) {
            file.close();
            throw e;
        }
        return Body.ofFile(file, sums, put);
    }

    private byte[] readFew() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocateDirect((int) Math.max(length, 1));
        long address = NativeIo.address(bytes);
        int have = 0;
        while (have < length) {
            have += readSome(address + have, (int) length - have, have);
        }
        byte[] copy = new byte[have];
        bytes.get(0, copy);
        return copy;
    }

    private int readSome(long address, int count, long offset) throws IOException {
        long read = NativeIo.read(descriptor, address, count, offset);
        if (read < 0) {
            throw DeviceException.ofErrno(read, "read from the passed descriptor");
        }
        if (read == 0) {
            throw refused("it became shorter than the " + length + " bytes that were said");
        }
        return (int) read;
    }

    /** Lets the file system copy; false where it can't. */
    private boolean shareBlocks(BodyFile file, BooleanSupplier stop) throws IOException {
        if (NativeIo.reflink(descriptor, file.descriptor()) == 0) {
            long[] facts = new long[3];
            NativeIo.describe(file.descriptor(), facts);
            if (facts[1] != length) {
                throw refused("it has " + facts[1] + " bytes by now, not " + length);
            }
            file.written(length);
            return true;
        }
        file.refuseUnlessRoom(length);
        while (file.length() < length) {
            refuseIf(stop);
            long copied = NativeIo.copyRange(
                    descriptor, file.length(), file.descriptor(), Math.min(COPY_AT_ONCE, length - file.length()));
            if (copied < 0 && file.length() == 0 && isNotForThis((int) -copied)) {
                return false;
            }
            if (copied < 0 && copied != -Errno.EINTR) {
                throw DeviceException.ofErrno(copied, "copy the passed descriptor's file");
            }
            if (copied == 0) {
                throw refused("it became shorter than the " + length + " bytes that were said");
            }
            file.written(Math.max(copied, 0));
        }
        return true;
    }

    private static void refuseIf(BooleanSupplier stop) throws StoreException {
        if (stop.getAsBoolean()) {
            throw new StoreException(
                    Status.SHUTTING_DOWN, "the server stops, and the passed descriptor is not copied whole");
        }
    }

    private static boolean isNotForThis(int errno) {
        return errno == Errno.EXDEV || errno == Errno.EINVAL || errno == Errno.EOPNOTSUPP;
    }

    private void copyThroughMemory(BodyFile file, BodySums sums, BooleanSupplier stop) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(ChunkPool.CHUNK_BYTES, Math.max(length, 1)))
                .order(ByteOrder.LITTLE_ENDIAN);
        long address = NativeIo.address(buffer);
        while (file.length() < length) {
            refuseIf(stop);
            buffer.clear();
            int wanted = (int) Math.min(buffer.capacity(), length - file.length());
            buffer.limit(readSome(address, wanted, file.length()));
            file.append(buffer);
            sums.update(buffer);
        }
    }
}
