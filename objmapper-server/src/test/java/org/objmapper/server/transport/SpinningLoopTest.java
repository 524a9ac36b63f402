package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Operation;

/** Loops that spin for as long as may be configured. */
class SpinningLoopTest {
    private static final long LONGEST_SPIN_NANOS = 1_000_000;
    private static final int SESSIONS = 100;
    private static final int PINGS = 5_000;

    @TempDir
    Path directory;

    private ServerUnderTest server;
    private final List<RawClient> clients = new ArrayList<>();

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(directory, new LoopOptions(2, ServerUnderTest.ENGINE, LONGEST_SPIN_NANOS));
        for (int i = 0; i < SESSIONS; i++) {
            clients.add(RawClient.greeted(server.socket));
        }
    }

    @AfterEach
    void stop() throws IOException {
        for (RawClient client : clients) {
            client.close();
        }
        server.close();
    }

    @Test
    void afterQuickRequestsAnIdleServerWithOpenSessionsUsesLessThanAHundredthOfAProcessor() throws Exception {
        for (int i = 0; i < PINGS; i++) {
            RawClient client = clients.get(i * 4 / PINGS); // one after another, so that it pays
            client.send(RawClient.ping(i + 1));
            assertThat(client.receive().operation()).isEqualTo(Operation.PING);
        }
        LoopTime time = new LoopTime();
        await().pollInterval(Duration.ofSeconds(1)).until(() -> time.shareSinceLastAsked() < 0.01);
    }

    /** The processor time of the server's loops. */
    private static final class LoopTime {
        private final List<Long> loops = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("loop-"))
                .map(Thread::getId)
                .toList();
        private long used = used();
        private long askedAt = System.nanoTime();

        private long used() {
            assertThat(loops).hasSize(2);
            return loops.stream()
                    .mapToLong(ManagementFactory.getThreadMXBean()::getThreadCpuTime)
                    .sum();
        }

        double shareSinceLastAsked() {
            long before = used;
            long then = askedAt;
            used = used();
            askedAt = System.nanoTime();
            return (double) (used - before) / (askedAt - then);
        }
    }
}
