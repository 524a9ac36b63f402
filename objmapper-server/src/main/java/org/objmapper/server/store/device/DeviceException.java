package org.objmapper.server.store.device;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.protocol.Status;

/** A device can't do what it was asked, with the status that a client is told. */
public final class DeviceException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Status status;
    private final @Nullable String device;
    private final boolean absent;

    DeviceException(Status status, String message) {
        this(status, message, null, false);
    }

    private DeviceException(Status status, String message, @Nullable String device, boolean absent) {
        super(message);
        this.status = status;
        this.device = device;
        this.absent = absent;
    }

    /** The directory can't be used now, and may be there later. */
    public static DeviceException absent(String message) {
        return new DeviceException(Status.IO_ERROR, message, null, true);
    }

    /** The directory is none that may be used. */
    public static DeviceException refused(String message) {
        return new DeviceException(Status.IO_ERROR, message);
    }

    /** Nothing can be asked of a device. */
    public static DeviceException offline(Device device) {
        return new DeviceException(Status.IO_ERROR, "the device is offline").on(device);
    }

    /** The index knows of no device with such a number. */
    public static DeviceException unknown(int number) {
        return new DeviceException(Status.IO_ERROR, "the index has no device " + number + ": it is damaged");
    }

    /** The same failure, which is one of this device. */
    public DeviceException on(Device failed) {
        return new DeviceException(status, getMessage() + " (device " + failed.id() + ")", failed.id(), absent);
    }

    /** The id of the device that failed; null where that is not known. */
    public @Nullable String device() {
        return device;
    }

    /** Whether the directory is only not there, or can't be read: it is none that has to be refused. */
    public boolean isAbsent() {
        return absent;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
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
