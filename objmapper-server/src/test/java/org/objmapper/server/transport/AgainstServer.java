package org.objmapper.server.transport;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.badinput.DirectoryOnDisk;

/** A test with a server of its own, set up as most need it, on a disk. */
abstract class AgainstServer {
    @TempDir(factory = DirectoryOnDisk.class)
    Path directory;

    ServerUnderTest server;

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(directory);
    }

    @AfterEach
    void stop() {
        server.close();
    }
}
