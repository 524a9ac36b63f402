package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** An IO_ERROR names the device that failed (protocol-spec.md 3.6). */
class IoErrorTest {
    private static final int LENGTH = 900_000;

    @TempDir
    Path directory;

    private ServerUnderTest server;
    private RawClient client;

    @BeforeEach
    void start() throws IOException {
        server = new ServerUnderTest(directory, ServerLimits.DEFAULTS, 1);
        client = RawClient.greeted(server.socket);
        client.send(RawClient.frame(w -> w.begin(Operation.PUT, 0, 1, Status.OK, LENGTH)
                .text(MetadataType.KEY, "key")
                .u32(MetadataType.DURABILITY, 1)
                .body()
                .put(new byte[LENGTH])));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
    }

    @Test
    void aGetOfAnObjectThatCannotBeOpenedNamesTheDevice() throws Exception {
        Path shard = server.data.resolve("objects").relativize(objectFile()).getName(0);
        Path there = server.data.resolve("objects").resolve(shard);
        Files.move(there, directory.resolve("aside"));
        Files.createFile(there); // a file where a directory should be
        client.send(get());
        RawClient.Answer answer = client.receive();

        assertThat(answer.status()).isEqualTo(Status.IO_ERROR);
        assertThat(device(answer)).isEqualTo(idOfDirectory());
    }

    @Test
    void theEndOfABodyThatCouldNotBeReadNamesTheDevice() throws Exception {
        Path file = objectFile();
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(LENGTH / 2);
        }
        client.send(get());
        assertThat(client.receive().status()).isEqualTo(Status.OK);
        RawClient.Answer answer = client.receive();
        while (answer.operation() == Operation.DATA) {
            answer = client.receive();
        }

        assertThat(answer.operation()).isEqualTo(Operation.END);
        assertThat(answer.status()).isEqualTo(Status.IO_ERROR);
        assertThat(device(answer)).isEqualTo(idOfDirectory());
    }

    @Test
    void aRangeInsideTheReplyThatCannotBeReadEndsTheSessionBeforeTheReplyIsWhole() throws Exception {
        Path file = objectFile();
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(LENGTH / 2);
        }
        client.send(RawClient.frame(w -> w.begin(Operation.GET, 0, 2, Status.OK, 0)
                .text(MetadataType.KEY, "key")
                .pair(MetadataType.RANGE, LENGTH - 100, 100)));

        assertThatExceptionOfType(EOFException.class).isThrownBy(client::receive);
        try (RawClient other = RawClient.greeted(directory.resolve("s"))) {
            other.send(RawClient.ping(1));
            assertThat(other.receive().status()).isEqualTo(Status.OK);
        }
    }

    private Path objectFile() throws IOException {
        try (Stream<Path> files = Files.walk(server.data.resolve("objects"))) {
            return files.filter(Files::isRegularFile).findFirst().orElseThrow();
        }
    }

    private String idOfDirectory() throws IOException {
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(server.data.resolve("id"))) {
            properties.load(reader);
        }
        return properties.getProperty("id");
    }

    private static ByteBuffer get() {
        return RawClient.frame(w -> w.begin(Operation.GET, 0, 2, Status.OK, 0)
                .text(MetadataType.KEY, "key")
                .u32(MetadataType.MODE, Mode.COPY.code()));
    }

    private static String device(RawClient.Answer answer) throws Exception {
        MetadataReader reader = new MetadataReader()
                .wrap(answer.metadata(), 0, answer.metadata().limit());
        return reader.find(MetadataType.DEVICE) ? reader.text() : "none";
    }
}
