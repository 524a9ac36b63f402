package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreOptions;

/** What a listener does not allow is DENIED, whatever else the request says, and the session goes on (protocol-spec.md 6.3). */
class ListenerRulesTest {
    @TempDir
    Path directory;

    private Store store;
    private Server server;
    private RawClient client;

    @BeforeEach
    void start() throws IOException {
        BitSet ping = new BitSet();
        ping.set(Operation.PING);
        store = Store.open(StoreOptions.of(Files.createDirectory(directory.resolve("data"))));
        Path socket = directory.resolve("s");
        Listener listener = Listener.open(new ListenerRules(socket.toString(), ping), null, null, 0600);
        server = new Server(
                ServerLimits.DEFAULTS,
                List.of(new Service(List.of(listener), () -> new Exchanges(store))),
                ServerUnderTest.loops(1));
        server.start();
        client = RawClient.greeted(socket);
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
        store.close();
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                Operation.GET,
                Operation.HEAD,
                Operation.PUT,
                Operation.DELETE,
                Operation.LIST,
                Operation.PURGE,
                Operation.TOUCH,
                Operation.STAT,
                Operation.CANCEL,
                Operation.GOODBYE
            })
    void aRequestIsDenied(int operation) throws Exception {
        client.send(RawClient.frame(w -> w.begin(operation, 0, 1, Status.OK, 0).text(MetadataType.KEY, "key")));
        assertDenied(operation);
        client.send(RawClient.frame(w -> w.begin(operation, 0, 1, Status.OK, 0)));
        assertDenied(operation);
    }

    private void assertDenied(int operation) throws Exception {
        RawClient.Answer answer = client.receive();
        assertThat(answer.operation()).isEqualTo(operation);
        assertThat(answer.status()).isEqualTo(Status.DENIED);
        assertThat(answer.message()).isEqualTo(Operation.nameOf(operation) + " is not allowed on this socket");
        client.send(RawClient.ping(2));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    @Test
    void aPutIsDeniedBeforeItsBodyHasComeAndTheBodyIsPassedOver() throws Exception {
        client.send(RawClient.frame(w ->
                w.begin(Operation.PUT, Frame.MORE, 1, Status.OK, Limits.UNKNOWN).text(MetadataType.KEY, "key")));
        assertDenied(Operation.PUT);
        client.send(RawClient.frame(
                w -> w.begin(Operation.DATA, 0, 1, Status.OK, 0).body().put(new byte[100_000])));
        client.send(RawClient.frame(w -> w.begin(Operation.END, 0, 1, Status.OK, 0)));
        client.send(RawClient.ping(1));
        assertThat(client.receive().operation()).isEqualTo(Operation.PING);
        assertThat(store.metrics().text()).contains("objmapper_store_objects 0\n");
    }
}
