package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreOptions;

/** A defect that one session meets, or memory that runs out for it, ends that session and no other. */
class DefectTest {
    @TempDir
    Path directory;

    private final CountDownLatch loopIsHeld = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private Store store;
    private Server server;

    /** Rules that hold the loop up at a LIST, and fail at a STAT. */
    private final class FaultyOperations extends BitSet {
        private static final long serialVersionUID = 1;
        private final transient Throwable defect;

        private FaultyOperations(Throwable defect) {
            this.defect = defect;
            set(0, 256);
        }

        @Override
        public boolean get(int operation) {
            if (operation == Operation.LIST) {
                loopIsHeld.countDown();
                awaitRelease();
            }
            if (operation == Operation.STAT) {
                throwUnchecked(defect);
            }
            return true;
        }

        private void awaitRelease() {
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static void throwUnchecked(Throwable defect) {
        if (defect instanceof Error error) {
            throw error;
        }
        throw (RuntimeException) defect;
    }

    @AfterEach
    void stop() {
        goOn.countDown();
        server.close();
        store.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatTheOthersSentInTheSameTurnIsAnswered(boolean outOfMemory) throws Exception {
        Path socket = directory.resolve("s");
        store = Store.open(StoreOptions.of(Files.createDirectory(directory.resolve("data"))));
        Throwable defect = outOfMemory ? new OutOfMemoryError("made up") : new IllegalStateException("made up");
        ListenerRules rules = new ListenerRules(socket.toString(), new FaultyOperations(defect));
        server = new Server(
                ServerLimits.DEFAULTS, List.of(Listener.open(rules, null, null, 0600)), 1, () -> new Exchanges(store));
        server.start();
        try (RawClient holder = RawClient.greeted(socket);
                RawClient before = RawClient.greeted(socket);
                RawClient faulty = RawClient.greeted(socket);
                RawClient after = RawClient.greeted(socket)) {
            send(holder, Operation.LIST);
            loopIsHeld.await();
            send(before, Operation.PING);
            send(faulty, Operation.STAT);
            send(after, Operation.PING);
            try (RawClient fresh = new RawClient(socket)) {
                fresh.send(RawClient.hello());
                goOn.countDown();

                assertThat(before.receive().status()).isEqualTo(Status.OK);
                assertThat(after.receive().status()).isEqualTo(Status.OK);
                assertThat(fresh.receive().status()).isEqualTo(Status.OK);
                assertThat(faulty.isClosedByServer()).isTrue();
            }
        }
        await().until(() -> server.sessions() == 0);
    }

    private static void send(RawClient client, int operation) throws IOException {
        client.send(RawClient.frame(w -> w.begin(operation, 0, 1, Status.OK, 0)));
    }
}
