package org.objmapper.client;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A test of a client with one session, against a server that does what the test says. */
abstract class AgainstScript {
    @TempDir
    Path directory;

    ScriptedServer server;
    ObjmapperClient client;

    @BeforeEach
    void start() throws IOException {
        server = new ScriptedServer(directory.resolve("socket"));
        client = builder().build();
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
    }

    ObjmapperClient.Builder builder() {
        return ObjmapperClient.builder(directory.resolve("socket")).poolSize(1);
    }
}
