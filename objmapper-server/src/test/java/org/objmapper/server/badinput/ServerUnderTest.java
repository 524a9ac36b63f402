package org.objmapper.server.badinput;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.objmapper.protocol.Limits;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreOptions;
import org.objmapper.server.transport.Listener;
import org.objmapper.server.transport.ListenerRules;
import org.objmapper.server.transport.Server;
import org.objmapper.server.transport.ServerLimits;

/** A server in this JVM, with a store in the directory {@code data}, at the socket {@code s}. */
final class ServerUnderTest implements AutoCloseable {
    static final ServerLimits LIMITS = new ServerLimits(
            1_200, 16, Limits.MAX_FRAME_DEFAULT, 4_096, 16, 16, 1 << 26, 30_000, 60_000, 30_000, 30_000, 5_000);

    final Path socket;
    final Path data;
    final Server server;
    private final Store store;

    ServerUnderTest(Path directory) throws IOException {
        this(directory, LIMITS, StoreOptions.of(Files.createDirectories(directory.resolve("data"))));
    }

    ServerUnderTest(Path directory, ServerLimits limits, StoreOptions options) throws IOException {
        socket = directory.resolve("s");
        data = options.directory();
        store = Store.open(options);
        Listener listener = Listener.open(ListenerRules.everything(socket.toString()), null, null, 0600);
        server = new Server(limits, List.of(listener), 2, () -> new Exchanges(store));
        server.start();
    }

    @Override
    public void close() {
        server.close();
        store.close();
    }
}
