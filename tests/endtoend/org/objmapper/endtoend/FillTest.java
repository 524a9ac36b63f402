package org.objmapper.endtoend;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.client.Body;
import org.objmapper.client.GetOptions;
import org.objmapper.client.Key;
import org.objmapper.client.Lookup;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.ObjmapperException;
import org.objmapper.client.Purge;
import org.objmapper.client.PutOptions;
import org.objmapper.protocol.Status;

/** A Java client that fills a miss is told when what it brings was overtaken. */
class FillTest {
    private static final Key KEY = Key.of("news/1");
    private static final Body OLD = Body.of("fetched before".getBytes(UTF_8));

    @TempDir
    Path directory;

    private RunningServer server;
    private ObjmapperClient client;

    @BeforeEach
    void start() throws IOException {
        server = RunningServer.in(directory);
        client = ObjmapperClient.builder(server.socket).build();
    }

    @AfterEach
    void stop() throws InterruptedException {
        client.close();
        server.close();
    }

    private byte[] tokenOfAMiss() throws IOException {
        try (Lookup miss = client.lookup(KEY, new GetOptions())) {
            assertThat(miss.object()).isEmpty();
            return miss.fillToken().orElseThrow();
        }
    }

    private void assertStale(byte[] token) {
        PutOptions filling = new PutOptions().tag("news").fillToken(token);
        ObjmapperException stale = catchThrowableOfType(ObjmapperException.class, () -> client.put(KEY, OLD, filling));
        assertThat(stale).isNotNull();
        assertThat(stale.status()).contains(Status.STALE_FILL);
        assertThat(stale.hadNoEffect()).isTrue();
    }

    @Test
    void aPurgeOfKeyPrefixOrTagOvertakesAFill() throws Exception {
        for (Purge purge : new Purge[] {Purge.key(KEY), Purge.prefix("news/"), Purge.tag("news")}) {
            byte[] token = tokenOfAMiss();
            client.purge(purge);
            assertStale(token);
            assertThat(client.get(KEY)).isEmpty();
        }
    }

    @Test
    void aFillThatNothingOvertookIsStoredAndOvertakesAnotherOne() throws Exception {
        byte[] first = tokenOfAMiss();
        byte[] second = tokenOfAMiss();
        client.purge(Purge.tag("sport"));

        client.put(KEY, OLD, new PutOptions().tag("news").fillToken(first));
        assertStale(second);
        assertThat(client.head(KEY)).isPresent();
    }
}
