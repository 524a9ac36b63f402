package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.RequestHeaders;
import org.objmapper.server.store.StoredObject;

/** Who is granted SHARED_ACCEPTED gets descriptors that the other sessions of its user have too (protocol-spec.md 5.2.8). */
class SharedDescriptorTest extends AgainstServer {
    private static final int LARGER_THAN_INLINE = 100_000;
    private static final int OWN_UID = 1_000;
    private static final int NOBODY = 65_534;

    @ParameterizedTest
    @ValueSource(ints = {10, LARGER_THAN_INLINE})
    void sessionsThatAcceptItShareAnOffset(int length) throws Exception {
        try (RawClient one = RawClient.sharing(server.socket);
                RawClient another = RawClient.sharing(server.socket)) {
            put(one, length);
            try (FileChannel first = fetch(one, 1);
                    FileChannel second = fetch(another, 1)) {
                first.position(5);
                assertThat(second.position()).isEqualTo(5);
            }
        }
    }

    @Test
    void aSessionThatDoesNotHasItsOwn() throws Exception {
        try (RawClient sharing = RawClient.sharing(server.socket);
                RawClient apart = RawClient.passing(server.socket, 1)) {
            put(sharing, LARGER_THAN_INLINE);
            try (FileChannel shared = fetch(sharing, 1);
                    FileChannel own = fetch(apart, -1)) {
                shared.position(5);
                assertThat(own.position()).isZero();
            }
        }
    }

    @Test
    void whatTheReadersDoWithItDoesNotReachTheServersOwnReading() throws Exception {
        try (RawClient client = RawClient.sharing(server.socket)) {
            put(client, LARGER_THAN_INLINE);
            try (FileChannel shared = fetch(client, 1)) {
                shared.position(LARGER_THAN_INLINE);
                client.send(RawClient.get(3, "key", Mode.COPY));
                assertThat(client.receive().status()).isEqualTo(Status.OK);
                assertThat(client.receive().body()).hasSize(LARGER_THAN_INLINE);
            }
        }
    }

    @Test
    void nothingOfItIsLeftOpenWithTheServer() throws Exception {
        try (RawClient client = RawClient.sharing(server.socket)) {
            put(client, LARGER_THAN_INLINE);
            fetch(client, 1).close();
        }
        server.close();
        assertThat(openFilesOfTheStore()).isZero();
    }

    @Test
    void anotherUserAndNobodyGetNone() throws Exception {
        try (RawClient client = RawClient.greeted(server.socket)) {
            put(client, LARGER_THAN_INLINE);
            client.send(RawClient.get(2, "key", Mode.COPY));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
        ByteBuffer key = ByteBuffer.wrap("key".getBytes(StandardCharsets.UTF_8));
        StoredObject object = server.store.hot(server.store.hash(key, 0, 3), key, 0, 3, new RequestHeaders());
        try {
            assertThat(object.sharedDescriptor(NOBODY)).isNegative();
            int shared = object.sharedDescriptor(OWN_UID);
            assertThat(shared).isNotNegative().isNotEqualTo(object.descriptor());
            assertThat(object.sharedDescriptor(OWN_UID)).isEqualTo(shared);
            assertThat(object.sharedDescriptor(OWN_UID + 1)).isNegative();
        } finally {
            object.unpin();
        }
    }

    private static void put(RawClient client, int length) throws IOException {
        client.send(RawClient.put(1, "key", new byte[length]));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    /** The body as a descriptor; the reply says SHARED with that value, or -1 for nothing of it. */
    private static FileChannel fetch(RawClient client, long shared) throws Exception {
        client.send(RawClient.get(2, "key", Mode.FDPASS));
        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).isEqualTo(Status.OK);
        assertThat(answer.u32(MetadataType.SHARED)).isEqualTo(shared);
        FileDescriptor[] passed = client.takeDescriptors();
        assertThat(passed).hasSize(1);
        return new FileInputStream(passed[0]).getChannel();
    }

    private long openFilesOfTheStore() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(fd -> leadsTo(fd, server.data)).count();
        }
    }

    private static boolean leadsTo(Path descriptor, Path directory) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith(directory.toString());
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
