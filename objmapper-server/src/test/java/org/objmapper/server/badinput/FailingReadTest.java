package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.StoreOptions;
import org.objmapper.server.transport.RawClient;
import org.objmapper.server.transport.ServerUnderTest;

/** A disk fails beneath the bodies, and is sound again later. */
@Timeout(300)
class FailingReadTest {
    private static final byte[] BODY = new byte[900_000];

    static {
        new Random(31).nextBytes(BODY);
    }

    @TempDir
    Path directory;

    private FaultyFileSystem disk;
    private ServerUnderTest server;
    private RawClient client;
    private int id;

    @BeforeEach
    void start() throws Exception {
        Path source = Files.createDirectory(directory.resolve("source"));
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        disk = new FaultyFileSystem(source, mounted);
        server = new ServerUnderTest(
                directory, ServerUnderTest.LIMITS, 2, StoreOptions.of(Files.createDirectory(mounted.resolve("data"))));
        client = RawClient.passing(server.socket, 1);
        client.send(RawClient.putDurably(++id, "key", BODY));
        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).as(answer.message()).isEqualTo(Status.OK);
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
        disk.close();
    }

    @ParameterizedTest
    @EnumSource(names = {"COPY", "SPLICE"})
    void aBodyThatCannotBeReadToItsEndEndsWithIoErrorAndComesWholeLater(Mode mode) throws Exception {
        disk.failFrom("read", "EIO", BODY.length / 2);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        assertThat(fetch(mode, body)).isEqualTo(Status.IO_ERROR);
        int sound = BODY.length / 4;
        assertThat(Arrays.copyOf(body.toByteArray(), sound)).isEqualTo(Arrays.copyOf(BODY, sound));
        client.send(RawClient.ping(++id));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
        disk.clear("read");
        body.reset();
        assertThat(fetch(mode, body)).isEqualTo(Status.OK);
        assertThat(body.toByteArray()).isEqualTo(BODY);
    }

    /** Fetches the object, and returns what its END says. */
    private Status fetch(Mode mode, ByteArrayOutputStream body) throws IOException {
        client.send(RawClient.get(++id, "key", mode));
        RawClient.Answer frame = client.receive();
        assertThat(frame.status()).isEqualTo(Status.OK);
        while (frame.operation() != Operation.END) {
            body.write(frame.body());
            frame = client.receive();
        }
        return frame.status();
    }

    @Test
    void aPassedDescriptorFailsWhereItsReaderReadsAndItsSessionGoesOn() throws Exception {
        disk.fail("read", "EIO");
        try (FileInputStream failing = fetchDescriptor()) {
            assertThatThrownBy(failing::readAllBytes).hasMessageContaining("Input/output error");
            disk.clear("read");
        }
        try (FileInputStream sound = fetchDescriptor()) {
            assertThat(sound.readAllBytes()).isEqualTo(BODY);
        }
    }

    private FileInputStream fetchDescriptor() throws Exception {
        client.send(RawClient.get(++id, "key", Mode.FDPASS));
        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).as(answer.message()).isEqualTo(Status.OK);
        FileDescriptor[] passed = client.takeDescriptors();
        assertThat(passed).hasSize(1);
        return new FileInputStream(passed[0]);
    }

    @ParameterizedTest
    @EnumSource(names = {"FDPASS", "COPY", "SPLICE"})
    void aBodyThatCannotBeOpenedIsAnsweredWithIoErrorAndComesLater(Mode mode) throws Exception {
        disk.fail("open", "EIO");
        client.send(RawClient.get(++id, "key", mode));
        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).isEqualTo(Status.IO_ERROR);
        assertThat(answer.message()).contains("Input/output error");
        disk.clear("open");
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        assertThat(fetch(Mode.COPY, body)).isEqualTo(Status.OK);
        assertThat(body.toByteArray()).isEqualTo(BODY);
    }

    @Test
    void aBodyAtHandThatCannotBeOpenedAnewComesByCopy() throws Exception {
        assertThat(fetch(Mode.COPY, new ByteArrayOutputStream())).isEqualTo(Status.OK);
        disk.fail("open", "EIO");
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        assertThat(fetch(Mode.FDPASS, body)).isEqualTo(Status.OK);
        assertThat(body.toByteArray()).isEqualTo(BODY);
        disk.clear("open");
        try (FileInputStream sound = fetchDescriptor()) {
            assertThat(sound.readAllBytes()).isEqualTo(BODY);
        }
    }
}
