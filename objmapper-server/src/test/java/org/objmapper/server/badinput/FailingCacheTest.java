package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.StoreOptions;
import org.objmapper.server.store.TierOptions;
import org.objmapper.server.store.tier.Capacity;
import org.objmapper.server.transport.RawClient;
import org.objmapper.server.transport.ServerUnderTest;

/** The cache directory is full, fails or hangs; the objects are none the worse for it. */
@Timeout(300)
class FailingCacheTest {
    private static final byte[] BODY = new byte[300_000];

    static {
        new Random(33).nextBytes(BODY);
    }

    @TempDir
    Path directory;

    private Path data;
    private Path source;
    private Path mounted;
    private FaultyFileSystem disk;
    private ServerUnderTest server;
    private RawClient client;
    private int id;

    @BeforeEach
    void mount() throws Exception {
        data = Files.createDirectory(directory.resolve("data"));
        source = Files.createDirectory(directory.resolve("source"));
        mounted = Files.createDirectory(directory.resolve("mounted"));
        disk = new FaultyFileSystem(source, mounted);
    }

    @AfterEach
    void stop() throws Exception {
        for (String call : new String[] {"open", "read", "create", "statfs", "lookup"}) {
            disk.clear(call);
        }
        stopServer();
        disk.close();
    }

    private void start(Path cache) throws Exception {
        startWithWhatIsThere(Files.createDirectories(cache));
    }

    private void startWithWhatIsThere(Path cache) throws Exception {
        TierOptions.CacheOptions options = new TierOptions.CacheOptions(cache, Capacity.of(64 << 20), 2, 64);
        server = new ServerUnderTest(
                directory, ServerUnderTest.LIMITS, 2, StoreOptions.of(data).withTiers(new TierOptions(null, options)));
        client = RawClient.greeted(server.socket);
    }

    private void stopServer() throws IOException {
        client.close();
        server.close();
    }

    private void put(String key) throws Exception {
        client.send(RawClient.putDurably(++id, key, BODY));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    /** Fetches an object, and returns what its END says; a body that is said to be whole is the right one. */
    private Status get(String key) throws IOException {
        client.send(RawClient.get(++id, key, Mode.COPY));
        RawClient.Answer frame = client.receive();
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        while (frame.status() == Status.OK && frame.operation() != Operation.END) {
            body.write(frame.body());
            frame = client.receive();
        }
        if (frame.status() == Status.OK) {
            assertThat(body.toByteArray()).isEqualTo(BODY);
        }
        return frame.status();
    }

    private long figure(String name) throws Exception {
        client.send(RawClient.frame(w -> w.begin(Operation.STAT, 0, ++id, Status.OK, 0)));
        return new String(client.receive().body(), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.startsWith("objmapper_cache_" + name + " "))
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1)))
                .findFirst()
                .orElseThrow();
    }

    private void promote(String key) {
        await().atMost(Duration.ofMinutes(1)).until(() -> {
            long before = figure("hits_total");
            assertThat(get(key)).isEqualTo(Status.OK);
            return figure("hits_total") > before;
        });
    }

    /** Nothing is at hand after that. */
    private void restartWithOneCopy() throws Exception {
        stopServer();
        start(mounted.resolve("cache"));
        await().until(() -> figure("objects") == 1);
    }

    @Test
    void aFullOneMakesRoomAndServesOn() throws Exception {
        try (SmallFileSystem small = new SmallFileSystem(directory.resolve("small"), "2m")) {
            start(small.root.resolve("cache"));
            for (int i = 0; i < 10; i++) {
                put("key" + i);
            }
            await().atMost(Duration.ofMinutes(1)).until(() -> {
                for (int i = 0; i < 10; i++) {
                    assertThat(get("key" + i)).isEqualTo(Status.OK);
                }
                return figure("evictions_no_space_total") > 0;
            });
            assertThat(figure("promotion_failures_total")).isPositive();
            stopServer();
        }
        start(mounted.resolve("other"));
        for (int i = 0; i < 10; i++) {
            assertThat(get("key" + i)).isEqualTo(Status.OK);
        }
    }

    @Test
    void whatCanNotBeOpenedThereIsReadFromItsDevice() throws Exception {
        start(mounted.resolve("cache"));
        put("key");
        promote("key");
        restartWithOneCopy();
        disk.fail("open", "EIO");

        assertThat(get("key")).isEqualTo(Status.OK);
        assertThat(figure("hits_total")).isZero();
    }

    @Test
    void afterAReadThatFailedTheDeviceIsRead() throws Exception {
        start(mounted.resolve("cache"));
        put("key");
        promote("key");
        restartWithOneCopy();
        disk.fail("read", "EIO");

        assertThat(get("key")).isEqualTo(Status.IO_ERROR);
        await().until(() -> get("key") == Status.OK);
        assertThat(get("key")).isEqualTo(Status.OK);
    }

    /** Has a copy of an object there, and the server stopped. */
    private Path cacheWithOneCopy() throws Exception {
        Path cache = mounted.resolve("cache");
        start(cache);
        put("key");
        promote("key");
        stopServer();
        return cache;
    }

    private void assertIsUsedAgain() {
        await().atMost(Duration.ofMinutes(1)).until(() -> figure("state") == 0);
        promote("key");
        await().atMost(Duration.ofMinutes(1)).until(() -> figure("objects") == 1);
    }

    @Test
    void oneThatHangsAtTheStartIsUsedWhenItGoesOn() throws Exception {
        Path cache = cacheWithOneCopy();
        disk.hang("lookup");

        startWithWhatIsThere(cache);
        assertThat(get("key")).isEqualTo(Status.OK);
        assertThat(figure("state")).isEqualTo(2);
        assertThat(figure("hits_total")).isZero();

        disk.clear("lookup");
        assertIsUsedAgain();
    }

    @Test
    void oneThatIsNotThereAtTheStartIsUsedWhenItIsBack() throws Exception {
        Path cache = cacheWithOneCopy();
        Files.move(source.resolve("cache"), source.resolve("away"));

        startWithWhatIsThere(cache);
        assertThat(get("key")).isEqualTo(Status.OK);
        assertThat(figure("state")).isEqualTo(2);
        assertThat(figure("objects")).isZero();

        Files.move(source.resolve("away"), source.resolve("cache"));
        assertIsUsedAgain();
    }

    @Test
    void itsErrorsAreCounted() throws Exception {
        start(mounted.resolve("cache"));
        put("key");
        long before = figure("errors_total");
        disk.fail("create", "EIO");

        await().atMost(Duration.ofMinutes(1)).until(() -> {
            assertThat(get("key")).isEqualTo(Status.OK);
            return figure("errors_total") > before;
        });
        assertThat(figure("latency_micros")).isNotNegative();
        assertThat(figure("queue")).isNotNegative();
    }

    @Test
    void aLookUpThatHangsThereGoesOnToTheDevice() throws Exception {
        start(mounted.resolve("cache"));
        put("key");
        put("other");
        promote("key");
        restartWithOneCopy();
        disk.hang("open");

        assertThat(get("other")).isEqualTo(Status.OK);
        assertThat(get("key")).isEqualTo(Status.OK);
        assertThat(get("other")).isEqualTo(Status.OK);
    }
}
