package org.objmapper.server.store.device;

import java.io.IOException;
import org.objmapper.nativeio.Errno;
import org.objmapper.protocol.Status;

/** A device can't do what it was asked, with the status that a client is told. */
public final class DeviceException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Status status;

    DeviceException(Status status, String message) {
        super(message);
        this.status = status;
    }

    public Status status() {
        return status;
    }

    /** A failed system call: full file systems are told from broken ones. */
    public static DeviceException ofErrno(long negativeErrno, String what) {
        int errno = (int) -negativeErrno;
        boolean full = errno == Errno.ENOSPC || errno == Errno.EDQUOT;
        return new DeviceException(
                full ? Status.NO_SPACE : Status.IO_ERROR, "cannot " + what + ": " + Errno.nameOf(errno));
    }

    /** A result that is not negative, or the failure as an exception. */
    static int check(int result, String what) throws DeviceException {
        if (result < 0) {
            throw ofErrno(result, what);
        }
        return result;
    }
}
