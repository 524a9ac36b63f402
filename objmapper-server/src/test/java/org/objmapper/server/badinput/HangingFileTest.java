package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.StoreOptions;
import org.objmapper.server.transport.RawClient;
import org.objmapper.server.transport.ServerUnderTest;

/** A client passes a file whose file system never answers. */
@Timeout(300) // a server that waits for it would have the test wait for ever
class HangingFileTest {
    private static final byte[] OLD = {1, 2, 3};
    private static final int LENGTH = 100_000;
    /** More than there are threads that work on passed descriptors. */
    private static final int MANY = 80;

    @TempDir
    Path directory;

    private final Descriptors descriptors = new Descriptors();
    private Path source;
    private Path mounted;

    @BeforeEach
    void makePlaces() throws IOException {
        source = Files.createDirectory(directory.resolve("source"));
        mounted = Files.createDirectory(directory.resolve("mounted"));
        Files.write(source.resolve("file"), new byte[LENGTH]);
    }

    @Test
    void itIsRefusedAtOnceAndNobodyWaitsForItsClose() throws Exception {
        try (FaultyFileSystem disk = new FaultyFileSystem(source, mounted);
                ServerUnderTest server = new ServerUnderTest(
                        directory,
                        ServerUnderTest.LIMITS,
                        2,
                        StoreOptions.of(Files.createDirectory(directory.resolve("data")))
                                .withPassedDescriptorUids(Set.of(0)));
                RawClient other = RawClient.passing(server.socket, 1)) {
            putOld(other);
            int file = descriptors.open(mounted.resolve("file"), Descriptors.READ_ONLY);
            long before = Descriptors.count();
            for (String operation : List.of("flush", "getattr", "read", "open", "statfs")) {
                disk.hang(operation);
            }
            try (RawClient client = RawClient.passing(server.socket, 1)) {
                for (int id = 1; id <= MANY; id++) {
                    client.sendWith(RawClient.putDescriptor(id, "key", LENGTH), file);
                    RawClient.Answer answer = client.receive();
                    assertThat(answer.status()).as(answer.message()).isEqualTo(Status.BAD_DESCRIPTOR);
                    assertThat(answer.message()).contains("nor a file on the store's file system");
                }
                client.sendWith(RawClient.ping(MANY + 1), file, file, file);
                assertThat(client.receive().status()).isEqualTo(Status.OK);
            }
            disk.awaitHanging("flush");
            for (int id = 2; id <= MANY; id += 2) {
                assertHasOld(other, id);
                other.send(RawClient.put(id + 1, "other", new byte[LENGTH]));
                assertThat(other.receive().status()).isEqualTo(Status.OK);
            }
            disk.clear("flush");
            descriptors.close();
            await().untilAsserted(() -> assertThat(Descriptors.count()).isLessThanOrEqualTo(before));
        }
    }

    @Test
    void whereItIsTheStoresOwnItsPutFailsWithItAndNobodyElses() throws Exception {
        Path data = Files.createDirectory(source.resolve("data"));
        try (FaultyFileSystem disk = new FaultyFileSystem(source, mounted)) {
            try (ServerUnderTest server = new ServerUnderTest(
                            directory,
                            ServerUnderTest.LIMITS,
                            2,
                            StoreOptions.of(mounted.resolve(data.getFileName())).withPassedDescriptorUids(Set.of(0)));
                    RawClient client = RawClient.passing(server.socket, 1);
                    RawClient other = RawClient.passing(server.socket, 1)) {
                putOld(other);
                disk.only("file");
                disk.hang("read");
                long before = Descriptors.count();
                int file = descriptors.open(mounted.resolve("file"), Descriptors.READ_ONLY);
                client.sendWith(RawClient.putDescriptor(1, "key", LENGTH), file);
                disk.awaitHanging("read");
                int good = descriptors.sealed(new byte[LENGTH]);
                for (int id = 2; id <= MANY; id += 2) {
                    assertHasOld(other, id);
                    other.sendWith(RawClient.putDescriptor(id + 1, "other", LENGTH), good);
                    assertThat(other.receive().status()).isEqualTo(Status.OK);
                }
                disk.fail("read", "EIO");
                RawClient.Answer answer = client.receive();
                assertThat(answer.status()).isEqualTo(Status.IO_ERROR);
                assertThat(answer.message()).contains("the passed descriptor", "Input/output error");
                assertHasOld(client, 2);
                descriptors.close();
                await().untilAsserted(() -> assertThat(Descriptors.count()).isLessThanOrEqualTo(before + 1));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aServerStopsThoughItsCloseHangsAndASuccessorTakesOver(boolean hurried) throws Exception {
        FaultyFileSystem disk = new FaultyFileSystem(source, mounted);
        try (disk;
                ServerProcess stuck = ServerProcess.serve(directory, List.of())) {
            Path socket = directory.resolve("s");
            try (RawClient client = RawClient.passing(socket, 1)) {
                client.send(RawClient.putDurably(1, "key", OLD));
                assertThat(client.receive().status()).isEqualTo(Status.OK);
                int file = descriptors.open(mounted.resolve("file"), Descriptors.READ_ONLY);
                client.sendWith(RawClient.ping(2), file);
                assertThat(client.receive().status()).isEqualTo(Status.OK);
                descriptors.close(); // or each program that is started from here would hang in closing it
                disk.hang("flush");
                client.send(RawClient.putDescriptor(3, "key", LENGTH));
                assertThat(client.receive().status()).isEqualTo(Status.BAD_DESCRIPTOR);
                disk.awaitHanging("flush");
            }
            stuck.terminate();
            if (hurried) {
                await().until(() -> stuck.log().contains("stops; sessions="));
                stuck.terminate();
                await().until(() -> stuck.log().contains("waits no longer"));
            }
            await().atMost(Duration.ofMinutes(2))
                    .until(() -> !Files.exists(socket) && stuck.log().contains("given up"));
            try (ServerProcess successor = ServerProcess.serve(directory, List.of());
                    RawClient client = RawClient.greeted(socket)) {
                assertHasOld(client, 1);
            }
            disk.close();
            assertThat(stuck.awaitExit()).isZero();
        } finally {
            descriptors.close();
        }
    }

    private static void putOld(RawClient client) throws Exception {
        client.send(RawClient.put(1, "key", OLD));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
    }

    private static void assertHasOld(RawClient client, int id) throws Exception {
        client.send(RawClient.get(id, "key"));
        assertThat(client.receive().body()).isEqualTo(OLD);
    }
}
