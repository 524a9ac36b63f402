package org.objmapper.server.cli;

/** How the programs end. */
final class ExitCode {
    static final int OK = 0;
    static final int NOT_FOUND = 1;
    static final int USAGE = 2;
    static final int CANNOT_CONNECT = 3;
    static final int REFUSED = 4;
    static final int IO = 5;
    static final int NO_ANSWER = 6;

    /** Those of objmapperd fsck, besides the ones of its report. */
    static final int FSCK_COULD_NOT_RUN = 8;

    static final int FSCK_USAGE = 16;

    private ExitCode() {}
}
