package org.objmapper.server.store.device;

import java.nio.ByteBuffer;
import java.util.function.LongConsumer;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;

/** Copies bodies from one device to another. For one thread. */
public final class BodyCopy {
    private static final int PIECE_BYTES = 1 << 20;

    private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
    private final long address = NativeIo.address(piece);

    /**
     * A copy without a name, open for reading, which is the caller's; its bytes are not on disk yet. May block.
     *
     * @param descriptor of the file, which stays the caller's
     * @param xxh3 of the body: a copy that has another one is refused
     * @param reads is told how many bytes are to be read next
     */
    public int copy(Device from, int descriptor, long length, long xxh3, Device to, LongConsumer reads)
            throws DeviceException {
        BodyFile file = new BodyFile(to);
        try {
            while (file.length() < length) {
                int wanted = (int) Math.min(PIECE_BYTES, length - file.length());
                reads.accept(wanted);
                long at = file.length();
                long read = from.watched(() -> NativeIo.read(descriptor, address, wanted, at));
                if (read <= 0 && read != -Errno.EINTR) {
                    throw DeviceException.ofErrno(read == 0 ? -Errno.EIO : read, "read a body")
                            .on(from);
                }
                file.append(piece.position(0).limit((int) Math.max(read, 0)));
            }
            if (FileWindow.xxh3(file.descriptor(), length) != xxh3) {
                throw new DeviceException(Status.IO_ERROR, "a body is not what was stored").on(from);
            }
            return file.finish(false);
        } finally {
            file.close();
        }
    }
}
