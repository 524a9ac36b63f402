package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.client.Body;
import org.objmapper.client.GetOptions;
import org.objmapper.client.Key;
import org.objmapper.client.ListedObject;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.Purge;
import org.objmapper.client.PutOptions;
import org.objmapper.client.StoredObject;
import org.objmapper.protocol.Mode;

/** The Java client and its example against a server of the distribution. */
class JavaClientTest extends AgainstServer {
    private static final Path EXAMPLE = Distribution.DIRECTORY
            .resolve("../../docs/examples/java/TwoLevelCache.java")
            .normalize();

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"FDPASS", "COPY", "SPLICE", "AUTO"})
    void bodiesOfEverySizeComeBackWholeAndInRanges(Mode mode) throws IOException {
        try (ObjmapperClient client =
                ObjmapperClient.builder(server.socket).mode(mode).build()) {
            for (int size : new int[] {0, 1, 4_096, 4_097, 300_001, 5_000_000}) {
                byte[] body = new byte[size];
                new Random(size).nextBytes(body);
                Key key = Key.of("body/" + size);
                client.put(key, Body.of(body));
                try (StoredObject object = client.get(key).orElseThrow()) {
                    assertThat(object.bytes()).isEqualTo(body);
                }
                if (size > 100) {
                    try (StoredObject part =
                            client.get(key, new GetOptions().range(50, 40)).orElseThrow()) {
                        assertThat(part.bytes()).isEqualTo(Arrays.copyOfRange(body, 50, 90));
                    }
                }
            }
        }
    }

    @Test
    void aHeldObjectStaysWhatItWasWhenItsKeyChangesAndGoes() throws IOException {
        byte[] old = new byte[100_000];
        Key key = Key.of("held");
        try (ObjmapperClient client =
                ObjmapperClient.builder(server.socket).mode(Mode.FDPASS).build()) {
            client.put(key, Body.of(old), new PutOptions().tag("pages"));
            try (StoredObject held = client.get(key).orElseThrow()) {
                client.put(key, Body.of(new byte[] {1}), new PutOptions().tag("pages"));
                assertThat(client.purge(Purge.tag("pages"))).isEqualTo(1);
                assertThat(client.get(key)).isEmpty();
                assertThat(held.bytes()).isEqualTo(old);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void onlyWhereItIsAllowedAnotherClientMovesTheChannelOfAnObject(boolean allowed) throws IOException {
        byte[] body = new byte[100_000];
        new Random(3).nextBytes(body);
        Key key = Key.of("shared");
        try (ObjmapperClient one = sharing(allowed);
                ObjmapperClient other = sharing(allowed)) {
            one.put(key, Body.of(body));
            try (StoredObject here = one.get(key).orElseThrow();
                    StoredObject there = other.get(key).orElseThrow()) {
                there.channel().position(1_000);
                assertThat(here.channel().position()).isEqualTo(allowed ? 1_000 : 0);
                assertThat(here.bytes()).isEqualTo(body);
                assertThat(here.stream().readAllBytes()).isEqualTo(body);
                assertThat(here.buffer()).isEqualTo(ByteBuffer.wrap(body));
                assertThat(there.bytes()).isEqualTo(body);
            }
        }
    }

    private ObjmapperClient sharing(boolean allowed) {
        return ObjmapperClient.builder(server.socket)
                .mode(Mode.FDPASS)
                .sharedDescriptors(allowed)
                .build();
    }

    @Test
    void everyOtherOperationIsAnswered() throws IOException {
        try (ObjmapperClient client = ObjmapperClient.builder(server.socket).build()) {
            client.ping();
            for (int i = 0; i < 5; i++) {
                client.put(Key.of("list/" + i), Body.of(new byte[i]));
            }
            List<String> keys = new ArrayList<>();
            for (ListedObject object : client.list("list/")) {
                keys.add(object.key().toString());
            }
            assertThat(keys).containsExactly("list/0", "list/1", "list/2", "list/3", "list/4");
            assertThat(client.touch(Key.of("list/1"), new PutOptions().contentType("text/plain"))
                            .orElseThrow()
                            .length())
                    .isEqualTo(1);
            assertThat(client.head(Key.of("list/1")).orElseThrow().contentType())
                    .contains("text/plain");
            assertThat(client.delete(Key.of("list/1"))).isTrue();
            assertThat(client.delete(Key.of("list/1"))).isFalse();
            assertThat(client.stat()).isNotEmpty();
        }
    }

    @Test
    void twoJvmsShareTheBodiesOfTheExample() throws Exception {
        String classes = Distribution.DIRECTORY.resolve("lib") + "/*" + File.pathSeparator
                + Path.of(Caffeine.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI());
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();

        Outcome first = Outcome.of(
                directory, Map.of(), java, "-cp", classes, EXAMPLE.toString(), server.socket.toString(), "page/1");
        Outcome second = Outcome.of(
                directory, Map.of(), java, "-cp", classes, EXAMPLE.toString(), server.socket.toString(), "page/1");

        assertThat(first.out()).as(first.err()).isEqualTo("made anew\n190000 bytes, mapped\n190000 bytes, mapped\n");
        assertThat(second.out())
                .as(second.err())
                .isEqualTo("found in objmapper\n190000 bytes, mapped\n190000 bytes, mapped\n");
    }
}
