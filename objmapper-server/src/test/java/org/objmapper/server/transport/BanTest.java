package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.objmapper.protocol.Features;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** Bans on the wire (protocol-spec.md 5.7, 7.5). */
class BanTest extends AgainstServer {
    private static RawClient.Answer ban(RawClient client, String expression) throws IOException {
        client.send(RawClient.frame(
                w -> w.begin(Operation.PURGE, 0, 7, Status.OK, 0).text(MetadataType.BAN, expression)));
        return client.receive();
    }

    private static Status ask(RawClient client, ByteBuffer request) throws IOException {
        client.send(request);
        return client.receive().status();
    }

    @Test
    void whatABanHitsIsNotFoundOnceItIsAnswered() throws Exception {
        try (RawClient client = RawClient.granted(server.socket, Features.BANS);
                RawClient other = RawClient.greeted(server.socket)) {
            assertThat(ask(client, RawClient.put(1, "/a/1", new byte[10]))).isEqualTo(Status.OK);
            assertThat(ask(other, RawClient.put(2, "/b/1", new byte[10]))).isEqualTo(Status.OK);
            assertThat(ask(other, RawClient.get(3, "/a/1"))).isEqualTo(Status.OK);
            RawClient.Answer answer = ban(client, "req.url ~ ^/a/");

            assertThat(answer.status()).as(answer.message()).isEqualTo(Status.OK);
            assertThat(answer.u64(MetadataType.COUNT)).isNotNegative();
            assertThat(ask(other, RawClient.get(4, "/a/1"))).isEqualTo(Status.NOT_FOUND);
            assertThat(ask(other, RawClient.get(5, "/b/1"))).isEqualTo(Status.OK);
        }
    }

    @Test
    void whatIsNoExpressionIsABadRequest() throws Exception {
        try (RawClient client = RawClient.granted(server.socket, Features.BANS)) {
            RawClient.Answer answer = ban(client, "req.url ~ [");

            assertThat(answer.status()).isEqualTo(Status.BAD_REQUEST);
            assertThat(answer.message()).contains("position 11").contains("missing closing ]");
        }
    }

    @Test
    void aSessionThatDidNotAskForBansHasNone() throws Exception {
        try (RawClient client = RawClient.greeted(server.socket)) {
            assertThat(ban(client, "req.url ~ .").status()).isEqualTo(Status.UNSUPPORTED);
        }
    }
}
