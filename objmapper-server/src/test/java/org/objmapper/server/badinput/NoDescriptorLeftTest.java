package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.transport.RawClient;

/** A process of objmapperd that may open few files, and has opened them. */
@Timeout(60)
class NoDescriptorLeftTest {
    private static final int OPEN_FILES = 256;
    private static final byte[] BODY = new byte[100_000];

    static {
        new Random(23).nextBytes(BODY);
    }

    @TempDir
    Path directory;

    private final List<RawClient> crowd = new ArrayList<>();
    private ServerProcess server;
    private RawClient live;
    private int id;

    @BeforeEach
    void start() throws Exception {
        server = ServerProcess.serve(directory, List.of("prlimit", "--nofile=" + OPEN_FILES));
        live = RawClient.passing(socket(), 1);
    }

    @AfterEach
    void stop() throws Exception {
        live.close();
        leave(crowd.size());
        server.close();
    }

    private Path socket() {
        return directory.resolve("s");
    }

    @Test
    void aClientThatComesIsToldSoAndTheOthersGoOnUntilThereIsRoomAgain() throws Exception {
        put("hot");
        assertComesByDescriptor("hot");
        for (int i = 0; i < 20; i++) {
            put("cold" + i);
        }
        RawClient.Answer refusal = comeUntilRefused();
        assertThat(refusal.operation()).isEqualTo(Operation.ERROR);
        assertThat(refusal.status()).as(refusal.message()).isEqualTo(Status.BUSY);
        assertThat(refusal.message()).contains("no descriptor is free", "limit of open files");
        for (int i = 0; i < 20; i++) {
            assertThat(comeUntilRefused().status()).isEqualTo(Status.BUSY);
            assertComesByDescriptor("hot");
            assertComesByDescriptor("cold" + i);
            put("new" + i);
            assertComesByDescriptor("new" + i);
        }
        assertPassedFileIsTaken();
        assertThat(server.descriptorCount()).isLessThanOrEqualTo(OPEN_FILES);
        leave(10);
        await().until(() -> come() == null);
        assertComesByDescriptor("hot");
        leave(crowd.size());
        await().until(() -> come() == null);
        assertThat(server.log()).contains("raise the limit of open files").doesNotContain("Exception", "ERROR");
        assertThat(server.log().lines().filter(line -> line.contains("a session was turned away")))
                .as("of more than 20 that were refused, as many as this test may take times ten seconds")
                .hasSizeBetween(1, 7);
    }

    @Test
    void objectsThatAreKeptAtHandMakeRoomForClients() throws Exception {
        for (int i = 0; i < OPEN_FILES; i++) {
            put("key" + i);
        }
        for (int i = 0; server.descriptorCount() < OPEN_FILES * 3 / 4; i++) {
            assertThat(i).isLessThan(OPEN_FILES);
            assertComesByDescriptor("key" + i);
        }
        int room = OPEN_FILES / 4;
        for (int i = 0; i < room; i++) {
            assertThat(come()).isNull();
        }
        assertComesByDescriptor("key0");
    }

    private void put(String key) throws Exception {
        live.send(RawClient.put(++id, key, BODY));
        RawClient.Answer answer = live.receive();
        assertThat(answer.status()).as(answer.message()).isEqualTo(Status.OK);
    }

    private void assertComesByDescriptor(String key) throws Exception {
        live.send(RawClient.get(++id, key, Mode.FDPASS));
        RawClient.Answer answer = live.receive();
        assertThat(answer.status()).as(answer.message()).isEqualTo(Status.OK);
        FileDescriptor[] passed = live.takeDescriptors();
        assertThat(passed).hasSize(1);
        try (FileInputStream body = new FileInputStream(passed[0])) {
            assertThat(body.readAllBytes()).isEqualTo(BODY);
        }
    }

    private void assertPassedFileIsTaken() throws Exception {
        try (Descriptors descriptors = new Descriptors()) {
            live.sendWith(RawClient.putDescriptor(++id, "passed", BODY.length), descriptors.sealed(BODY));
            RawClient.Answer answer = live.receive();
            assertThat(answer.status()).as(answer.message()).isEqualTo(Status.OK);
        }
        assertComesByDescriptor("passed");
    }

    private RawClient.Answer comeUntilRefused() throws Exception {
        RawClient.Answer refusal = come();
        while (refusal == null) {
            assertThat(crowd).hasSizeLessThan(OPEN_FILES);
            refusal = come();
        }
        return refusal;
    }

    /** One more client, which stays; or what it is refused with. Null where it is not. */
    private RawClient.@Nullable Answer come() throws Exception {
        RawClient client = new RawClient(socket());
        try {
            client.send(RawClient.hello());
        } catch (IOException e) {
            // the refusal came first, and is there to be read
        }
        RawClient.Answer answer = client.receive();
        if (answer.operation() == Operation.HELLO) {
            crowd.add(client);
            return null;
        }
        client.close();
        return answer;
    }

    private void leave(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            crowd.remove(crowd.size() - 1).close();
        }
    }
}
