package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.StoreOptions;
import org.objmapper.server.store.TierOptions;
import org.objmapper.server.store.tier.Capacity;

/** A body with a copy in memory goes to clients as one from a file does. */
class MemoryTierTest {
    private static final byte[] BODY = new byte[700_001];

    @TempDir
    Path directory;

    private ServerUnderTest server;
    private RawClient client;

    @BeforeEach
    void start() throws Exception {
        new Random(1).nextBytes(BODY);
        Path data = Files.createDirectories(directory.resolve("data"));
        server = new ServerUnderTest(
                directory,
                ServerUnderTest.LIMITS,
                1,
                StoreOptions.of(data).withTiers(TierOptions.ofMemory(Capacity.of(16 << 20))));
        client = RawClient.passing(server.socket, 16);
        client.send(RawClient.put(1, "key", BODY));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
        await().until(() -> {
            fetch(Mode.COPY);
            return figure("objmapper_memory_hits_total") > 0;
        });
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
    }

    private long figure(String name) {
        return server.store
                .metrics()
                .text()
                .lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1)))
                .sum();
    }

    private byte[] fetch(Mode mode) throws IOException {
        client.send(RawClient.get(3, "key", mode));
        return client.receiveBody();
    }

    @ParameterizedTest
    @EnumSource(names = {"COPY", "SPLICE"})
    void itsBytesAreSent(Mode mode) throws Exception {
        assertThat(fetch(mode)).isEqualTo(BODY);
    }

    @Test
    void itsDescriptorIsPassed() throws Exception {
        client.send(RawClient.get(4, "key", Mode.FDPASS));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
        FileDescriptor[] descriptors = client.takeDescriptors();
        assertThat(descriptors).hasSize(1);
        try (FileInputStream body = new FileInputStream(descriptors[0])) {
            assertThat(body.readAllBytes()).isEqualTo(BODY);
        }
    }
}
