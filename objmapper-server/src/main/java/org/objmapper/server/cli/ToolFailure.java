package org.objmapper.server.cli;

import org.objmapper.protocol.Status;

/** Ends a command with a message for its user and an exit code. */
final class ToolFailure extends Exception {
    private static final long serialVersionUID = 1L;

    private final int exitCode;
    private final String text;

    ToolFailure(int exitCode, String message) {
        super(message);
        this.text = message;
        this.exitCode = exitCode;
    }

    ToolFailure(int exitCode, String message, Throwable cause) {
        super(message, cause);
        this.text = message;
        this.exitCode = exitCode;
    }

    /** What its user is told. */
    String text() {
        return text;
    }

    int exitCode() {
        return exitCode;
    }

    /** The exit code for a status that is not OK. */
    static int exitCode(Status status) {
        return switch (status) {
            case OK, NOT_MODIFIED -> ExitCode.OK;
            case NOT_FOUND -> ExitCode.NOT_FOUND;
            case IO_ERROR -> ExitCode.IO;
            default -> ExitCode.REFUSED;
        };
    }
}
