package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.StoreOptions;
import org.objmapper.server.transport.RawClient;
import org.objmapper.server.transport.ServerUnderTest;

/** Whatever a client passes, wherever: it is taken whole or refused, and nobody else notices. */
class PassedDescriptorTest {
    private static final byte[] OLD = {1, 2, 3};
    private static final int LENGTH = 100_000;

    @TempDir
    Path directory;

    private final Descriptors descriptors = new Descriptors();
    private ServerUnderTest server;
    private RawClient other;

    /** What can't be a body. */
    enum Unfit {
        PIPE,
        DIRECTORY,
        SOCKET,
        DEVICE,
        EVENT,
        PATH_ONLY,
        WRITE_ONLY,
        LONGER,
        SHORTER,
        OF_ANOTHER_FILE_SYSTEM
    }

    @BeforeEach
    void start() throws IOException {
        int uid = (Integer) Files.getAttribute(directory, "unix:uid");
        server = new ServerUnderTest(
                directory,
                ServerUnderTest.LIMITS,
                2,
                StoreOptions.of(Files.createDirectory(directory.resolve("data")))
                        .withPassedDescriptorUids(Set.of(uid)));
        other = RawClient.greeted(server.socket);
        other.send(RawClient.put(1, "key", OLD));
        assertThat(other.receive().status()).isEqualTo(Status.OK);
    }

    @AfterEach
    void stop() throws IOException {
        other.send(RawClient.get(2, "key"));
        assertThat(other.receive().body()).as("what was there before").isEqualTo(OLD);
        other.close();
        descriptors.close();
        server.close();
    }

    @ParameterizedTest
    @EnumSource
    void whatCannotBeABodyIsRefusedAndTheSessionGoesOn(Unfit unfit) throws Exception {
        int descriptor = descriptor(unfit);
        long before = Descriptors.count();
        try (RawClient client = RawClient.passing(server.socket, 1)) {
            for (int id = 1; id <= 20; id++) {
                client.sendWith(RawClient.putDescriptor(id, "key", LENGTH), descriptor);
                RawClient.Answer answer = client.receive();
                assertThat(answer.status()).as(answer.message()).isEqualTo(Status.BAD_DESCRIPTOR);
                assertThat(answer.message()).contains("the passed descriptor can't be taken: it ");
            }
            client.send(RawClient.ping(99));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
        assertNoneIsLeft(before);
    }

    @Test
    void aClientThatPassesItsOwnSocketAndDiesIsNotKeptAliveByIt() throws Exception {
        int before = server.server.sessions();
        for (int i = 0; i < 5; i++) {
            try (RawClient doomed = RawClient.passing(server.socket, 1)) {
                doomed.sendWith(RawClient.ping(1), doomed.socket(), doomed.socket());
                assertThat(doomed.receive().status()).isEqualTo(Status.OK);
            }
        }
        await().until(() -> server.server.sessions() == before);
    }

    @Test
    void aFileThatIsReadPastTheCacheIsRefused() throws Exception {
        int direct = descriptors.open(file(LENGTH), Descriptors.DIRECT);
        try (RawClient client = RawClient.passing(server.socket, 1)) {
            client.sendWith(RawClient.putDescriptor(1, "key", LENGTH), direct);
            RawClient.Answer answer = client.receive();
            assertThat(answer.status()).as(answer.message()).isEqualTo(Status.BAD_DESCRIPTOR);
            assertThat(answer.message()).contains("O_DIRECT");
        }
    }

    private int descriptor(Unfit unfit) throws Exception {
        return switch (unfit) {
            case PIPE -> {
                Path fifo = directory.resolve("fifo");
                assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor())
                        .isZero();
                yield descriptors.open(fifo, Descriptors.READ_WRITE | Descriptors.NON_BLOCKING);
            }
            case DIRECTORY -> descriptors.open(directory, Descriptors.READ_ONLY);
            case SOCKET ->
                descriptors.keep(
                        NativeIo.listen(directory.resolve("l").toString().getBytes(), 1));
            case DEVICE -> descriptors.open(Path.of("/dev/zero"), Descriptors.READ_ONLY);
            case EVENT -> descriptors.keep(NativeIo.eventfd());
            case PATH_ONLY -> descriptors.open(file(LENGTH), Descriptors.PATH_ONLY);
            case WRITE_ONLY -> descriptors.open(file(LENGTH), Descriptors.WRITE_ONLY);
            case LONGER -> descriptors.open(file(LENGTH + 1), Descriptors.READ_ONLY);
            case SHORTER -> descriptors.open(file(LENGTH - 1), Descriptors.READ_ONLY);
            case OF_ANOTHER_FILE_SYSTEM -> descriptors.open(Path.of("/proc/self/status"), Descriptors.READ_ONLY);
        };
    }

    private static byte[] body(int length) {
        byte[] body = new byte[length];
        new Random(length).nextBytes(body);
        return body;
    }

    private Path file(int length) throws IOException {
        return Files.write(directory.resolve("file"), body(length));
    }

    private void assertNoneIsLeft(long before) {
        await().untilAsserted(() -> assertThat(Descriptors.count()).isLessThanOrEqualTo(before));
    }

    @Test
    void aFileThatGrowsWhileItIsCopiedIsRefusedOrTakenAsLongAsItWasSaidToBe() throws Exception {
        Path file = file(LENGTH);
        AtomicBoolean enough = new AtomicBoolean();
        Thread writer = new Thread(() -> append(file, enough));
        writer.start();
        try (RawClient client = RawClient.passing(server.socket, 1)) {
            for (int id = 1; id < 60; id += 2) {
                long length = Files.size(file);
                client.sendWith(
                        RawClient.putDescriptor(id, "growing", length), descriptors.open(file, Descriptors.READ_ONLY));
                RawClient.Answer answer = client.receive();
                descriptors.close();
                assertThat(answer.status()).as(answer.message()).isIn(Status.OK, Status.BAD_DESCRIPTOR);
                if (answer.status() == Status.OK) {
                    client.send(RawClient.get(id + 1, "growing", Mode.COPY));
                    assertThat(wholeBody(client)).isEqualTo(prefix(file, (int) length));
                }
            }
        } finally {
            enough.set(true);
            writer.join();
        }
    }

    private static void append(Path file, AtomicBoolean enough) {
        byte[] more = body(1_000);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.APPEND)) {
            while (!enough.get() && channel.size() < 3_000_000) {
                channel.write(ByteBuffer.wrap(more));
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] prefix(Path file, int length) throws IOException {
        return Arrays.copyOf(Files.readAllBytes(file), length);
    }

    private static byte[] wholeBody(RawClient client) throws IOException {
        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).isEqualTo(Status.OK);
        ByteBuffer body = ByteBuffer.allocate((int) answer.objectLength());
        while (answer.operation() != Operation.END) {
            body.put(answer.body());
            answer = client.receive();
        }
        assertThat(answer.status()).isEqualTo(Status.OK);
        assertThat(body.hasRemaining()).isFalse();
        return body.array();
    }

    @Test
    void aDescriptorWithARequestThatTakesNoneEndsItsSessionOnly() throws Exception {
        long before = Descriptors.count();
        int descriptor = descriptors.sealed(body(LENGTH));
        for (int operation : new int[] {
            Operation.GET, Operation.HEAD, Operation.DELETE, Operation.LIST, Operation.PURGE, Operation.TOUCH,
            Operation.STAT, Operation.PING, Operation.CANCEL, Operation.GOODBYE, Operation.DATA, Operation.END
        }) {
            try (RawClient client = RawClient.passing(server.socket, 1)) {
                client.sendWith(
                        RawClient.frame(w -> w.begin(operation, 0, 1, Status.OK, 0)
                                .descriptors(1)
                                .text(MetadataType.KEY, "key")),
                        descriptor);
                assertEnded(client, Operation.nameOf(operation));
            }
        }
        descriptors.close();
        assertNoneIsLeft(before);
    }

    private static void assertEnded(RawClient client, String what) throws Exception {
        RawClient.Answer answer = client.receive();
        assertThat(answer.operation()).as(what).isEqualTo(Operation.ERROR);
        assertThat(answer.status()).as(what).isEqualTo(Status.MALFORMED);
        assertThat(answer.clause()).as(what).isEqualTo("1.5");
        assertThat(client.isClosedByServer()).as(what).isTrue();
    }

    @Test
    void aPutThatClaimsMoreThanOneDescriptorEndsItsSessionOnly() throws Exception {
        long before = Descriptors.count();
        int descriptor = descriptors.sealed(body(LENGTH));
        try (RawClient client = RawClient.passing(server.socket, 1)) {
            client.sendWith(
                    RawClient.frame(w -> w.begin(Operation.PUT, 0, 1, Status.OK, LENGTH)
                            .descriptors(2)
                            .text(MetadataType.KEY, "key")),
                    descriptor,
                    descriptor);
            assertEnded(client, "two");
        }
        descriptors.close();
        assertNoneIsLeft(before);
    }

    @Test
    void asManyDescriptorsAsGrantedMayWaitAndOneMoreEndsTheSession() throws Exception {
        long before = Descriptors.count();
        int[] granted = new int[ServerUnderTest.LIMITS.maxQueuedDescriptors()];
        Arrays.fill(granted, descriptors.sealed(body(LENGTH)));
        try (RawClient client = RawClient.passing(server.socket, 1)) {
            client.sendWith(RawClient.ping(1), granted);
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            client.send(RawClient.putDescriptor(2, "waiting", LENGTH));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            client.sendWith(RawClient.ping(3), granted[0]);
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            client.sendWith(RawClient.ping(4), granted[0]);
            assertThat(client.receive().id()).isEqualTo(4);
            assertEnded(client, "17 in the queue");
        }
        descriptors.close();
        assertNoneIsLeft(before);
    }

    @Test
    void moreDescriptorsInAMessageThanGrantedEndTheSession() throws Exception {
        long before = Descriptors.count();
        int[] many = new int[253]; // as many as the kernel takes
        Arrays.fill(many, descriptors.sealed(body(LENGTH)));
        try (RawClient client = RawClient.passing(server.socket, 1)) {
            client.sendWith(RawClient.ping(1), many);
            assertThat(client.receive().id()).isEqualTo(1);
            assertEnded(client, "253 in a message");
        }
        descriptors.close();
        assertNoneIsLeft(before);
    }
}
