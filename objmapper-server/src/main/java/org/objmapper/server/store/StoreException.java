package org.objmapper.server.store;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.index.IndexException;

/** The store can't do what it was asked, with the status that a client is told. */
public final class StoreException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Status status;

    StoreException(Status status, String message) {
        super(message);
        this.status = status;
    }

    private StoreException(Status status, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
    }

    /** The id of the device that failed; null where none did, or it is not known which. */
    public @Nullable String device() {
        return getCause() instanceof DeviceException ? ((DeviceException) getCause()).device() : null;
    }

    public Status status() {
        return status;
    }

    /** Whatever went wrong, as one of these. */
    static StoreException of(Throwable failure) {
        if (failure instanceof StoreException) {
            return (StoreException) failure;
        }
        if (failure instanceof DeviceException) {
            return new StoreException(
                    ((DeviceException) failure).status(), String.valueOf(failure.getMessage()), failure);
        }
        if (failure instanceof IndexException) {
            return new StoreException(
                    ((IndexException) failure).status(), String.valueOf(failure.getMessage()), failure);
        }
        if (failure instanceof OutOfMemoryError) {
            return new StoreException(Status.BUSY, "the server is short of memory: " + failure.getMessage(), failure);
        }
        Status status = failure instanceof IOException ? Status.IO_ERROR : Status.INTERNAL;
        return new StoreException(status, String.valueOf(failure), failure);
    }
}
