package org.objmapper.protocol;

import java.nio.charset.StandardCharsets;

/** What became of a request (protocol-spec.md 9). */
public enum Status {
    OK(0, false, false, "", "done"),
    NOT_MODIFIED(1, false, false, "", "the object is the one that you have"),
    NOT_FOUND(16, false, false, "ENOENT", "there is no such object"),
    RANGE_NOT_SATISFIABLE(17, false, false, "ERANGE", "the range lies outside the object"),
    PRECONDITION_FAILED(18, false, false, "EEXIST", "the object is not in the state that the request asks for"),
    STALE_FILL(19, false, false, "ESTALE", "the key was purged or changed since the fill began"),
    MALFORMED(32, false, true, "EPROTO", "the frame breaks a clause of the protocol"),
    BAD_REQUEST(33, false, false, "EINVAL", "the request makes no sense"),
    UNSUPPORTED(34, false, false, "EOPNOTSUPP", "the server can't do that"),
    VERSION_MISMATCH(35, false, true, "EPROTONOSUPPORT", "no protocol version is shared"),
    TOO_LARGE(36, false, false, "EFBIG", "the object is larger than the server takes"),
    CHECKSUM_MISMATCH(37, true, false, "EBADMSG", "the body differs from the checksum that came with it"),
    LENGTH_MISMATCH(38, false, false, "EMSGSIZE", "the body is not as long as was said"),
    BAD_DESCRIPTOR(39, false, false, "EBADF", "the passed descriptor can't be taken"),
    DESCRIPTORS_LOST(40, false, true, "EMFILE", "descriptors were lost on the way"),
    BUSY(48, true, false, "EAGAIN", "too much is waiting already"),
    NO_SPACE(49, false, false, "ENOSPC", "there is no room for the object"),
    IO_ERROR(50, false, false, "EIO", "the storage failed"),
    SHUTTING_DOWN(51, true, false, "ESHUTDOWN", "the server stops"),
    TIMEOUT(52, true, true, "ETIMEDOUT", "the time limit passed"),
    CANCELLED(53, false, false, "ECANCELED", "the request was cancelled"),
    TOO_MANY_SESSIONS(54, true, true, "EUSERS", "the server has as many sessions as it takes"),
    INTERNAL(55, false, false, "EREMOTEIO", "the server has a defect; its log says more"),
    DENIED(64, false, false, "EACCES", "you may not do that");

    /** Whose matter a status is; the codes of a group stand together. */
    public enum Group {
        /** Nobody's: it is done. */
        DONE,
        /** The object is not there, or not in the state asked for. */
        NOT_THERE,
        /** The client asked for what can't be. */
        CLIENT,
        /** The server can't do it, or not now. */
        SERVER,
        /** The client may not. */
        DENIED
    }

    private static final Status[] BY_CODE = new Status[65];

    static {
        for (Status status : values()) {
            BY_CODE[status.code] = status;
        }
    }

    private final int code;
    private final boolean retryable;
    private final boolean fatal;
    private final String errno;
    private final String sentence;
    private final byte[] sentenceUtf8;

    Status(int code, boolean retryable, boolean fatal, String errno, String sentence) {
        this.code = code;
        this.retryable = retryable;
        this.fatal = fatal;
        this.errno = errno;
        this.sentence = sentence;
        this.sentenceUtf8 = sentence.getBytes(StandardCharsets.UTF_8);
    }

    /** The status of a code; INTERNAL for a code that this version doesn't know (9.1). */
    public static Status of(int code) {
        Status status = code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
        return status == null ? INTERNAL : status;
    }

    /** The number in a frame header. */
    public int code() {
        return code;
    }

    /** Whose matter it is. */
    public Group group() {
        if (this == OK) {
            return Group.DONE;
        }
        return code < 32 ? Group.NOT_THERE : code < 48 ? Group.CLIENT : code < 64 ? Group.SERVER : Group.DENIED;
    }

    /** Whether the same request may succeed later. */
    public boolean retryable() {
        return retryable;
    }

    /** Whether the session ends with it (9.2). */
    public boolean fatal() {
        return fatal;
    }

    /** The name of the errno that C programs see; empty for none. */
    public String errno() {
        return errno;
    }

    /** What it means, in a few words. */
    public String sentence() {
        return sentence;
    }

    /** The {@link #sentence} as it is sent. Not to be changed. */
    byte[] sentenceUtf8() {
        return sentenceUtf8;
    }
}
