package org.objmapper.server.transport;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.Features;
import org.objmapper.protocol.HitCount;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** What clients say they gave of their own (protocol-spec.md 5.14). */
class HitsTest extends AgainstServer {
    private static RawClient.Answer say(RawClient client, Consumer<ByteBuffer> body) throws IOException {
        client.send(RawClient.frame(w -> {
            w.begin(Operation.HITS, 0, 1, Status.OK, 0);
            body.accept(w.body().order(ByteOrder.LITTLE_ENDIAN));
        }));
        return client.receive();
    }

    private static String figures(RawClient client) throws IOException {
        client.send(RawClient.frame(w -> w.begin(Operation.STAT, 0, 2, Status.OK, 0)));
        return new String(client.receive().body(), UTF_8);
    }

    @Test
    void theyCountWhetherTheObjectIsThereOrNot() throws Exception {
        try (RawClient client = RawClient.granted(server.socket, Features.HITS)) {
            RawClient.Answer answer = say(client, body -> {
                new HitCount("key".getBytes(UTF_8), 12).write(body);
                new HitCount("another/key".getBytes(UTF_8), HitCount.MOST_HITS).write(body);
            });
            assertThat(answer.status()).isEqualTo(Status.OK);
            assertThat(figures(client)).contains("objmapper_client_hits_total " + (12 + HitCount.MOST_HITS) + "\n");
        }
    }

    @Test
    void withoutTheBitTheyAreUnsupported() throws Exception {
        try (RawClient client = RawClient.granted(server.socket, Features.BANS)) {
            assertThat(say(client, new HitCount("key".getBytes(UTF_8), 12)::write)
                            .status())
                    .isEqualTo(Status.UNSUPPORTED);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "18000000 03000000 0c00000000000000", // the key is missing
                "18000000 00000000 0c00000000000000 0000000000000000",
                "18000000 01100000 0c00000000000000 6b65790000000000",
                "20000000 03000000 0c00000000000000 6b65790000000000",
                "18000000 03000000 0000000000000000 6b65790000000000",
                "18000000 03000000 0000000001000000 6b65790000000000",
                "18000000 03000000 0c00000000000000 6b65790000000000 18000000"
            })
    void whatIsNoListOfEntriesIsABadRequestAndCountsForNothing(String hex) throws Exception {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        try (RawClient client = RawClient.granted(server.socket, Features.HITS)) {
            assertThat(say(client, body -> body.put(bytes)).status()).isEqualTo(Status.BAD_REQUEST);
            assertThat(figures(client)).contains("objmapper_client_hits_total 0\n");
        }
    }
}
