package org.objmapper.server.store.device;

import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import net.openhft.hashing.Access;
import net.openhft.hashing.LongHashFunction;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;

/** A file's bytes for hashing, through a buffer that moves along. For one thread, which has one of them at a time. */
public final class FileWindow {
    static final int SIZE = 1 << 20;

    private static final int NOWHERE = -1;

    /** One for each thread that hashes: a buffer for each file would be a MiB of memory to clear, and to wait for a collector. */
    private static final ThreadLocal<ByteBuffer> WINDOWS =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(SIZE).order(ByteOrder.LITTLE_ENDIAN));

    private static final Access<FileWindow> ACCESS = new WindowAccess();

    private final int descriptor;
    private final long length;
    private final ByteBuffer window = WINDOWS.get();
    private final long address = NativeIo.address(window);
    private final LongConsumer reads;
    /** What was read is written there, at the same place. */
    private final int copyTo;

    private long start;

    FileWindow(int descriptor, long length) {
        this(descriptor, length, bytes -> {});
    }

    private FileWindow(int descriptor, long length, LongConsumer reads) {
        this(descriptor, length, reads, NOWHERE);
    }

    private FileWindow(int descriptor, long length, LongConsumer reads, int copyTo) {
        this.reads = reads;
        this.copyTo = copyTo;
        this.descriptor = descriptor;
        this.length = length;
        window.limit(0);
    }

    /** XXH3 of the whole file. */
    public static long xxh3(int descriptor, long length) throws DeviceException {
        return xxh3(descriptor, length, bytes -> {});
    }

    /**
     * As {@link #xxh3(int, long)}; {@code reads} is told how many bytes are to be read next, before they are, and may throw an
     * UncheckedIOException to end it.
     */
    public static long xxh3(int descriptor, long length, LongConsumer reads) throws DeviceException {
        try {
            return LongHashFunction.xx3().hash(new FileWindow(descriptor, length, reads), ACCESS, 0, length);
        } catch (UncheckedIOException e) {
            throw new DeviceException(Status.IO_ERROR, String.valueOf(e.getMessage()));
        }
    }

    /** Copies the whole file to another, which is open for writing, and gives the XXH3 of what was copied. */
    public static long copy(int descriptor, long length, int to) throws DeviceException {
        try {
            return LongHashFunction.xx3().hash(new FileWindow(descriptor, length, bytes -> {}, to), ACCESS, 0, length);
        } catch (UncheckedIOException e) {
            throw e.getCause() instanceof DeviceException failure
                    ? failure
                    : new DeviceException(Status.IO_ERROR, String.valueOf(e.getMessage()));
        }
    }

    /** Reads the whole file, and gives it piece by piece, from 0 to the limit of a buffer. */
    public static void read(int descriptor, long length, Consumer<ByteBuffer> pieces) throws DeviceException {
        FileWindow file = new FileWindow(descriptor, length);
        for (long offset = 0; offset < length; offset += file.window.limit()) {
            file.fill(offset);
            pieces.accept(file.window);
        }
    }

    private void fill(long offset) throws DeviceException {
        int wanted = (int) Math.min(SIZE, length - offset);
        reads.accept(wanted);
        int have = 0;
        while (have < wanted) {
            long read = NativeIo.read(descriptor, address + have, wanted - have, offset + have);
            if (read <= 0) {
                throw DeviceException.ofErrno(read == 0 ? -Errno.EIO : read, "read a body back");
            }
            have += (int) read;
        }
        window.limit(wanted);
        start = offset;
        if (copyTo != NOWHERE) {
            write(wanted, offset);
        }
    }

    private void write(int wanted, long offset) throws DeviceException {
        int done = 0;
        while (done < wanted) {
            long written = NativeIo.write(copyTo, address + done, wanted - done, offset + done);
            if (written < 0 && written != -Errno.EINTR) {
                // Memory that the kernel doesn't give is no room too.
                long why = written == -Errno.ENOMEM ? -Errno.ENOSPC : written;
                throw DeviceException.ofErrno(why, "write a copy of a body");
            }
            done += (int) Math.max(0, written);
        }
    }

    private int at(long offset, int bytes) {
        if (offset < start || offset + bytes > start + window.limit()) {
            try {
                fill(offset);
            } catch (DeviceException e) {
                throw new UncheckedIOException(e);
            }
        }
        return (int) (offset - start);
    }

    private static final class WindowAccess extends Access<FileWindow> {
        @Override
        public long getLong(FileWindow file, long offset) {
            return file.window.getLong(file.at(offset, Long.BYTES));
        }

        @Override
        public int getInt(FileWindow file, long offset) {
            return file.window.getInt(file.at(offset, Integer.BYTES));
        }

        @Override
        public long getUnsignedInt(FileWindow file, long offset) {
            return Integer.toUnsignedLong(getInt(file, offset));
        }

        @Override
        public int getByte(FileWindow file, long offset) {
            return file.window.get(file.at(offset, 1));
        }

        @Override
        public int getUnsignedByte(FileWindow file, long offset) {
            return getByte(file, offset) & 0xff;
        }

        @Override
        public ByteOrder byteOrder(FileWindow file) {
            return ByteOrder.LITTLE_ENDIAN;
        }

        @Override
        protected Access<FileWindow> reverseAccess() {
            throw new UnsupportedOperationException("a file's bytes are little-endian");
        }
    }
}
