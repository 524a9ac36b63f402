package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.RequestHeaders;
import org.objmapper.server.store.StoredObject;

/** When a body is known to be in memory, so that splice sends it without looking. */
class ResidencyTest extends AgainstServer {
    private static final int LENGTH = 900_000;

    private RawClient client;
    private StoredObject object;

    @BeforeEach
    void putAndGet() throws IOException {
        client = RawClient.greeted(server.socket);
        client.send(RawClient.put(1, "key", new byte[LENGTH]));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
        assertThat(fetch(RawClient.get(2, "key", Mode.COPY))).isEqualTo(LENGTH);
        ByteBuffer key = ByteBuffer.wrap("key".getBytes(StandardCharsets.UTF_8));
        object = server.store.hot(server.store.hash(key, 0, 3), key, 0, 3, new RequestHeaders());
    }

    @AfterEach
    void letGo() throws IOException {
        object.unpin();
        client.close();
    }

    @Test
    void itIsKnownForAMomentOnceAllOfItWasSentFromMemory() throws Exception {
        assertThat(object.isKnownResident()).isFalse();
        await().until(() -> {
            assertThat(fetch(RawClient.get(3, "key", Mode.SPLICE))).isEqualTo(LENGTH);
            return object.isKnownResident();
        });
        assertThat(fetch(RawClient.get(4, "key", Mode.SPLICE))).isEqualTo(LENGTH);
        await().until(() -> !object.isKnownResident());
    }

    @Test
    void aPartOfItTellsNothingOfTheWhole() throws Exception {
        assertThat(fetch(RawClient.frame(w -> w.begin(Operation.GET, 0, 3, Status.OK, 0)
                        .text(MetadataType.KEY, "key")
                        .pair(MetadataType.RANGE, 1, LENGTH)
                        .u32(MetadataType.MODE, Mode.SPLICE.code()))))
                .isEqualTo(LENGTH - 1);
        assertThat(object.isKnownResident()).isFalse();
    }

    private int fetch(ByteBuffer get) throws IOException {
        client.send(get);
        RawClient.Answer answer = client.receive();
        assertThat(answer.status()).isEqualTo(Status.OK);
        int bytes = 0;
        while (answer.operation() != Operation.END) {
            answer = client.receive();
            bytes += answer.body().length;
        }
        return bytes;
    }
}
