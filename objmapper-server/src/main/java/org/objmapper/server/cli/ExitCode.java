package org.objmapper.server.cli;

/** How the programs end. */
final class ExitCode {
    static final int OK = 0;
    static final int NOT_FOUND = 1;
    static final int USAGE = 2;
    static final int CANNOT_CONNECT = 3;
    static final int REFUSED = 4;
    static final int IO = 5;

    private ExitCode() {}
}
