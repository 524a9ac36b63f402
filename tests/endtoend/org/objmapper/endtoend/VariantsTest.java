package org.objmapper.endtoend;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.client.Body;
import org.objmapper.client.Durability;
import org.objmapper.client.GetOptions;
import org.objmapper.client.Key;
import org.objmapper.client.Lookup;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.PutOptions;
import org.objmapper.client.StoredObject;

/** Bodies side by side under one key, by both clients and over a kill of the server. */
class VariantsTest {
    private static final Key PAGE = Key.of("page");
    private static final String LANGUAGE = "accept-language";
    private static final List<String> LANGUAGES = List.of("en", "fr", "it", "de", "pt");

    @TempDir
    Path directory;

    private int fetches;

    /** What a cache does: asks, asks again with the headers that are named, and else fetches and stores. */
    private byte[] page(ObjmapperClient client, String language, int length) throws IOException {
        try (Lookup found = client.lookup(PAGE, new GetOptions().requestHeader(LANGUAGE, language))) {
            if (found.object().isPresent()) {
                StoredObject object = found.object().get();
                assertThat(object.metadata().variant()).containsEntry(LANGUAGE, language);
                return object.bytes();
            }
            fetches++;
            byte[] fetched = body(language, length);
            PutOptions filling = new PutOptions().variant(LANGUAGE, language).durability(Durability.DURABLE);
            found.fillToken().ifPresent(filling::fillToken);
            client.put(PAGE, Body.of(fetched), filling);
            return fetched;
        }
    }

    private static byte[] body(String language, int length) {
        return (language + " ").repeat(length / 3 + 1).getBytes(UTF_8);
    }

    @ParameterizedTest
    @ValueSource(ints = {10, 100_000})
    void fiveLanguagesThatAlternateCostFiveFetchesInAll(int length) throws Exception {
        for (int run = 0; run < 2; run++) {
            try (RunningServer server = RunningServer.in(directory);
                    ObjmapperClient client =
                            ObjmapperClient.builder(server.socket).build()) {
                for (int round = 0; round < 20; round++) {
                    for (String language : LANGUAGES) {
                        assertThat(page(client, language, length)).isEqualTo(body(language, length));
                    }
                }
                server.kill();
            }
        }
        assertThat(fetches).isEqualTo(5);
    }

    @Test
    void aMissNamesTheHeadersAndADeleteTakesAll() throws Exception {
        try (RunningServer server = RunningServer.in(directory);
                ObjmapperClient client = ObjmapperClient.builder(server.socket).build()) {
            for (String language : LANGUAGES) {
                page(client, language, 10);
            }
            try (Lookup miss = client.lookup(PAGE, new GetOptions())) {
                assertThat(miss.object()).isEmpty();
                assertThat(miss.variantHeaders()).containsExactly(LANGUAGE);
            }
            PutOptions touch = new PutOptions().variant(LANGUAGE, "fr").ttlMillis(0);
            assertThat(client.touch(PAGE, touch)).isPresent();
            fetches = 0;
            page(client, "fr", 10);
            page(client, "en", 10);
            assertThat(fetches).isEqualTo(1);
            assertThat(client.delete(PAGE)).isTrue();
            assertThat(client.delete(PAGE)).isFalse();
            try (Lookup miss = client.lookup(PAGE, new GetOptions().requestHeader(LANGUAGE, "en"))) {
                assertThat(miss.variantHeaders()).isEmpty();
            }
        }
    }

    @Test
    void theCClientHasThemToo() throws Exception {
        Path errors = directory.resolve("variants.err");
        try (RunningServer server = RunningServer.in(directory)) {
            Process program = new ProcessBuilder(
                            System.getProperty("objmapper.root") + "/native/target/cmake/"
                                    + System.getProperty("objmapper.preset", "dev") + "/endtoend/variants",
                            server.socket.toString())
                    .redirectError(errors.toFile())
                    .start();
            assertThat(program.waitFor()).as(Files.readString(errors)).isZero();
        }
    }
}
