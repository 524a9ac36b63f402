package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.client.Body;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.StoredObject;

/**
 * The Java client passes a long file as a descriptor, and sends its bytes where the server refuses that. The server counts both attempts,
 * so one PUT that is answered twice was passed in vain, and one that is answered once, by a server that could have refused, was taken.
 */
class PassedPathTest {
    private static final int LONG = 5_000_000;
    private static final Key KEY = Key.of("key");

    @TempDir
    private Path directory;

    private RunningServer start(String passedDescriptorUids) throws IOException {
        Path configuration = Files.writeString(
                directory.resolve("objmapperd.toml"),
                "[store]\ncapacity = \"1 GiB\"\n[server]\npassed_descriptor_uids = [" + passedDescriptorUids + "]\n");
        return RunningServer.in(directory, "--config", configuration.toString());
    }

    private ObjmapperClient client() {
        return ObjmapperClient.builder(directory.resolve("objmapper.sock"))
                .poolSize(1)
                .build();
    }

    private String ownUid() throws IOException {
        return Files.getAttribute(directory, "unix:uid").toString();
    }

    private static byte[] random(int seed) {
        byte[] bytes = new byte[LONG];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static long putsAnswered(ObjmapperClient client) throws IOException {
        return client.stat().get("objmapper_requests_put_total");
    }

    private static void expectStored(ObjmapperClient client, byte[] bytes) throws IOException {
        try (StoredObject object = client.get(KEY).orElseThrow()) {
            assertThat(object.bytes()).isEqualTo(bytes);
        }
    }

    @Test
    void aServerThatTakesFilesFromThisUserCopiesThemFromTheirDescriptors() throws Exception {
        byte[] bytes = random(1);
        Path file = Files.write(directory.resolve("file"), bytes);
        try (RunningServer server = start(ownUid());
                ObjmapperClient client = client()) {
            assertThat(client.put(KEY, Body.of(file)).length()).isEqualTo(LONG);
            assertThat(putsAnswered(client)).isEqualTo(1);
            Files.write(file, random(2));
            expectStored(client, bytes);
            assertThat(server.stop()).isZero();
        }
    }

    @Test
    void aServerThatTakesNoFilesFromThisUserGetsTheBytesAndIsAskedOnce() throws Exception {
        try (RunningServer server = start("");
                ObjmapperClient client = client()) {
            client.put(KEY, Body.of(Files.write(directory.resolve("first"), random(1))));
            assertThat(putsAnswered(client)).isEqualTo(2);
            expectStored(client, random(1));
            client.put(KEY, Body.of(Files.write(directory.resolve("second"), random(2))));
            assertThat(putsAnswered(client)).isEqualTo(3);
            expectStored(client, random(2));
            assertThat(server.stop()).isZero();
        }
    }

    @Test
    void aFileOutsideTheStoresFileSystemIsSentAndOneInsideIsPassedAllTheSame() throws Exception {
        Path outside = Files.createTempFile(Path.of("/dev/shm"), "objmapper", ".body");
        try (RunningServer server = start(ownUid());
                ObjmapperClient client = client()) {
            client.put(KEY, Body.of(Files.write(outside, random(1))));
            assertThat(putsAnswered(client)).isEqualTo(2);
            expectStored(client, random(1));
            client.put(KEY, Body.of(Files.write(directory.resolve("inside"), random(2))));
            assertThat(putsAnswered(client)).isEqualTo(3);
            expectStored(client, random(2));
            assertThat(server.stop()).isZero();
        } finally {
            Files.delete(outside);
        }
    }
}
