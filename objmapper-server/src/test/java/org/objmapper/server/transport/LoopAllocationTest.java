package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.ThreadMXBean;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.Features;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.badinput.DirectoryOnDisk;
import org.objmapper.server.store.StoreOptions;
import org.objmapper.server.store.TierOptions;
import org.objmapper.server.store.tier.Capacity;

/** A loop in its steady state allocates nothing for a GET, by whichever way the body goes. */
class LoopAllocationTest {
    private static final int BATCH = 16;
    private static final int ROUNDS = 625;
    /** A tenth of the smallest object for each of 10,000 GETs: pools may still grow by a piece when the turns fall otherwise. */
    private static final long ALLOWED_BYTES = 16_000;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir(factory = DirectoryOnDisk.class)
    Path directory;

    private ServerUnderTest server;

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(directory, ServerLimits.DEFAULTS, 1);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @ParameterizedTest
    @CsvSource({"COPY, 100", "FDPASS, 20000", "COPY, 20000", "SPLICE, 20000"})
    void tenThousandGetsAllocateNothing(Mode mode, int length) throws Exception {
        long loop = loopThread();
        try (RawClient client = RawClient.passing(server.socket, BATCH)) {
            client.send(RawClient.put(1, "key", new byte[length]));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            expectToAllocateNothing(loop, client, mode, Status.OK);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"COPY", "FDPASS", "SPLICE"})
    void tenThousandGetsOfACopyInMemoryAllocateNothing(Mode mode) throws Exception {
        server.close();
        StoreOptions options =
                StoreOptions.of(directory.resolve("data")).withTiers(TierOptions.ofMemory(Capacity.of(1 << 20)));
        server = new ServerUnderTest(directory, ServerLimits.DEFAULTS, 1, options);
        long loop = loopThread();
        try (RawClient client = RawClient.passing(server.socket, BATCH)) {
            client.send(RawClient.put(1, "key", new byte[20_000]));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            await().until(() -> {
                round(client, requests(mode), mode, Status.OK);
                return server.store.metrics().text().lines().anyMatch("objmapper_memory_promotions_total 1"::equals);
            });
            expectToAllocateNothing(loop, client, mode, Status.OK);
        }
    }

    @Test
    void tenThousandMissesAllocateNothing() throws Exception {
        long loop = loopThread();
        try (RawClient client = RawClient.passing(server.socket, BATCH)) {
            expectToAllocateNothing(loop, client, Mode.COPY, Status.NOT_FOUND);
        }
    }

    @ParameterizedTest
    @CsvSource({"fr, OK", "it, NOT_FOUND"})
    void tenThousandGetsOfAVariantAllocateNothing(String language, Status expected) throws Exception {
        long loop = loopThread();
        try (RawClient client = RawClient.granted(server.socket, Features.VARIANTS)) {
            for (String put : List.of("en", "fr", "de")) {
                client.send(RawClient.frame(w -> w.begin(Operation.PUT, 0, 1, Status.OK, 100)
                        .text(MetadataType.KEY, "key")
                        .bytes(MetadataType.VARIANT, RawClient.pair("accept-language", put))
                        .body()
                        .put(new byte[100])));
                assertThat(client.receive().status()).isEqualTo(Status.OK);
            }
            RawClient.Answer first = ask(client, "fr");
            assertThat(first.status()).isEqualTo(Status.OK);
            expectToAllocateNothing(loop, client, Mode.COPY, requests(language), expected);
        }
    }

    private static RawClient.Answer ask(RawClient client, String language) throws IOException {
        client.send(getOf(1, language));
        return client.receive();
    }

    private static ByteBuffer getOf(int id, String language) {
        return RawClient.frame(w -> w.begin(Operation.GET, 0, id, Status.OK, 0)
                .text(MetadataType.KEY, "key")
                .bytes(MetadataType.REQUEST_HEADER, RawClient.pair("accept-language", language)));
    }

    private static ByteBuffer requests(String language) {
        ByteBuffer all = ByteBuffer.allocate(BATCH * 256).order(ByteOrder.LITTLE_ENDIAN);
        for (int id = 1; id <= BATCH; id++) {
            all.put(getOf(id, language));
        }
        return all.flip();
    }

    private static void expectToAllocateNothing(long loop, RawClient client, Mode mode, Status expected)
            throws IOException {
        expectToAllocateNothing(loop, client, mode, requests(mode), expected);
    }

    private static void expectToAllocateNothing(
            long loop, RawClient client, Mode mode, ByteBuffer requests, Status expected) throws IOException {
        round(client, requests, mode, expected);
        fetch(client, requests, mode, expected);

        long before = THREADS.getThreadAllocatedBytes(loop);
        fetch(client, requests, mode, expected);
        assertThat(THREADS.getThreadAllocatedBytes(loop) - before)
                .as("bytes for %d GETs", BATCH * ROUNDS)
                .isBetween(0L, ALLOWED_BYTES);
    }

    private static ByteBuffer requests(Mode mode) {
        ByteBuffer all = ByteBuffer.allocate(BATCH * 256).order(ByteOrder.LITTLE_ENDIAN);
        for (int id = 1; id <= BATCH; id++) {
            all.put(RawClient.get(id, "key", mode));
        }
        return all.flip();
    }

    private static void fetch(RawClient client, ByteBuffer requests, Mode mode, Status expected) throws IOException {
        for (int i = 0; i < ROUNDS; i++) {
            round(client, requests, mode, expected);
        }
    }

    private static void round(RawClient client, ByteBuffer requests, Mode mode, Status expected) throws IOException {
        client.send(requests.duplicate());
        int answered = 0;
        while (answered < BATCH) {
            RawClient.Answer answer = client.receive();
            assertThat(answer.status()).isEqualTo(expected);
            answered += answer.more() || answer.operation() == Operation.DATA ? 0 : 1;
        }
        if (mode == Mode.FDPASS) {
            for (FileDescriptor descriptor : client.takeDescriptors()) {
                new FileInputStream(descriptor).close();
            }
        }
    }

    /** The server's one loop. */
    private static long loopThread() {
        long[] loops = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("loop-0"))
                .mapToLong(Thread::getId)
                .toArray();
        assertThat(loops).hasSize(1);
        return loops[0];
    }
}
