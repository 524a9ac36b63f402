package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.objmapper.server.config.Units;

/** A server that is there has sent nothing, and taken nothing, for as long as the tool waits. */
final class NoAnswerException extends IOException {
    private static final long serialVersionUID = 1L;

    NoAnswerException(Path socket, int timeoutMillis) {
        super("the server at " + socket + " has not answered for " + Units.millis(timeoutMillis)
                + ": it is stopped, or overloaded; it may still do what it was asked"
                + "\n--timeout TIME gives it longer");
    }
}
