package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.objmapper.client.Body;
import org.objmapper.client.Durability;
import org.objmapper.client.GetOptions;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.ObjmapperException;
import org.objmapper.client.PutOptions;
import org.objmapper.client.StoredObject;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.Mode;

/** The Java client when much is asked at once, when calls are cancelled, and when its server is killed. */
class JavaClientFailureTest extends AgainstServer {
    private static final int IN_FLIGHT = Limits.MAX_REQUESTS_DEFAULT;
    private static final int OBJECTS = 500;
    private static final int LARGE = 3_000_000;
    private static final Duration LONG = Duration.ofMinutes(2);

    private ObjmapperClient.Builder builder() {
        return ObjmapperClient.builder(server.socket).poolSize(1).connectTimeoutMillis(LONG.toMillis());
    }

    private static byte[] body(int number) {
        byte[] body = new byte[Limits.INLINE_LIMIT_DEFAULT + 1 + number];
        new Random(number).nextBytes(body);
        return body;
    }

    private static PutOptions durable() {
        return new PutOptions().durability(Durability.DURABLE);
    }

    private static Key key(int number) {
        return Key.of("object/" + number);
    }

    private static void putAll(ObjmapperClient client) throws IOException {
        for (int i = 0; i < OBJECTS; i++) {
            client.put(key(i), Body.of(body(i)));
        }
    }

    private static void expect(int number, CompletableFuture<Optional<StoredObject>> answer) throws Exception {
        try (StoredObject object = answer.get().orElseThrow()) {
            assertThat(object.mode()).isEqualTo(Mode.FDPASS);
            assertThat(object.bytes()).isEqualTo(body(number));
        }
    }

    /** More descriptors at a time than one message takes, over and over on one session. */
    @Test
    void aBurstOfDescriptorsComesWholeAndInOrder() throws Exception {
        try (ObjmapperClient client = builder().mode(Mode.FDPASS).build()) {
            putAll(client);
            Queue<CompletableFuture<Optional<StoredObject>>> awaited = new ArrayDeque<>();
            for (int i = 0; i < OBJECTS + IN_FLIGHT; i++) {
                if (i >= IN_FLIGHT) {
                    expect(i - IN_FLIGHT, awaited.remove());
                }
                if (i < OBJECTS) {
                    awaited.add(client.getAsync(key(i), new GetOptions()));
                }
            }
        }
        assertThat(ownDescriptorsOfTheStore()).isZero();
    }

    @Test
    void cancelledCallsGiveTheirPlacesBackAndKeepNoDescriptor() throws Exception {
        try (ObjmapperClient client = builder().mode(Mode.FDPASS).build()) {
            putAll(client);
            for (int round = 0; round < 5; round++) {
                List<CompletableFuture<Optional<StoredObject>>> answers = new ArrayList<>();
                for (int i = 0; i < IN_FLIGHT; i++) {
                    answers.add(client.getAsync(key(i), new GetOptions()));
                }
                for (int i = 0; i < IN_FLIGHT; i += 2) {
                    if (!answers.get(i).cancel(false)) {
                        expect(i, answers.get(i)); // it was faster
                    }
                }
                for (int i = 1; i < IN_FLIGHT; i += 2) {
                    expect(i, answers.get(i));
                }
                client.ping();
                await().atMost(LONG).until(() -> ownDescriptorsOfTheStore() == 0);
            }
        }
    }

    /** What of the store's files this process has open. */
    private long ownDescriptorsOfTheStore() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(this::leadsIntoTheStore).count();
        }
    }

    private boolean leadsIntoTheStore(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).startsWith(directory.resolve("data"));
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }

    /** Readers never notice: what was half there is dropped, and asked for again as soon as there is a server. */
    @Test
    void readersOutliveAServerThatIsKilledInTheMiddleOfItsReplies() throws Exception {
        byte[] body = new byte[LARGE];
        new Random(LARGE).nextBytes(body);
        Key key = Key.of("large");
        AtomicInteger whole = new AtomicInteger();
        AtomicBoolean enough = new AtomicBoolean();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (ObjmapperClient client = builder().poolSize(2).mode(Mode.COPY).build()) {
            client.put(key, Body.of(body), durable());
            List<CompletableFuture<Void>> readers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                readers.add(CompletableFuture.runAsync(
                        () -> {
                            while (!enough.get()) {
                                expectLarge(client, key, body);
                                whole.incrementAndGet();
                            }
                        },
                        threads));
            }
            for (int kills = 0; kills < 2; kills++) {
                int before = whole.get();
                await().atMost(LONG).until(() -> whole.get() > before + 4);
                server.kill();
                server = RunningServer.in(directory);
            }
            int before = whole.get();
            await().atMost(LONG).until(() -> whole.get() > before + 4);
            enough.set(true);
            for (CompletableFuture<Void> reader : readers) {
                reader.get();
            }
        } finally {
            enough.set(true);
            threads.shutdown();
        }
    }

    private static void expectLarge(ObjmapperClient client, Key key, byte[] body) {
        try (StoredObject object = client.get(key).orElseThrow()) {
            assertThat(object.mode()).isEqualTo(Mode.COPY);
            assertThat(object.bytes()).isEqualTo(body);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aPutThatTheServersDeathCutsOffFailsAndTheOldObjectStays() throws Exception {
        Key key = Key.of("cut off");
        InputStream untilTheServerDies = new InputStream() {
            private int sent;

            @Override
            public int read() {
                return 'x';
            }

            @Override
            public int read(byte[] into, int start, int count) throws IOException {
                sent += count;
                if (sent > LARGE) {
                    server.kill();
                }
                return count;
            }
        };
        try (ObjmapperClient client = builder().build()) {
            client.put(key, Body.of(body(1)), durable());
            ObjmapperException failure =
                    catchThrowableOfType(ObjmapperException.class, () -> client.put(key, Body.of(untilTheServerDies)));
            assertThat(failure.status()).isEmpty();
            assertThat(failure.hadNoEffect()).isFalse();
            assertThat(failure).hasMessageContaining("PUT cut off").hasMessageContaining(server.socket.toString());
            server = RunningServer.in(directory);
            try (StoredObject old = client.get(key).orElseThrow()) {
                assertThat(old.bytes()).isEqualTo(body(1));
            }
        }
    }
}
