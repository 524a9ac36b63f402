package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.badinput.DirectoryOnDisk;
import org.objmapper.server.store.StoreOptions;

/** What removed objects occupy because a session has their descriptors (protocol-spec.md 8.3). */
class HeldBytesTest {
    private static final byte[] BODY = new byte[600_000];
    private static final long FOR_EVER = 0;

    @TempDir(factory = DirectoryOnDisk.class)
    Path directory;

    private ServerUnderTest server;
    private RawClient client;

    @BeforeEach
    void start() throws Exception {
        serve(2L * BODY.length, FOR_EVER);
    }

    private void serve(long heldBytesPerSession, long graceMillis) throws Exception {
        Path data = Files.createDirectories(directory.resolve("data"));
        StoreOptions options = StoreOptions.of(data).withHeld(heldBytesPerSession, graceMillis);
        server = new ServerUnderTest(directory, ServerUnderTest.LIMITS, 1, options);
        client = RawClient.passing(server.socket, 16);
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        server.close();
    }

    private void expectOk(RawClient by) throws IOException {
        assertThat(by.receive().status()).isEqualTo(Status.OK);
    }

    private void put(String key) throws Exception {
        client.send(RawClient.putDurably(1, key, BODY));
        expectOk(client);
    }

    /** A descriptor of an object that is gone then. */
    private FileInputStream hold(String key) throws Exception {
        put(key);
        client.send(RawClient.get(2, key, Mode.FDPASS));
        expectOk(client);
        FileDescriptor[] descriptors = client.takeDescriptors();
        assertThat(descriptors).hasSize(1);
        client.send(RawClient.frame(w -> w.begin(Operation.DELETE, 0, 3, Status.OK, 0)
                .text(MetadataType.KEY, key)
                .u32(MetadataType.DURABILITY, 1)));
        expectOk(client);
        return new FileInputStream(descriptors[0]);
    }

    /** The mode in which a session gets an object that it asks for as a descriptor. */
    private long modeFor(RawClient by, String key) throws Exception {
        by.send(RawClient.get(4, key, Mode.FDPASS));
        RawClient.Answer answer = by.receive();
        long mode = answer.u32(MetadataType.MODE);
        if (mode == Mode.FDPASS.code()) {
            for (FileDescriptor descriptor : by.takeDescriptors()) {
                new FileInputStream(descriptor).close();
            }
        }
        while (answer.more() || answer.operation() == Operation.DATA) {
            answer = by.receive();
        }
        return mode;
    }

    private String figures() {
        return server.store.metrics().text();
    }

    private void awaitHeld(int bodies) {
        await().untilAsserted(() -> assertThat(figures())
                .contains("objmapper_store_held_session_bytes " + (long) bodies * BODY.length + "\n"));
    }

    @Test
    void aSessionThatHoldsMoreThanItMayGetsCopiesUntilItLetsGo() throws Exception {
        put("key");
        try (FileInputStream first = hold("a");
                FileInputStream second = hold("b")) {
            awaitHeld(2);
            assertThat(modeFor(client, "key")).as("as much as it may").isEqualTo(Mode.FDPASS.code());
            try (FileInputStream third = hold("c")) {
                awaitHeld(3);
                assertThat(modeFor(client, "key")).as("more than it may").isEqualTo(Mode.COPY.code());
                try (RawClient other = RawClient.passing(server.socket, 16)) {
                    assertThat(modeFor(other, "key")).as("of another session").isEqualTo(Mode.FDPASS.code());
                }
                assertThat(first.readAllBytes()).hasSize(BODY.length);
                assertThat(second.readAllBytes()).hasSize(BODY.length);
                assertThat(third.readAllBytes()).hasSize(BODY.length);
            }
            awaitHeld(2);
            assertThat(modeFor(client, "key")).as("as much as it may, again").isEqualTo(Mode.FDPASS.code());
        }
        awaitHeld(0);
    }

    @Test
    void theFiguresNameUserProcessAndObjects() throws Exception {
        String uid = Files.getAttribute(directory, "unix:uid").toString();
        assertThat(figures()).contains("objmapper_store_held_known 1\n");
        try (FileInputStream first = hold("a")) {
            awaitHeld(1);
            assertThat(figures())
                    .contains("objmapper_store_held_bytes 600000\n")
                    .contains("objmapper_store_held_user_bytes{uid=\"" + uid + "\"} 600000\n")
                    .contains("objmapper_store_held_process_bytes{pid=\""
                            + ProcessHandle.current().pid() + "\"} 600000\n")
                    .containsPattern("objmapper_store_held_object_bytes\\{generation=\"[0-9]+\"} 600000\n");
            client.endInput();
            await().until(() -> figures().contains("objmapper_store_held_session_bytes 0\n"));
            assertThat(figures())
                    .as("the session has ended, and its user's program still holds it")
                    .contains("objmapper_store_held_user_bytes{uid=\"" + uid + "\"} 600000\n");
            assertThat(first.readAllBytes()).hasSize(BODY.length);
        }
        await().until(() -> !figures().contains("objmapper_store_held_user_bytes{"));
        assertThat(figures()).doesNotContain("objmapper_store_held_object_bytes{");
    }

    @Test
    void aSessionThatHoldsMoreForTooLongEndsAndOthersDoNot() throws Exception {
        stop();
        serve(BODY.length, 1);
        try (FileInputStream first = hold("a");
                RawClient other = RawClient.passing(server.socket, 16)) {
            awaitHeld(1);
            put("key");
            assertThat(modeFor(client, "key")).as("as much as it may").isEqualTo(Mode.FDPASS.code());
            try (FileInputStream second = hold("b")) {
                RawClient.Answer answer = client.receive();
                assertThat(answer.operation()).isEqualTo(Operation.ERROR);
                assertThat(answer.status()).isEqualTo(Status.BUSY);
                assertThat(answer.message()).contains("occupy 1200000 bytes", "600000", "held_bytes_per_session");
                assertThat(client.isClosedByServer()).isTrue();
                assertThat(second.readAllBytes()).hasSize(BODY.length);
            }
            assertThat(first.readAllBytes()).hasSize(BODY.length);
            assertThat(modeFor(other, "key")).isEqualTo(Mode.FDPASS.code());
        }
    }
}
