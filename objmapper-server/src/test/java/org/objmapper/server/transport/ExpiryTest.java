package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.StoreWithClock;

/** GET and HEAD see objects expire by the store's own time, to the millisecond (protocol-spec.md 5.2.6). */
class ExpiryTest {
    private static final long TTL_MILLIS = 1_000_000;
    private static final long GRACE_MILLIS = 500_000;

    @TempDir
    Path directory;

    private final AtomicLong nowMillis = new AtomicLong(2_000_000_000_000L);
    private ServerUnderTest server;
    private RawClient client;

    @BeforeEach
    void start() throws IOException {
        Path data = Files.createDirectory(directory.resolve("data"));
        server = new ServerUnderTest(
                directory, ServerUnderTest.LIMITS, 1, data, StoreWithClock.open(data, nowMillis::get));
        client = RawClient.greeted(server.socket);
        client.send(RawClient.frame(w -> w.begin(Operation.PUT, 0, 1, Status.OK, 1)
                .text(MetadataType.KEY, "key")
                .u64(MetadataType.TTL, TTL_MILLIS)
                .u64(MetadataType.GRACE, GRACE_MILLIS)
                .body()
                .put((byte) 1)));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
    }

    private Status get(int operation, long graceAccepted) throws IOException {
        client.send(RawClient.frame(w -> w.begin(operation, 0, 2, Status.OK, 0)
                .text(MetadataType.KEY, "key")
                .u64(MetadataType.GRACE_ACCEPTED, graceAccepted)));
        return client.receive().status();
    }

    @Test
    void anObjectIsThereToTheLastMillisecondOfItsTimeAndGoneWithTheNext() throws Exception {
        nowMillis.addAndGet(TTL_MILLIS - 1);
        assertThat(get(Operation.GET, 0)).isEqualTo(Status.OK);
        assertThat(get(Operation.HEAD, 0)).isEqualTo(Status.OK);
        nowMillis.addAndGet(1);
        assertThat(get(Operation.GET, 0)).isEqualTo(Status.NOT_FOUND);
        assertThat(get(Operation.HEAD, 0)).isEqualTo(Status.NOT_FOUND);
    }

    @Test
    void itsGraceIsTheLesserOfItsOwnAndWhatTheClientAccepts() throws Exception {
        nowMillis.addAndGet(TTL_MILLIS + 400_000);
        assertThat(get(Operation.GET, 400_000)).isEqualTo(Status.OK);
        assertThat(get(Operation.GET, 399_999)).isEqualTo(Status.NOT_FOUND);
        nowMillis.addAndGet(100_000);
        assertThat(get(Operation.GET, Long.MAX_VALUE)).isEqualTo(Status.OK);
        nowMillis.addAndGet(1);
        assertThat(get(Operation.GET, Long.MAX_VALUE)).isEqualTo(Status.NOT_FOUND);
    }
}
