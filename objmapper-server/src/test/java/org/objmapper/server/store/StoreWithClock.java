package org.objmapper.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.LongSupplier;

/** Opens stores whose time a test tells. */
public final class StoreWithClock {
    private StoreWithClock() {}

    public static Store open(Path directory, LongSupplier clock) throws IOException {
        return Store.open(StoreOptions.of(directory), clock, ByteBuffer::allocateDirect);
    }
}
