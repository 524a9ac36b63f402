package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Status;
import org.objmapper.server.transport.RawClient;

/** An object is at hand, and its device hangs; on the one event loop that there is the objects of another device are served. */
@Timeout(300) // a loop that hangs would have the test wait for ever
class HungHotObjectTest {
    private static final byte[] BODY = new byte[100_000];

    static {
        new Random(41).nextBytes(BODY);
    }

    @TempDir
    Path directory;

    private ServerOnFaultyDevice server;
    private FaultyFileSystem disk;
    private RawClient client;
    private RawClient other;
    private String onGood;
    private String onBad;
    private int id;

    @BeforeEach
    void start() throws Exception {
        server = new ServerOnFaultyDevice(directory, 1);
        disk = server.disk;
        client = RawClient.passing(server.socket, 1);
        other = RawClient.greeted(server.socket);
        for (int i = 0; onGood == null || onBad == null; i++) {
            String key = "key" + i;
            client.send(RawClient.putDurably(++id, key, BODY));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            if (server.hasOnFaulty(key)) {
                onBad = key;
            } else {
                onGood = key;
            }
        }
    }

    @AfterEach
    void stop() throws Exception {
        client.close();
        other.close();
        server.close();
    }

    /** Asks for the object on the device that will hang until it is at hand. */
    private void haveAtHand(Mode mode) throws Exception {
        for (int i = 0; i < 2; i++) {
            client.send(RawClient.get(++id, onBad, mode));
            assertGetsTheBody(mode);
        }
    }

    private void assertGetsTheBody(Mode mode) throws Exception {
        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).as(answer.message()).isEqualTo(Status.OK);
        if (mode == Mode.FDPASS) {
            assertThat(answer.u32(MetadataType.MODE)).isEqualTo(Mode.FDPASS.code());
            assertThat(read(client.takeDescriptors())).isEqualTo(BODY);
        } else {
            assertThat(client.receive().body()).isEqualTo(BODY);
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
    }

    private static byte[] read(FileDescriptor[] passed) throws IOException {
        assertThat(passed).hasSize(1);
        try (FileInputStream in = new FileInputStream(passed[0])) {
            return in.readAllBytes();
        }
    }

    /** A client that opened the object on the device that will hang: FUSE forgets the bytes of a file that is opened. */
    private RawClient whoHasItsBytesForgotten() throws Exception {
        RawClient opening = RawClient.passing(server.socket, 1);
        opening.send(RawClient.get(++id, onBad, Mode.FDPASS));
        assertThat(opening.receive().status()).isEqualTo(Status.OK);
        return opening;
    }

    private void askWhileReadsHang(Mode mode) throws Exception {
        disk.hang("read");
        client.send(RawClient.get(++id, onBad, mode));
        disk.awaitHanging("read");
    }

    private void assertTheOtherDeviceIsServed() throws Exception {
        other.send(RawClient.get(++id, onGood, Mode.COPY));
        assertThat(other.receive().status()).isEqualTo(Status.OK);
        assertThat(other.receive().body()).isEqualTo(BODY);
        assertThat(other.receive().status()).isEqualTo(Status.OK);
    }

    @ParameterizedTest
    @ValueSource(strings = {"open", "flush"})
    void aDescriptorThatCanNotBeOpenedOrClosedKeepsNobodyElseWaiting(String call) throws Exception {
        haveAtHand(Mode.FDPASS);
        disk.hang(call);

        client.send(RawClient.get(++id, onBad, Mode.FDPASS));
        disk.awaitHanging(call);
        assertTheOtherDeviceIsServed();

        disk.clear(call);
        assertGetsTheBody(Mode.FDPASS);
    }

    @Test
    void aDescriptorToShareThatCanNotBeOpenedKeepsNobodyElseWaiting() throws Exception {
        haveAtHand(Mode.FDPASS);
        try (RawClient sharing = RawClient.sharing(server.socket)) {
            disk.hang("open");
            sharing.send(RawClient.get(++id, onBad, Mode.FDPASS));
            disk.awaitHanging("open");
            assertTheOtherDeviceIsServed();

            disk.clear("open");
            assertThat(sharing.receive().status()).isEqualTo(Status.OK);
            assertThat(read(sharing.takeDescriptors())).isEqualTo(BODY);
        }
    }

    @Test
    void bytesThatLeftMemoryKeepNobodyElseWaiting() throws Exception {
        haveAtHand(Mode.SPLICE);
        try (RawClient opening = whoHasItsBytesForgotten()) {
            askWhileReadsHang(Mode.SPLICE);
            assertTheOtherDeviceIsServed();
        }
        disk.clear("read");
        assertGetsTheBody(Mode.SPLICE);
    }

    @Test
    void whoWaitsForADescriptorIsToldThatTheDeviceIsOffline() throws Exception {
        haveAtHand(Mode.FDPASS);
        disk.hang("open");
        client.send(RawClient.get(++id, onBad, Mode.FDPASS));
        disk.awaitHanging("open");

        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).isEqualTo(Status.IO_ERROR);
        assertThat(answer.message()).contains("the device is offline");
        assertTheOtherDeviceIsServed();

        disk.clear("open");
        await().atMost(Duration.ofMinutes(2)).untilAsserted(() -> haveAtHand(Mode.FDPASS));
    }

    @Test
    void whoWaitsForBytesIsToldThatTheyCanNotBeRead() throws Exception {
        haveAtHand(Mode.COPY);
        try (RawClient opening = whoHasItsBytesForgotten()) {
            askWhileReadsHang(Mode.COPY);

            assertThat(client.receive().status()).isEqualTo(Status.OK);
            assertThat(client.receive().body()).isEqualTo(new byte[BODY.length]);
            assertThat(client.receive().status()).isEqualTo(Status.IO_ERROR);
            assertTheOtherDeviceIsServed();
        }

        disk.clear("read");
        await().atMost(Duration.ofMinutes(2)).untilAsserted(() -> haveAtHand(Mode.FDPASS));
    }

    @Test
    void aClientThatLeavesMeanwhileLeavesNoDescriptorOpen() throws Exception {
        haveAtHand(Mode.FDPASS);
        assertTheOtherDeviceIsServed();
        long before = Descriptors.count();
        try (RawClient leaving = RawClient.passing(server.socket, 1)) {
            disk.hang("open");
            leaving.send(RawClient.get(++id, onBad, Mode.FDPASS));
            disk.awaitHanging("open");
        }
        assertTheOtherDeviceIsServed();
        disk.clear("open");
        await().atMost(Duration.ofMinutes(1))
                .untilAsserted(() -> assertThat(Descriptors.count()).isLessThanOrEqualTo(before));
    }
}
