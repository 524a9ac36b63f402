package org.objmapper.server.store.index;

import org.lmdbjava.LmdbException;
import org.lmdbjava.LmdbNativeException;
import org.objmapper.nativeio.Errno;
import org.objmapper.protocol.Status;

/** The index can't do what it was asked, with the status that a client is told. */
public final class IndexException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Status status;

    private IndexException(Status status, String message) {
        super(message);
        this.status = status;
    }

    private IndexException(Status status, String message, LmdbException cause) {
        super(message, cause);
        this.status = status;
    }

    /** A full file system is told from a broken one. */
    static IndexException of(LmdbException failure) {
        boolean full = failure instanceof LmdbNativeException
                && ((LmdbNativeException) failure).getResultCode() == Errno.ENOSPC;
        return new IndexException(
                full ? Status.NO_SPACE : Status.IO_ERROR, "the index failed: " + reason(failure), failure);
    }

    /** The index has grown as far as it may; the message is whole. */
    static IndexException full(String message) {
        return new IndexException(Status.NO_SPACE, message);
    }

    /** What stands there is not what it should be; the message is whole. */
    static IndexException wrong(String message) {
        return new IndexException(Status.IO_ERROR, message);
    }

    private static String reason(LmdbException failure) {
        return failure instanceof LmdbNativeException.ConstantDerivedException
                ? Errno.nameOf(((LmdbNativeException) failure).getResultCode())
                : String.valueOf(failure.getMessage());
    }

    /** Whether the file system or LMDB failed, rather than that something else stands there. */
    public boolean isFailure() {
        return getCause() != null;
    }

    public Status status() {
        return status;
    }
}
