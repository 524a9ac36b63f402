package org.objmapper.server.cli;

import java.io.IOException;

/** A command of the tool. */
interface ToolCommand {
    CommandDefinition definition();

    /** Runs; returns the exit code. */
    int run(Arguments arguments, Console console) throws IOException, ToolFailure;
}
