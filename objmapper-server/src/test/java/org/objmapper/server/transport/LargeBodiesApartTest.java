package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Status;

/** Two loops, each with a session that sends large bodies, and a session with small requests on one of them. */
class LargeBodiesApartTest extends AgainstServer {
    private static final byte[] LARGE = new byte[1_000_000];

    static {
        new Random(LARGE.length).nextBytes(LARGE);
    }

    private final AtomicBoolean enough = new AtomicBoolean();
    private final AtomicBoolean enoughSmall = new AtomicBoolean();
    private final List<CompletableFuture<Void>> clients = new ArrayList<>();

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"COPY", "SPLICE"})
    @Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void theyGatherOnOneLoopWhileTheOtherIsNeededAndSpreadOutAfterwards(Mode mode) throws Exception {
        try (RawClient client = RawClient.greeted(server.socket)) {
            client.send(RawClient.put(1, "large", LARGE));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
        await().until(() -> server.server.sessions() == 0);
        try {
            start(client -> getOverAndOver(client, mode));
            start(client -> getOverAndOver(client, mode));
            awaitLarge(1, 1);
            start(this::pingOverAndOver);
            awaitLarge(0, 2);
            enoughSmall.set(true);
            awaitLarge(1, 1);
        } finally {
            enough.set(true);
            enoughSmall.set(true);
        }
        CompletableFuture.allOf(clients.toArray(CompletableFuture[]::new)).get(30, TimeUnit.SECONDS);
    }

    /** Waits until the one loop sends so many large bodies, and the other so many. */
    private void awaitLarge(int fewer, int more) {
        SessionsAtWork atWork = server.server.atWork();
        await().atMost(60, TimeUnit.SECONDS).failFast(this::requireAlive).until(() -> List.of(fewer, more)
                .equals(Stream.of(atWork.large(0), atWork.large(1)).sorted().toList()));
    }

    /** Throws what a client met. */
    private void requireAlive() {
        clients.stream().filter(CompletableFuture::isCompletedExceptionally).forEach(CompletableFuture::join);
    }

    private interface Load {
        void run(RawClient client) throws IOException;
    }

    /** Its session is there, each on the loop with the fewest, when this returns. */
    private void start(Load load) throws IOException {
        RawClient client = RawClient.greeted(server.socket);
        clients.add(CompletableFuture.runAsync(
                () -> {
                    try (client) {
                        load.run(client);
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                },
                task -> new Thread(task).start()));
    }

    private void getOverAndOver(RawClient client, Mode mode) throws IOException {
        for (int id = 1; !enough.get(); id++) {
            client.send(RawClient.get(id, "large", mode));
            assertThat(client.receiveBody()).isEqualTo(LARGE);
        }
    }

    private void pingOverAndOver(RawClient client) throws IOException {
        for (int id = 1; !enoughSmall.get(); id++) {
            client.send(RawClient.ping(id));
            assertThat(client.receive().id()).isEqualTo(id);
        }
    }
}
