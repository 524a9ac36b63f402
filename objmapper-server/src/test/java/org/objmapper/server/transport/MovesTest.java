package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;

/** Sessions whose clients say where they run, on a machine whose processors all have something to do. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MovesTest extends AgainstServer {
    private static final int CLIENTS = 8;
    private static final int ENOUGH_MOVES = 20;
    private static final int ENOUGH_MOVES_OF_ONE = 4;
    private static final int LENGTH = 10_000;
    private static final int STAY = 5 * ClientProcessor.SURE;

    private final AtomicBoolean enough = new AtomicBoolean();
    private final List<Thread> busy = new ArrayList<>();
    private int first;
    private int second;

    @BeforeEach
    void keepProcessorsBusy() throws Exception {
        first = processorOfLoop(0);
        second = processorOfLoop(1);
        assumeTrue(first != second, "all loops run on one processor");
        for (int i = 0; i <= Runtime.getRuntime().availableProcessors(); i++) {
            Thread thread = new Thread(() -> {
                while (!enough.get()) {
                    Thread.onSpinWait();
                }
            });
            thread.start();
            busy.add(thread);
        }
    }

    @AfterEach
    void letProcessorsBe() throws InterruptedException {
        enough.set(true);
        for (Thread thread : busy) {
            thread.join();
        }
    }

    @Test
    void aSessionFollowsItsClientAndAllIsAnswered() throws Exception {
        byte[] body = new byte[LENGTH];
        try (RawClient client = RawClient.passing(server.socket, 1)) {
            for (int id = 1; server.server.moves() < ENOUGH_MOVES_OF_ONE; id += 3) {
                int processor = processorAt(id / 3, 0);
                body[0]++;
                client.send(from(processor, RawClient.put(id, "key", body)));
                client.send(from(processor, RawClient.get(id + 1, "key", Mode.COPY)));
                assertThat(client.receive().id()).isEqualTo(id);
                assertThat(client.receiveBody()).isEqualTo(body);
                client.send(RawClient.get(id + 2, "key", Mode.FDPASS));
                assertThat(client.receive().id()).isEqualTo(id + 2);
                FileDescriptor[] passed = client.takeDescriptors();
                assertThat(passed).hasSize(1);
                try (FileInputStream file = new FileInputStream(passed[0])) {
                    assertThat(file.readAllBytes()).isEqualTo(body);
                }
            }
        }
    }

    @Test
    void aDrainMissesNoneThatIsOnItsWay() throws Exception {
        List<CompletableFuture<Void>> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            int seed = i;
            clients.add(CompletableFuture.runAsync(
                    () -> goBackAndForthUntilGoodbye(seed), client -> new Thread(client).start()));
        }
        await().atMost(60, TimeUnit.SECONDS).until(() -> server.server.moves() >= ENOUGH_MOVES);
        assertThat(server.server.drain()).isEqualTo(new Server.GivenUp(0, 0));
        CompletableFuture.allOf(clients.toArray(CompletableFuture[]::new)).get(30, TimeUnit.SECONDS);
        assertThat(server.server.sessions()).isZero();
    }

    private void goBackAndForthUntilGoodbye(int seed) {
        try (RawClient client = RawClient.greeted(server.socket)) {
            int operation = Operation.PING;
            for (int id = 1; operation != Operation.GOODBYE; id++) {
                try {
                    client.send(from(processorAt(id, seed), RawClient.ping(id)));
                } catch (IOException e) {
                    assertThat(client.receive().operation()).isEqualTo(Operation.GOODBYE); // it came before the end
                    return;
                }
                operation = client.receive().operation();
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Where a client is that has sent so many requests: it stays for a while, and goes to the other. */
    private int processorAt(int requests, int seed) {
        return (requests / STAY + seed) % 2 == 0 ? first : second;
    }

    private static ByteBuffer from(int processor, ByteBuffer request) {
        new FrameWriter().wrap(request).processor(processor + 1);
        return request;
    }

    private static int processorOfLoop(int index) throws Exception {
        return CompletableFuture.supplyAsync(() -> NativeIo.pin(index), pinned -> new Thread(pinned).start())
                .get();
    }
}
