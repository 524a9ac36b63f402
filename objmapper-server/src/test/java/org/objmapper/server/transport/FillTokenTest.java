package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.Features;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** Fill tokens on the wire (protocol-spec.md 5.2.7, 5.4.5, 7.5). */
class FillTokenTest extends AgainstServer {
    private static final byte[] BODY = {1, 2, 3};

    private int lastId;

    private RawClient.Answer hello(RawClient client, long features) throws IOException {
        client.send(RawClient.frame(w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC)
                .versions(1, 1)
                .u64(MetadataType.FEATURES, features)));
        return client.receive();
    }

    private RawClient clientWithTokens() throws IOException {
        RawClient client = new RawClient(server.socket);
        hello(client, Features.FILL_TOKENS);
        return client;
    }

    private interface Parameters {
        void write(FrameWriter frame);
    }

    private RawClient.Answer ask(RawClient client, int operation, long length, Parameters parameters)
            throws IOException {
        int id = ++lastId;
        client.send(RawClient.frame(w -> {
            w.begin(operation, 0, id, Status.OK, length);
            parameters.write(w);
        }));
        return client.receive();
    }

    private static byte[] token(RawClient.Answer answer) throws Exception {
        MetadataReader reader = new MetadataReader()
                .wrap(answer.metadata(), 0, answer.metadata().limit());
        return reader.find(MetadataType.FILL_TOKEN) ? reader.bytes() : null;
    }

    private byte[] miss(RawClient client, int operation) throws Exception {
        RawClient.Answer answer = ask(client, operation, 0, w -> w.text(MetadataType.KEY, "/a/key"));
        assertThat(answer.status()).isEqualTo(Status.NOT_FOUND);
        assertThat(answer.message()).isEqualTo("there is no such object");
        return token(answer);
    }

    private RawClient.Answer fill(RawClient client, byte[] token) throws IOException {
        return ask(client, Operation.PUT, BODY.length, w -> w.text(MetadataType.KEY, "/a/key")
                .bytes(MetadataType.FILL_TOKEN, token)
                .text(MetadataType.TAG, "tag")
                .body()
                .put(BODY));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1", "2, 2", "4, 4", "8, 0", "16, 16", "32, 0", "-1, 23"})
    void aSessionIsGrantedWhatItAsksForAndTheServerHas(long asked, long granted) throws Exception {
        try (RawClient client = new RawClient(server.socket)) {
            assertThat(hello(client, asked).u64(MetadataType.FEATURES)).isEqualTo(granted);
        }
    }

    @Test
    void aSessionThatDidNotAskForTokensGetsNoneAndMayUseNone() throws Exception {
        try (RawClient asks = clientWithTokens();
                RawClient doesNot = RawClient.greeted(server.socket)) {
            byte[] token = miss(asks, Operation.GET);

            assertThat(miss(doesNot, Operation.GET)).isNull();
            assertThat(fill(doesNot, token).status()).isEqualTo(Status.STALE_FILL);
            assertThat(fill(asks, token).status()).isEqualTo(Status.OK);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Operation.GET, Operation.HEAD})
    void aMissCarriesTheTokenThatThePutIsTakenWith(int operation) throws Exception {
        try (RawClient client = clientWithTokens()) {
            assertThat(fill(client, miss(client, operation)).status()).isEqualTo(Status.OK);

            RawClient.Answer hit = ask(client, operation, 0, w -> w.text(MetadataType.KEY, "/a/key"));
            assertThat(hit.status()).isEqualTo(Status.OK);
            assertThat(token(hit)).isNull();
        }
    }

    /** What another session may do between the miss and the PUT. */
    enum Event {
        PUT(Operation.PUT, Status.OK, w -> w.text(MetadataType.KEY, "/a/key")),
        DELETE(Operation.DELETE, Status.NOT_FOUND, w -> w.text(MetadataType.KEY, "/a/key")),
        PURGE(Operation.PURGE, Status.OK, w -> w.text(MetadataType.KEY, "/a/key")),
        PURGE_OF_PREFIX(Operation.PURGE, Status.OK, w -> w.text(MetadataType.PREFIX, "/a")),
        PURGE_OF_ALL(Operation.PURGE, Status.OK, w -> w.text(MetadataType.PREFIX, "")),
        PURGE_OF_TAG(Operation.PURGE, Status.OK, w -> w.text(MetadataType.PURGE_TAG, "tag")),
        SOFT_PURGE_OF_TAG(Operation.PURGE, Status.OK, w -> w.text(MetadataType.PURGE_TAG, "tag")
                .empty(MetadataType.SOFT));

        private final int operation;
        private final Status status;
        private final Parameters parameters;

        Event(int operation, Status status, Parameters parameters) {
            this.operation = operation;
            this.status = status;
            this.parameters = parameters;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFillThatAnotherSessionsChangeOvertookIsRefused(Event event) throws Exception {
        try (RawClient client = clientWithTokens();
                RawClient other = RawClient.greeted(server.socket)) {
            byte[] token = miss(client, Operation.GET);
            assertThat(ask(other, event.operation, 0, event.parameters).status())
                    .isEqualTo(event.status);

            RawClient.Answer refused = fill(client, token);
            assertThat(refused.status()).isEqualTo(Status.STALE_FILL);
            assertThat(refused.message()).contains("since the fill began");
        }
    }

    @Test
    void aFillWhoseBodyIsOnItsWayIsRefusedTooWhenAPurgeComes() throws Exception {
        try (RawClient client = clientWithTokens();
                RawClient other = RawClient.greeted(server.socket)) {
            byte[] token = miss(client, Operation.GET);
            client.send(RawClient.frame(w -> w.begin(Operation.PUT, 2, 99, Status.OK, 2 * BODY.length)
                    .text(MetadataType.KEY, "/a/key")
                    .bytes(MetadataType.FILL_TOKEN, token)
                    .body()
                    .put(BODY)));
            ask(other, Operation.PURGE, 0, w -> w.text(MetadataType.PREFIX, "/a/"));
            client.send(RawClient.frame(
                    w -> w.begin(Operation.DATA, 0, 99, Status.OK, 0).body().put(BODY)));
            client.send(RawClient.frame(w -> w.begin(Operation.END, 0, 99, Status.OK, 0)));

            assertThat(client.receive().status()).isEqualTo(Status.STALE_FILL);
            assertThat(miss(client, Operation.GET)).isNotNull();
        }
    }
}
