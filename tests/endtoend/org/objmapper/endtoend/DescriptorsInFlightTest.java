package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/**
 * A server whose user may have few descriptors in flight (protocol-spec.md 1.9). The kernel does not hold privileged processes to that:
 * as root, this runs the server as nobody.
 */
class DescriptorsInFlightTest {
    private static final int OPEN_FILES = 256;
    /** Each may leave a sixteenth of the limit unread. */
    private static final int DEAF_SESSIONS = 24;

    private static final int FEW_DEAF_SESSIONS = 8;

    private static final int REQUESTS = 64;
    private static final byte[] BODY = new byte[100_000];

    static {
        new Random(19).nextBytes(BODY);
    }

    @TempDir
    private Path directory;

    private RunningServer server;

    @BeforeEach
    void start() throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path data = Files.createDirectory(directory.resolve("data"));
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxrwxrwx"));
        List<String> program = new ArrayList<>(List.of("prlimit", "--nofile=" + OPEN_FILES));
        if ((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0) {
            program.addAll(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
        }
        program.add(Distribution.copyTo(directory.resolve("dist"))
                .resolve("bin/objmapperd")
                .toString());
        server = RunningServer.in(directory, program);
        try (Client client = new Client(server.socket, false)) {
            client.put("key", 1);
        }
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
    }

    @Test
    void bodiesGoByCopyWhileTooManyDescriptorsAreUnread() throws Exception {
        List<Client> deaf = new ArrayList<>();
        try (Client honest = new Client(server.socket, false)) {
            assertThat(honest.get(1)).isEqualTo(Mode.FDPASS);
            addDeaf(deaf, FEW_DEAF_SESSIONS);
            assertThat(honest.get(2)).isEqualTo(Mode.FDPASS);
            addDeaf(deaf, DEAF_SESSIONS - FEW_DEAF_SESSIONS);
            await().until(() -> honest.get(3) == Mode.COPY);
            for (Client client : deaf) { // who listens at last has lost nothing
                for (int id = 1; id <= REQUESTS; id++) {
                    client.receiveBody();
                }
            }
            await().until(() -> honest.get(4) == Mode.FDPASS);
        } finally {
            for (Client client : deaf) {
                client.close();
            }
        }
    }

    @Test
    void repliesGoByCopyInTheirOrderWhereThatWasGranted() throws Exception {
        List<Client> deaf = new ArrayList<>();
        try (Client ordered = new Client(server.socket, true)) {
            addDeaf(deaf, DEAF_SESSIONS);
            await().until(() -> ordered.get(1) == Mode.COPY);
            for (int id = 2; id <= REQUESTS; id += 2) {
                ordered.sendGet("key", id);
                int next = id + 1;
                ordered.send(w -> w.begin(Operation.PING, 0, next, Status.OK, 0));
            }
            for (int id = 2; id <= REQUESTS; id += 2) {
                assertThat(ordered.receiveBody().id()).isEqualTo(id);
                assertThat(ordered.receive().id()).isEqualTo(id + 1);
            }
        } finally {
            for (Client client : deaf) {
                client.close();
            }
        }
    }

    /** Sessions that ask for many descriptors and read nothing; the first of their answers have been sent when this returns. */
    private void addDeaf(List<Client> deaf, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            Client client = new Client(server.socket, false);
            deaf.add(client);
            client.sendGetsAtOnce("key", REQUESTS);
            client.awaitAnswer();
        }
    }

    @Test
    void aServerWithoutAFreeDescriptorServesEveryObject() throws Exception {
        try (Client client = new Client(server.socket, false)) {
            for (int id = 1; id <= OPEN_FILES + 50; id++) {
                client.put("key" + id, id);
            }
            for (int id = 1; id <= OPEN_FILES + 50; id++) {
                client.sendGet("key" + id, id);
                client.receiveBody();
            }
        }
        assertThat(server.descriptorCount()).isLessThanOrEqualTo(OPEN_FILES);
    }

    /** What there is of a frame. */
    private record Answer(int operation, int id, Status status, boolean more, Mode mode, String message, byte[] body) {}

    /** A client that says that it takes descriptors, and closes those that come. */
    private static final class Client implements AutoCloseable {
        private final SocketChannel channel;
        private final DataInputStream input;

        Client(Path socket, boolean ordered) throws Exception {
            channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
            input = new DataInputStream(Channels.newInputStream(channel));
            send(w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC)
                    .versions(1, 1)
                    .u32(MetadataType.MAX_MESSAGE_DESCRIPTORS, 253)
                    .u32(MetadataType.MAX_QUEUED_DESCRIPTORS, 1_024)
                    .u32(MetadataType.ORDERED, ordered ? 1 : 0));
            receive();
        }

        void send(Consumer<FrameWriter> content) throws IOException {
            ByteBuffer buffer = ByteBuffer.allocate(BODY.length + 4_096).order(ByteOrder.LITTLE_ENDIAN);
            FrameWriter writer = new FrameWriter().wrap(buffer);
            content.accept(writer);
            writer.end();
            buffer.flip();
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }

        void put(String key, int id) throws Exception {
            send(w -> w.begin(Operation.PUT, 0, id, Status.OK, BODY.length)
                    .text(MetadataType.KEY, key)
                    .u32(MetadataType.DURABILITY, 1)
                    .body()
                    .put(BODY));
            Answer answer = receive();
            assertThat(answer.status()).as(answer.message()).isEqualTo(Status.OK);
        }

        /** In one piece, so that the server answers with as many descriptors as it lets a session leave unread. */
        void sendGetsAtOnce(String key, int count) throws IOException {
            ByteBuffer buffer = ByteBuffer.allocate(count * 128).order(ByteOrder.LITTLE_ENDIAN);
            FrameWriter writer = new FrameWriter().wrap(buffer);
            for (int id = 1; id <= count; id++) {
                writer.begin(Operation.GET, 0, id, Status.OK, 0)
                        .text(MetadataType.KEY, key)
                        .u32(MetadataType.MODE, Mode.FDPASS.code());
                writer.end();
            }
            buffer.flip();
            channel.write(buffer);
            assertThat(buffer.hasRemaining()).isFalse();
        }

        void sendGet(String key, int id) throws IOException {
            send(w -> w.begin(Operation.GET, 0, id, Status.OK, 0)
                    .text(MetadataType.KEY, key)
                    .u32(MetadataType.MODE, Mode.FDPASS.code()));
        }

        /** Fetches the object, and says how it came. */
        Mode get(int id) throws Exception {
            sendGet("key", id);
            return receiveBody().mode();
        }

        /** Waits until there is something to read, and leaves it there. */
        void awaitAnswer() throws IOException {
            channel.configureBlocking(false);
            try (Selector selector = Selector.open()) {
                channel.register(selector, SelectionKey.OP_READ);
                while (selector.select() == 0) {
                    // woken for another reason
                }
            }
            channel.configureBlocking(true);
        }

        /** The reply to a GET, and the body behind it, which must be whole. */
        Answer receiveBody() throws Exception {
            Answer reply = receive();
            assertThat(reply.status()).as(reply.message()).isEqualTo(Status.OK);
            assertThat(reply.more()).isEqualTo(reply.mode() == Mode.COPY);
            if (!reply.more()) {
                return reply;
            }
            ByteBuffer body = ByteBuffer.allocate(BODY.length);
            Answer frame = receive();
            while (frame.operation() == Operation.DATA) {
                assertThat(frame.id()).isEqualTo(reply.id());
                body.put(frame.body());
                frame = receive();
            }
            assertThat(frame.operation()).isEqualTo(Operation.END);
            assertThat(frame.status()).isEqualTo(Status.OK);
            assertThat(body.array()).isEqualTo(BODY);
            return reply;
        }

        Answer receive() throws Exception {
            byte[] header = new byte[Limits.HEADER];
            input.readFully(header);
            ByteBuffer bytes = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
            Frame frame = new Frame().wrap(bytes, 0);
            frame.validate(Limits.MAX_FRAME_DEFAULT);
            ByteBuffer metadata =
                    ByteBuffer.wrap(input.readNBytes(frame.metadataLength())).order(ByteOrder.LITTLE_ENDIAN);
            byte[] body = input.readNBytes(frame.bodyLength());
            MetadataReader reader = new MetadataReader().wrap(metadata, 0, metadata.limit());
            Mode mode = reader.find(MetadataType.MODE) ? Mode.of(reader.u32()) : Mode.INLINE;
            assertThat(reader.find(MetadataType.DESCRIPTOR_RANGE))
                    .isEqualTo(frame.operation() == Operation.GET && mode == Mode.FDPASS);
            assertThat(frame.descriptors())
                    .isEqualTo(mode == Mode.FDPASS && frame.operation() == Operation.GET ? 1 : 0);
            String message = reader.find(MetadataType.MESSAGE) ? reader.text() : "";
            return new Answer(
                    frame.operation(),
                    frame.requestId(),
                    Status.of(frame.status()),
                    frame.hasMore(),
                    mode,
                    message,
                    body);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
