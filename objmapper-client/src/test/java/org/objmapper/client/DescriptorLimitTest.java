package org.objmapper.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.client.ScriptedServer.Peer;
import org.objmapper.client.ScriptedServer.Received;
import org.objmapper.client.ScriptedServer.Script;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** A client whose process has no more descriptors free. It is {@link CrowdedClient}, in a JVM of its own with a limit of its own. */
class DescriptorLimitTest {
    private static final byte[] BODY = "the body".getBytes(UTF_8);

    @TempDir
    Path directory;

    @Test
    void descriptorsThatDoNotFitAreAClearErrorAndTheNextSessionTakesThemOneByOne() throws Exception {
        Path file = Files.write(directory.resolve("body"), BODY);
        try (ScriptedServer server = new ScriptedServer(directory.resolve("socket"));
                FileInputStream body = new FileInputStream(file.toFile());
                Script script = ScriptedServer.script(() -> {
                    try (Peer peer = server.accept()) {
                        assertThat(messageDescriptors(peer)).isEqualTo(60);
                        peer.replyTogether(body.getFD(), BODY.length, receive(peer, 1));
                        peer.replyTogether(body.getFD(), BODY.length, receive(peer, 5));
                    }
                    try (Peer peer = server.accept()) {
                        assertThat(messageDescriptors(peer)).isEqualTo(1);
                        peer.replyTogether(body.getFD(), BODY.length, receive(peer, 1));
                    }
                })) {
            run("lost");
        }
    }

    @Test
    void aDescriptorNeedsNoRoomForASecond() throws Exception {
        Path file = Files.write(directory.resolve("body"), BODY);
        try (ScriptedServer server = new ScriptedServer(directory.resolve("socket"));
                FileInputStream body = new FileInputStream(file.toFile());
                Script script = ScriptedServer.script(() -> {
                    try (Peer peer = server.accept()) {
                        peer.replyTogether(body.getFD(), BODY.length, receive(peer, 1));
                        peer.replyTogether(body.getFD(), BODY.length, receive(peer, 1));
                        peer.reply(peer.receive(), Status.OK, new byte[0]);
                        peer.replyTogether(body.getFD(), BODY.length, receive(peer, 1));
                    }
                })) {
            run("the last");
        }
    }

    @Test
    void asManyDescriptorsAsTheGreetingSaysComeInOneMessage() throws Exception {
        Path file = Files.write(directory.resolve("body"), BODY);
        try (ScriptedServer server = new ScriptedServer(directory.resolve("socket"));
                FileInputStream body = new FileInputStream(file.toFile());
                ObjmapperClient client = ObjmapperClient.builder(directory.resolve("socket"))
                        .poolSize(1)
                        .build();
                Script script = ScriptedServer.script(() -> {
                    try (Peer peer = server.accept()) {
                        peer.reply(peer.receive(), Status.OK, new byte[0]);
                        peer.replyTogether(body.getFD(), BODY.length, receive(peer, Inbox.MAX_MESSAGE_DESCRIPTORS));
                    }
                })) {
            client.ping();
            List<CompletableFuture<Optional<StoredObject>>> answers = new ArrayList<>();
            for (int i = 0; i < Inbox.MAX_MESSAGE_DESCRIPTORS; i++) {
                answers.add(client.getAsync(Key.of("key" + i), new GetOptions()));
            }
            for (CompletableFuture<Optional<StoredObject>> answer : answers) {
                try (StoredObject object = answer.get().orElseThrow()) {
                    assertThat(object.bytes()).isEqualTo(BODY);
                }
            }
        }
    }

    /** The kernel hands out the end of one message together with the beginning, and the descriptors, of the next. */
    @Test
    void twoMessagesOfDescriptorsMayWaitAtOnce() throws Exception {
        Path file = Files.write(directory.resolve("body"), BODY);
        int each = Inbox.MAX_MESSAGE_DESCRIPTORS;
        byte[] opaque = new byte[800]; // more than one packet of the kernel's for a message
        CountDownLatch readerIsBusy = new CountDownLatch(1);
        CountDownLatch bothAreSent = new CountDownLatch(1);
        try (ScriptedServer server = new ScriptedServer(directory.resolve("socket"));
                FileInputStream body = new FileInputStream(file.toFile());
                ObjmapperClient client = ObjmapperClient.builder(directory.resolve("socket"))
                        .poolSize(1)
                        .maxRequests(2 * each + 1)
                        .executor(Runnable::run) // so that what waits for a future holds the session up
                        .build()) {
            server.maxRequests = 2 * each + 1;
            try (Script script = ScriptedServer.script(() -> {
                try (Peer peer = server.accept()) {
                    peer.reply(peer.receive(), Status.OK, new byte[0]);
                    Received first = peer.receive();
                    List<Received> gets = receive(peer, 2 * each);
                    peer.reply(first, Status.OK, new byte[0]);
                    readerIsBusy.await();
                    peer.replyTogether(body.getFD(), BODY.length, gets.subList(0, each), opaque);
                    peer.replyTogether(body.getFD(), BODY.length, gets.subList(each, 2 * each), opaque);
                    bothAreSent.countDown();
                }
            })) {
                client.ping();
                CompletableFuture<Void> held = client.getAsync(Key.of("first"), new GetOptions())
                        .thenAccept(unused -> {
                            readerIsBusy.countDown();
                            await(bothAreSent);
                        });
                List<CompletableFuture<Optional<StoredObject>>> answers = new ArrayList<>();
                for (int i = 0; i < 2 * each; i++) {
                    answers.add(client.getAsync(Key.of("key" + i), new GetOptions()));
                }
                for (CompletableFuture<Optional<StoredObject>> answer : answers) {
                    try (StoredObject object = answer.get().orElseThrow()) {
                        assertThat(object.bytes()).isEqualTo(BODY);
                    }
                }
                held.get();
            }
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int messageDescriptors(Peer peer) {
        assertThat(peer.hello.metadata.find(MetadataType.MAX_MESSAGE_DESCRIPTORS))
                .isTrue();
        return peer.hello.metadata.u32();
    }

    private static List<Received> receive(Peer peer, int count) throws IOException {
        List<Received> received = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            received.add(peer.receive());
        }
        return received;
    }

    private void run(String scene) throws Exception {
        Process child = new ProcessBuilder(
                        "prlimit",
                        "--nofile=256:256",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:-UseContainerSupport", // or the JVM opens files of its own whenever it counts processors
                        "-cp",
                        System.getProperty("java.class.path"),
                        CrowdedClient.class.getName(),
                        directory.resolve("socket").toString(),
                        scene)
                .redirectErrorStream(true)
                .start();
        String said = new String(child.getInputStream().readAllBytes(), UTF_8);
        assertThat(child.waitFor()).as(said).isZero();
    }
}
