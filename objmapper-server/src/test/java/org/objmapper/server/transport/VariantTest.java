package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.Features;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** Variants on the wire (protocol-spec.md 5.2.7, 5.4.9, 5.4.10, 7.5). */
class VariantTest {
    private static final String LANGUAGE = "accept-language";

    @TempDir
    Path directory;

    private ServerUnderTest server;
    private RawClient client;
    private int lastId;

    @BeforeEach
    void start() throws Exception {
        server = new ServerUnderTest(directory);
        client = RawClient.granted(server.socket, Features.VARIANTS);
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
    }

    private interface Parameters {
        void write(FrameWriter frame);
    }

    private RawClient.Answer ask(RawClient asking, int operation, long length, Parameters parameters)
            throws IOException {
        int id = ++lastId;
        asking.send(RawClient.frame(w -> {
            w.begin(operation, 0, id, Status.OK, length).text(MetadataType.KEY, "/page");
            parameters.write(w);
        }));
        return asking.receive();
    }

    private RawClient.Answer put(String name, String value) throws IOException {
        byte[] body = value.getBytes(StandardCharsets.US_ASCII);
        return ask(client, Operation.PUT, body.length, w -> w.bytes(MetadataType.VARIANT, RawClient.pair(name, value))
                .body()
                .put(body));
    }

    private RawClient.Answer get(RawClient asking, int operation, String... namesAndValues) throws IOException {
        return ask(asking, operation, 0, w -> {
            for (int i = 0; i < namesAndValues.length; i += 2) {
                w.bytes(MetadataType.REQUEST_HEADER, RawClient.pair(namesAndValues[i], namesAndValues[i + 1]));
            }
        });
    }

    private static List<String> wanting(RawClient.Answer answer) throws Exception {
        MetadataReader reader = new MetadataReader()
                .wrap(answer.metadata(), 0, answer.metadata().limit());
        List<String> names = new ArrayList<>();
        while (reader.next()) {
            if (reader.type() == MetadataType.VARIANT_HEADER.code()) {
                names.add(reader.text());
            }
        }
        return names;
    }

    @ParameterizedTest
    @ValueSource(ints = {Operation.GET, Operation.HEAD})
    void aRequestGetsTheBodyThatItsHeadersAskFor(int operation) throws Exception {
        assertThat(put(LANGUAGE, "en").status()).isEqualTo(Status.OK);
        assertThat(put(LANGUAGE, "english").status()).isEqualTo(Status.OK);
        for (int round = 0; round < 2; round++) { // from the index, then from what is at hand
            for (String language : List.of("en", "english")) {
                RawClient.Answer answer = get(client, operation, "x", "y", LANGUAGE, language);
                assertThat(answer.status()).isEqualTo(Status.OK);
                assertThat(answer.objectLength()).isEqualTo(language.length());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Operation.GET, Operation.HEAD})
    void aMissNamesTheHeadersThatTheBodiesAreToldApartBy(int operation) throws Exception {
        assertThat(wanting(get(client, operation))).isEmpty();
        put(LANGUAGE, "en");
        put("accept-encoding", "gzip");
        for (int round = 0; round < 2; round++) {
            RawClient.Answer answer = get(client, operation, LANGUAGE, "fr");
            assertThat(answer.status()).isEqualTo(Status.NOT_FOUND);
            assertThat(wanting(answer)).containsExactly("accept-encoding", LANGUAGE);
            assertThat(get(client, operation, LANGUAGE, "en").status()).isEqualTo(Status.OK);
        }
    }

    @Test
    void aMissForAnExpiredBodyNamesThemToo() throws Exception {
        assertThat(ask(client, Operation.PUT, 0, w -> w.u64(MetadataType.TTL, 0)
                                .bytes(MetadataType.VARIANT, RawClient.pair(LANGUAGE, "en")))
                        .status())
                .isEqualTo(Status.OK);
        put(LANGUAGE, "fr");
        RawClient.Answer answer = get(client, Operation.GET, LANGUAGE, "en");
        assertThat(answer.status()).isEqualTo(Status.NOT_FOUND);
        assertThat(wanting(answer)).containsExactly(LANGUAGE);
    }

    @Test
    void aSessionThatWasNotGrantedVariantsPutsNoneAndGetsThoseWithoutAValue() throws Exception {
        put(LANGUAGE, "en");
        try (RawClient without = RawClient.granted(server.socket, 0)) {
            assertThat(ask(
                                    without,
                                    Operation.PUT,
                                    0,
                                    w -> w.bytes(MetadataType.VARIANT, RawClient.pair(LANGUAGE, "fr")))
                            .status())
                    .isEqualTo(Status.UNSUPPORTED);
            assertThat(ask(
                                    without,
                                    Operation.TOUCH,
                                    0,
                                    w -> w.bytes(MetadataType.VARIANT, RawClient.pair(LANGUAGE, "en")))
                            .status())
                    .isEqualTo(Status.UNSUPPORTED);
            RawClient.Answer miss = get(without, Operation.GET, LANGUAGE, "en");
            assertThat(miss.status()).isEqualTo(Status.NOT_FOUND);
            assertThat(wanting(miss)).isEmpty();
            put(LANGUAGE, "");
            assertThat(get(without, Operation.GET, LANGUAGE, "en").status()).isEqualTo(Status.OK);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Operation.PUT, Operation.TOUCH})
    void aVariantThatIsNoneIsRefusedWithTheReason(int operation) throws Exception {
        RawClient.Answer upper = ask(
                client,
                operation,
                0,
                w -> w.bytes(MetadataType.VARIANT, RawClient.pair(LANGUAGE.toUpperCase(Locale.ROOT), "en")));
        assertThat(upper.status()).isEqualTo(Status.BAD_REQUEST);
        assertThat(upper.message()).isEqualTo("a VARIANT's header \"ACCEPT-LANGUAGE\" is not in lower case");
        RawClient.Answer empty =
                ask(client, operation, 0, w -> w.bytes(MetadataType.VARIANT, RawClient.pair("", "en")));
        assertThat(empty.status()).isEqualTo(Status.BAD_REQUEST);
        assertThat(empty.message()).contains("a name of 0 bytes; it takes 1 to 256");
        RawClient.Answer twice = ask(client, operation, 0, w -> w.bytes(MetadataType.VARIANT, RawClient.pair("a", "1"))
                .bytes(MetadataType.VARIANT, RawClient.pair("a", "2")));
        assertThat(twice.status()).isEqualTo(Status.BAD_REQUEST);
        assertThat(twice.message()).isEqualTo("two VARIANTs have the header \"a\"");
    }

    @Test
    void aDeleteSkipsAVariant() throws Exception {
        put(LANGUAGE, "en");
        put(LANGUAGE, "fr");
        assertThat(ask(client, Operation.DELETE, 0, w -> w.bytes(MetadataType.VARIANT, RawClient.pair("A", "1")))
                        .status())
                .isEqualTo(Status.OK);
        assertThat(get(client, Operation.GET, LANGUAGE, "fr").status()).isEqualTo(Status.NOT_FOUND);
    }

    @Test
    void headersAreKeptWhileTheRequestWaitsForItsTurn() throws Exception {
        put(LANGUAGE, "en");
        byte[] body = {1, 2, 3};
        client.send(RawClient.frame(
                w -> w.begin(Operation.PUT, Frame.MORE, 1_000, Status.OK, 3).text(MetadataType.KEY, "/other")));
        client.send(RawClient.frame(
                w -> w.begin(Operation.PURGE, 0, 1_001, Status.OK, 0).text(MetadataType.PREFIX, "/nothing")));
        client.send(RawClient.frame(w -> w.begin(Operation.GET, 0, 1_002, Status.OK, 0)
                .text(MetadataType.KEY, "/page")
                .bytes(MetadataType.REQUEST_HEADER, RawClient.pair(LANGUAGE, "en"))));
        client.send(RawClient.frame(
                w -> w.begin(Operation.DATA, 0, 1_000, Status.OK, 0).body().put(body)));
        client.send(RawClient.frame(w -> w.begin(Operation.END, 0, 1_000, Status.OK, 0)));
        for (int answers = 0; answers < 3; answers++) {
            RawClient.Answer answer = client.receive();
            assertThat(answer.status()).as("request " + answer.id()).isEqualTo(Status.OK);
        }
    }
}
