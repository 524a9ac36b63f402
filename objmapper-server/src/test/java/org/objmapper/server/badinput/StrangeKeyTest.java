package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.client.Body;
import org.objmapper.client.Key;
import org.objmapper.client.ListedObject;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.StoredObject;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.transport.RawClient;
import org.objmapper.server.transport.ServerUnderTest;

/** Keys are bytes, whatever they look like: none is a path, ends at a NUL, or is a text. */
@Timeout(60)
class StrangeKeyTest {
    private static final int LONGER_THAN_INLINE = 20_000;

    private static final List<byte[]> KEYS = List.of(
            text("/"),
            text("."),
            text(".."),
            text("../../etc/passwd"),
            text("/etc/passwd"),
            text("../etc/passwd"),
            text("a/../b"),
            text("a//b/"),
            text("%2e%2e%2fetc%2fpasswd"),
            text(" "),
            text("\0"),
            text("a\0b"),
            text("a\0"),
            text("a\nb"),
            text("a\r\n\u001b[2Jb"),
            new byte[] {(byte) 0xff},
            new byte[] {(byte) 0xc0, (byte) 0xaf, '.', '.', (byte) 0x80},
            text("../".repeat(Limits.MAX_KEY).substring(0, Limits.MAX_KEY)),
            new byte[Limits.MAX_KEY]);

    @TempDir
    Path directory;

    private ServerUnderTest server;
    private Map<Path, String> outside;

    @BeforeEach
    void start() throws IOException {
        Path etc = Files.createDirectories(directory.resolve("etc"));
        Files.writeString(etc.resolve("passwd"), "what a key that is taken for a path would reach");
        Files.createDirectories(directory.resolve("a/etc"));
        Files.writeString(directory.resolve("a/etc/passwd"), "nearer");
        server = new ServerUnderTest(Files.createDirectories(directory.resolve("a/b")));
        outside = filesOutside();
    }

    @AfterEach
    void nothingButTheStoreHasChanged() throws IOException {
        assertThat(filesOutside()).isEqualTo(outside);
        server.close();
    }

    @Test
    void everyKeyIsStoredAndFetchedByItsBytesOnTheWireAndAfterARestart() throws Exception {
        try (RawClient client = RawClient.greeted(server.socket)) {
            for (int i = 0; i < KEYS.size(); i++) {
                assertThat(get(client, KEYS.get(i))).as(name(i)).isNull();
                put(client, i);
            }
            assertAllThere(client);
            for (String alike : List.of("etc/passwd", "passwd", "b", "a", "a/b", "a//b", "a/")) {
                assertThat(get(client, text(alike))).as(alike).isNull();
            }
        }
        server.close();
        server = new ServerUnderTest(directory.resolve("a/b"));
        try (RawClient client = RawClient.greeted(server.socket)) {
            assertAllThere(client);
            for (int i = 0; i < KEYS.size(); i++) {
                byte[] key = KEYS.get(i);
                client.send(request(Operation.DELETE, key));
                assertThat(client.receive().status()).as(name(i)).isEqualTo(Status.OK);
                assertThat(get(client, key)).as(name(i)).isNull();
            }
        }
    }

    private static void put(RawClient client, int i) throws Exception {
        byte[] body = body(i);
        client.send(RawClient.frame(w -> w.begin(Operation.PUT, 0, 1, Status.OK, body.length)
                .bytes(MetadataType.KEY, KEYS.get(i))
                .body()
                .put(body)));
        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).as(name(i) + answer.message()).isEqualTo(Status.OK);
    }

    private static void assertAllThere(RawClient client) throws IOException {
        for (int i = 0; i < KEYS.size(); i++) {
            assertThat(get(client, KEYS.get(i))).as(name(i)).isEqualTo(body(i));
        }
    }

    /** The body under a key; null where there is none. */
    private static byte @Nullable [] get(RawClient client, byte[] key) throws IOException {
        client.send(request(Operation.GET, key));
        RawClient.Answer answer = client.receive();
        if (answer.status() == Status.NOT_FOUND) {
            return null;
        }
        assertThat(answer.status()).isEqualTo(Status.OK);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.write(answer.body());
        while (answer.more() || answer.operation() == Operation.DATA) {
            answer = client.receive();
            body.write(answer.body());
        }
        return body.toByteArray();
    }

    private static ByteBuffer request(int operation, byte[] key) {
        return RawClient.frame(w -> w.begin(operation, 0, 1, Status.OK, 0).bytes(MetadataType.KEY, key));
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                Operation.GET,
                Operation.HEAD,
                Operation.PUT,
                Operation.DELETE,
                Operation.PURGE,
                Operation.TOUCH,
            })
    void aKeyThatIsEmptyOrTooLongEndsItsSessionWithTheClauseAndNoOther(int operation) throws Exception {
        try (RawClient other = RawClient.greeted(server.socket)) {
            for (int length : new int[] {0, Limits.MAX_KEY + 1}) {
                try (RawClient client = RawClient.greeted(server.socket)) {
                    client.send(request(operation, new byte[length]));
                    RawClient.Answer answer = client.receive();
                    assertThat(answer.operation()).isEqualTo(Operation.ERROR);
                    assertThat(answer.status()).as(answer.message()).isEqualTo(Status.MALFORMED);
                    assertThat(answer.clause()).isEqualTo("3.2");
                    assertThat(answer.message()).isNotEmpty();
                    assertThat(client.isClosedByServer()).isTrue();
                }
            }
            put(other, 0);
        }
    }

    @Test
    void theJavaClientKeepsTheBytesOfEveryKey() throws Exception {
        try (ObjmapperClient client = ObjmapperClient.builder(server.socket).build()) {
            for (int i = 0; i < KEYS.size(); i++) {
                client.put(Key.of(KEYS.get(i)), Body.of(body(i)));
            }
            for (int i = 0; i < KEYS.size(); i++) {
                try (StoredObject object = client.get(Key.of(KEYS.get(i))).orElseThrow()) {
                    assertThat(object.bytes()).as(name(i)).isEqualTo(body(i));
                }
            }
            List<Key> listed = new ArrayList<>();
            for (ListedObject object : client.list("")) {
                listed.add(object.key());
            }
            assertThat(listed)
                    .containsExactlyElementsOf(
                            KEYS.stream().map(Key::of).sorted().toList());
        }
    }

    @Test
    void theJavaClientRefusesAKeyThatIsEmptyOrTooLong() {
        for (int length : new int[] {0, Limits.MAX_KEY + 1}) {
            assertThatThrownBy(() -> Key.of(new byte[length]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a key has 1 to 4096 bytes, this one has " + length);
        }
    }

    /** What each file outside the store's directory holds, and which directories there are. */
    private Map<Path, String> filesOutside() throws IOException {
        Map<Path, String> found = new HashMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                if (!file.startsWith(directory.resolve("a/b/data"))) {
                    found.put(file, Files.isRegularFile(file) ? Files.readString(file) : "");
                }
            }
        }
        return found;
    }

    private static String name(int i) {
        return "key " + i + " " + Arrays.toString(Arrays.copyOf(KEYS.get(i), Math.min(20, KEYS.get(i).length)));
    }

    private static byte[] body(int i) {
        byte[] body = new byte[i % 2 == 0 ? LONGER_THAN_INLINE : 100];
        new Random(i).nextBytes(body);
        return body;
    }

    private static byte[] text(String key) {
        return key.getBytes(StandardCharsets.UTF_8);
    }
}
