package org.objmapper.server.store;

import java.io.IOException;
import org.lmdbjava.Env;
import org.lmdbjava.LmdbException;
import org.lmdbjava.LmdbNativeException;
import org.objmapper.nativeio.Errno;
import org.objmapper.protocol.Status;

/** The store can't do what it was asked, with the status that a client is told. */
public final class StoreException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Status status;

    StoreException(Status status, String message) {
        super(message);
        this.status = status;
    }

    public Status status() {
        return status;
    }

    /** A failed system call: full file systems are told from broken ones. */
    static StoreException ofErrno(long negativeErrno, String what) {
        int errno = (int) -negativeErrno;
        boolean full = errno == Errno.ENOSPC || errno == Errno.EDQUOT;
        return new StoreException(
                full ? Status.NO_SPACE : Status.IO_ERROR, "cannot " + what + ": " + Errno.nameOf(errno));
    }

    /** A result that is not negative, or the failure as an exception. */
    static int check(int result, String what) throws StoreException {
        if (result < 0) {
            throw ofErrno(result, what);
        }
        return result;
    }

    /** A failure of the index. */
    static StoreException ofIndex(LmdbException failure) {
        boolean full = failure instanceof Env.MapFullException
                || (failure instanceof LmdbNativeException
                        && ((LmdbNativeException) failure).getResultCode() == Errno.ENOSPC);
        return new StoreException(full ? Status.NO_SPACE : Status.IO_ERROR, "the index failed: " + reason(failure));
    }

    private static String reason(LmdbException failure) {
        return failure instanceof LmdbNativeException.ConstantDerivedException
                ? Errno.nameOf(((LmdbNativeException) failure).getResultCode())
                : String.valueOf(failure.getMessage());
    }

    /** Whatever went wrong, as one of these. */
    static StoreException of(Exception failure) {
        if (failure instanceof StoreException) {
            return (StoreException) failure;
        }
        if (failure instanceof LmdbException) {
            return ofIndex((LmdbException) failure);
        }
        StoreException wrapped = new StoreException(
                failure instanceof IOException ? Status.IO_ERROR : Status.INTERNAL, String.valueOf(failure));
        wrapped.initCause(failure);
        return wrapped;
    }
}
