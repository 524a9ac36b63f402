package org.objmapper.endtoend;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A test that needs a server of the distribution, with a directory for it and for what else the test leaves. */
abstract class AgainstServer {
    @TempDir
    Path directory;

    RunningServer server;

    @BeforeEach
    void startAServer() throws IOException {
        server = RunningServer.in(directory);
    }

    @AfterEach
    void stopTheServer() throws InterruptedException {
        server.close();
    }
}
