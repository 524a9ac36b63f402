package org.objmapper.server.store;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.badinput.DirectoryOnDisk;

/** A test with a store of its own, with the usual options, on a disk. */
abstract class AgainstStore {
    @TempDir(factory = DirectoryOnDisk.class)
    Path directory;

    StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        store = new StoreUnderTest(directory);
    }

    @AfterEach
    void close() {
        store.close();
    }
}
