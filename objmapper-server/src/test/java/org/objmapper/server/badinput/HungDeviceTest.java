package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.transport.RawClient;

/** One of two devices fails or hangs; the objects on the other are none the worse for it. */
@Timeout(300)
class HungDeviceTest {
    private static final byte[] BODY = new byte[8_192];
    private static final int KEYS = 40;
    private static final int ROUNDS = 200;
    private static final List<String> CALLS = List.of("create", "write", "fsync", "link", "open", "read", "statfs");

    static {
        new Random(32).nextBytes(BODY);
    }

    @TempDir
    Path directory;

    private final List<String> onGood = new ArrayList<>();
    private final List<String> onBad = new ArrayList<>();
    private ServerOnFaultyDevice server;
    private FaultyFileSystem disk;
    private RawClient client;
    private int id;

    @BeforeEach
    void start() throws Exception {
        server = new ServerOnFaultyDevice(directory, 2);
        disk = server.disk;
        client = RawClient.greeted(server.socket);
        for (int i = 0; i < KEYS; i++) {
            assertThat(put(client, "key" + i)).isEqualTo(Status.OK);
        }
        for (int i = 0; i < KEYS; i++) {
            (server.hasOnFaulty("key" + i) ? onBad : onGood).add("key" + i);
        }
        assertThat(onGood).isNotEmpty();
        assertThat(onBad).hasSizeGreaterThan(2);
    }

    @AfterEach
    void stop() throws Exception {
        client.close();
        server.close();
    }

    private Status put(RawClient by, String key) throws Exception {
        by.send(RawClient.putDurably(++id, key, BODY));
        return by.receive().status();
    }

    /** The body; in its place the message of a refusal. */
    private byte[] get(String key) throws Exception {
        client.send(RawClient.get(++id, key, Mode.COPY));
        RawClient.Answer frame = client.receive();
        if (frame.status() != Status.OK) {
            return (frame.status() + ": " + frame.message()).getBytes(StandardCharsets.UTF_8);
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        while (frame.operation() != Operation.END) {
            body.write(frame.body());
            frame = client.receive();
        }
        return body.toByteArray();
    }

    /** How long it takes to get and put what is on the good device: the 99th percentile, in microseconds. */
    private long p99OfTheGoodDevice() throws Exception {
        long[] nanos = new long[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            String key = onGood.get(i % onGood.size());
            long start = System.nanoTime();
            assertThat(get(key)).isEqualTo(BODY);
            assertThat(put(client, key)).isEqualTo(Status.OK);
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        return nanos[ROUNDS * 99 / 100] / 1_000;
    }

    @Test
    void whileOneDeviceHangsTheObjectsOfTheOtherAreServedAndItsOwnAnswerIoErrorUntilItIsBack() throws Exception {
        long before = p99OfTheGoodDevice();
        for (String call : CALLS) {
            disk.hang(call);
        }
        try (RawClient stuck = RawClient.greeted(server.socket)) {
            stuck.send(RawClient.putDurably(++id, onBad.get(0), BODY));
            stuck.send(RawClient.get(++id, onBad.get(1), Mode.COPY));
            disk.awaitHanging();
            long during = p99OfTheGoodDevice();
            System.out.println("HungDeviceTest: p99 of a GET and a durable PUT on the other device, in microseconds: "
                    + before + " before, " + during + " while one device hangs");

            await().atMost(Duration.ofMinutes(1))
                    .untilAsserted(() -> assertThat(new String(get(onBad.get(2)), StandardCharsets.UTF_8))
                            .startsWith("IO_ERROR: ")
                            .contains("the device is offline"));
            for (int i = 0; i < KEYS; i++) {
                assertThat(put(client, "new" + i)).isEqualTo(Status.OK);
            }
            disk.clearAll();
            await().atMost(Duration.ofMinutes(2))
                    .untilAsserted(() -> assertThat(get(onBad.get(2))).isEqualTo(BODY));
        }
    }

    @Test
    void aDeviceThatFailsGetsNoNewBodies() throws Exception {
        disk.fail("create", "EIO");
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
            for (int i = 0; i < KEYS; i++) {
                assertThat(put(client, "new" + i)).isEqualTo(Status.OK);
            }
        });
        for (String key : onGood) {
            assertThat(get(key)).isEqualTo(BODY);
        }
    }

    @Test
    void aDeviceThatIsReadOnlyIsReadAndGetsNoNewBodies() throws Exception {
        disk.fail("create", "EROFS");
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
            for (int i = 0; i < KEYS; i++) {
                assertThat(put(client, "new" + i)).isEqualTo(Status.OK);
            }
        });
        for (String key : onBad) {
            assertThat(get(key)).isEqualTo(BODY);
        }
    }
}
