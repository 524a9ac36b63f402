package org.objmapper.server.transport;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Limits;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreOptions;

/** A server in this JVM, with a store in the directory {@code data}, at the socket {@code s}. */
public final class ServerUnderTest implements AutoCloseable {
    public static final ServerLimits LIMITS = new ServerLimits(
            1_200, 16, Limits.MAX_FRAME_DEFAULT, 4_096, 16, 16, 1 << 26, 30_000, 60_000, 30_000, 30_000, 5_000);

    /** The engine that these tests run with: epoll, and then once more io_uring where the kernel allows it (pom.xml). */
    static final EngineKind ENGINE = engine();

    public final Path socket;
    public final Path data;
    public final Server server;
    final Store store;

    public ServerUnderTest(Path directory) throws IOException {
        this(directory, LIMITS, 2);
    }

    ServerUnderTest(Path directory, ServerLimits limits, int loops) throws IOException {
        this(directory, limits, loops, StoreOptions.of(Files.createDirectories(directory.resolve("data"))));
    }

    public ServerUnderTest(Path directory, ServerLimits limits, int loops, StoreOptions options) throws IOException {
        this(directory, limits, loops, options.directory(), Store.open(options));
    }

    /** One with a store of the test's, whose directory is {@code data}. It closes the store. */
    ServerUnderTest(Path directory, ServerLimits limits, int loops, Path data, Store store) throws IOException {
        this(directory, limits, loops(loops), data, store);
    }

    /** One whose loops are set up as a test needs them. */
    ServerUnderTest(Path directory, LoopOptions loops) throws IOException {
        this(directory, loops, StoreOptions.of(Files.createDirectories(directory.resolve("data"))));
    }

    private ServerUnderTest(Path directory, LoopOptions loops, StoreOptions options) throws IOException {
        this(directory, LIMITS, loops, options.directory(), Store.open(options));
    }

    private ServerUnderTest(Path directory, ServerLimits limits, LoopOptions loops, Path data, Store store)
            throws IOException {
        socket = directory.resolve("s");
        this.data = data;
        this.store = store;
        Listener listener = Listener.open(ListenerRules.everything(socket.toString()), null, null, 0600);
        server = new Server(limits, List.of(new Service(List.of(listener), () -> new Exchanges(store))), loops);
        server.start();
    }

    private static EngineKind engine() {
        String asked = System.getProperty("objmapper.engine", EngineKind.EPOLL.name());
        long ring = asked.equals(EngineKind.IO_URING.name()) ? NativeIo.engineOpen(NativeIo.ENGINE_IO_URING, 1) : -1;
        if (ring < 0) {
            return EngineKind.EPOLL;
        }
        NativeIo.engineClose(ring);
        return EngineKind.IO_URING;
    }

    /** So many loops, which do not spin. */
    static LoopOptions loops(int count) {
        return new LoopOptions(count, ENGINE, 0);
    }

    @Override
    public void close() {
        server.close();
        store.close();
    }
}
