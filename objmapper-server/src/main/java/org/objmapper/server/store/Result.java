package org.objmapper.server.store;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;

/**
 * What became of a change.
 *
 * @param message what went wrong, empty with OK
 * @param generation the new one; with PRECONDITION_FAILED the one that is there, 0 for none
 * @param length of the object that was put or touched, in bytes
 * @param count how many objects a purge took
 * @param sha256 of the body that was put
 * @param xxh3 of the body that was put, where the client gave one to compare
 * @param device the id of the one that failed; null where none did, or it is not known which
 */
public record Result(
        Status status,
        String message,
        long generation,
        long length,
        long count,
        byte @Nullable [] sha256,
        @Nullable Long xxh3,
        @Nullable String device) {
    /** Told once, on a thread of the store or, for what is refused at once, on the caller's. */
    @FunctionalInterface
    public interface Outcome {
        void done(Result result);

        /** As {@link #done}, where others are told with it; {@link #allDone} follows once all of them are. */
        default void doneWithOthers(Result result) {
            done(result);
        }

        /** All are told with which this one was {@linkplain #doneWithOthers told}. */
        default void allDone() {}
    }

    boolean isOk() {
        return status == Status.OK;
    }

    /** Throws unless all went well. */
    void orThrow() throws StoreException {
        if (!isOk()) {
            throw new StoreException(status, message);
        }
    }

    static Result ok(long generation, long length) {
        return new Result(Status.OK, "", generation, length, 0, null, null, null);
    }

    static Result purged(long count) {
        return new Result(Status.OK, "", 0, 0, count, null, null, null);
    }

    static Result refused(Status status, String message) {
        return new Result(status, message, 0, 0, 0, null, null, null);
    }

    static Result precondition(long generationThere) {
        String message = generationThere == 0
                ? "there is no object under the key"
                : "under the key stands generation " + Long.toUnsignedString(generationThere);
        return new Result(Status.PRECONDITION_FAILED, message, generationThere, 0, 0, null, null, null);
    }

    static Result failed(StoreException failure) {
        return new Result(
                failure.status(), String.valueOf(failure.getMessage()), 0, 0, 0, null, null, failure.device());
    }
}
