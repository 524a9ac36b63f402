package org.objmapper.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.objmapper.client.ScriptedServer.Received;
import org.objmapper.client.ScriptedServer.Script;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** Threads that wait for their answers read one session in turn. */
class ReaderTest extends AgainstScript {
    /** Longer than a thread that reads goes without looking up. */
    private static final long A_WHILE_MILLIS = 200;

    private static final Key KEY = Key.of("a/key");

    @Test
    void everyThreadGetsItsOwnAnswer() throws Exception {
        int threads = 6;
        int calls = 300;
        try (Script script = server.serve(peer -> {
            for (int i = 0; i < threads * calls * 2; i++) {
                Received get = peer.receive();
                assertThat(get.metadata.find(MetadataType.KEY)).isTrue();
                peer.reply(get, Status.OK, get.metadata.bytes());
            }
        })) {
            List<CompletableFuture<Void>> askers = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                String name = "thread " + t + ", call ";
                CompletableFuture<Void> asker = new CompletableFuture<>();
                askers.add(asker);
                new Thread(() -> {
                            try {
                                askBothWays(name, calls);
                                asker.complete(null);
                            } catch (Exception | AssertionError e) {
                                asker.completeExceptionally(e);
                            }
                        })
                        .start();
            }
            for (CompletableFuture<Void> asker : askers) {
                asker.get();
            }
        }
    }

    private void askBothWays(String name, int calls) throws Exception {
        for (int i = 0; i < calls; i++) {
            Key key = Key.of(name + i);
            CompletableFuture<byte[]> later = client.getAsync(key, new GetOptions())
                    .thenApply(found -> {
                        try (StoredObject object = found.orElseThrow()) {
                            return object.bytes();
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    });
            try (StoredObject object = client.get(key).orElseThrow()) {
                assertThat(object.bytes()).isEqualTo(key.bytes);
            }
            assertThat(later.get()).isEqualTo(key.bytes);
        }
    }

    @Test
    void futuresAreAnsweredHoweverOneWaitsForThem() throws Exception {
        int rounds = 200;
        int each = 8;
        try (Script script = server.serve(peer -> {
            for (int i = 0; i < rounds * each; i++) {
                peer.reply(peer.receive(), Status.OK, new byte[0]);
            }
        })) {
            for (int round = 0; round < rounds; round++) {
                List<CompletableFuture<Boolean>> answers = new ArrayList<>();
                for (int i = 0; i < each; i++) {
                    answers.add(client.deleteAsync(KEY, new DeleteOptions()));
                }
                switch (round % 20) { // most rounds wait in the way that makes the client rely on it
                    case 15 ->
                        CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
                                .join();
                    case 16 -> answers.get(0).get(1, TimeUnit.MINUTES);
                    case 17 -> await().until(answers.get(each - 1)::isDone);
                    case 18 -> CompletableFuture.anyOf(answers.get(1)).join();
                    case 19 -> answers.get(0).thenApply(deleted -> !deleted).join();
                    default -> answers.get(0).get();
                }
                for (CompletableFuture<Boolean> answer : answers) {
                    assertThat(answer.join()).isTrue();
                }
            }
        }
    }

    @Test
    void whatHangsOnAFutureNeverRunsOnAThreadThatWaitsForAnother() throws Exception {
        CountDownLatch hung = new CountDownLatch(1);
        try (Script script = server.serve(peer -> {
            Received first = peer.receive();
            Received second = peer.receive();
            peer.reply(first, Status.OK, new byte[0]);
            peer.reply(second, Status.OK, new byte[0]);
        })) {
            CompletableFuture<Void> first = client.deleteAsync(KEY, new DeleteOptions())
                    .thenAccept(unused -> {
                        try {
                            hung.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    });
            assertThat(client.deleteAsync(KEY, new DeleteOptions()).get()).isTrue();
            hung.countDown();
            first.get();
        }
    }

    /** Junixsocket closes a socket that can't be written to, and with it what came by it. */
    @Test
    void whatCameStaysOpenWhenTheServerIsGoneAndTheClientWrites() throws Exception {
        Path file = Files.write(directory.resolve("body"), "a body".getBytes(UTF_8));
        StoredObject object;
        try (FileInputStream body = new FileInputStream(file.toFile());
                Script script = server.serve(peer -> {
                    Received get = peer.receive();
                    peer.replyTogether(body.getFD(), "a body".length(), List.of(get));
                })) {
            object = client.get(KEY).orElseThrow();
        }
        server.close();
        assertThatThrownBy(() -> client.purge(Purge.key(KEY))).isInstanceOf(ObjmapperException.class);
        assertThat(object.bytes()).isEqualTo("a body".getBytes(UTF_8));
        client.close();
        assertThat(object.bytes()).isEqualTo("a body".getBytes(UTF_8));
        long sockets = sockets();
        object.close();
        assertThat(sockets()).as("with the last of what came the socket goes").isLessThan(sockets);
    }

    private long sockets() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.filter(ReaderTest::isSocket).count();
        }
    }

    private static boolean isSocket(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
        } catch (IOException e) {
            return false; // the one that listed them
        }
    }

    @Test
    void whoReadsHandsOverToTheNextThatWaits() throws Exception {
        CountDownLatch firstIsAnswered = new CountDownLatch(1);
        try (Script script = server.serve(peer -> {
            Received first = peer.receive();
            Received second = peer.receive();
            peer.reply(first, Status.OK, new byte[0]);
            firstIsAnswered.await();
            peer.reply(second, Status.OK, new byte[0]);
        })) {
            CompletableFuture<Void> other =
                    CompletableFuture.runAsync(() -> pingAnd(firstIsAnswered), command -> new Thread(command).start());
            pingAnd(firstIsAnswered);
            other.get();
        }
    }

    private void pingAnd(CountDownLatch answered) {
        try {
            client.ping();
            answered.countDown();
        } catch (ObjmapperException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aThreadThatReadsCanBeInterrupted() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try (Script script = server.serve(peer -> {
            Received ping = peer.receive();
            arrived.countDown();
            over.await();
            Received cancel = peer.receive();
            assertThat(cancel.operation).isEqualTo(Operation.CANCEL);
            peer.reply(ping, Status.CANCELLED, new byte[0]);
            peer.reply(cancel, Status.OK, new byte[0]);
        })) {
            Thread asker = new Thread(() -> {
                try {
                    client.ping();
                } catch (ObjmapperException e) {
                    failure.set(e);
                }
            });
            asker.start();
            arrived.await();
            asker.interrupt();
            asker.join();
            over.countDown();
            assertThat(failure.get()).hasMessageContaining("interrupted");
        }
    }

    @Test
    void aSilentServerMakesAThreadThatReadsGiveUp() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        try (ObjmapperClient hasty = builder().timeoutMillis(A_WHILE_MILLIS).build();
                Script script = server.serve(peer -> {
                    assertThat(peer.receive().operation).isEqualTo(Operation.PURGE);
                    over.await();
                })) {
            assertThatThrownBy(() -> hasty.purge(Purge.key(KEY))).hasMessageContaining("no answer");
            over.countDown();
        }
    }

    @Test
    void theEndOfASessionThatNobodyReadsIsNoticed() throws Exception {
        try (Script script = server.serve(peer -> {
            peer.reply(peer.receive(), Status.OK, new byte[0]);
            peer.frame(Operation.GOODBYE, 0, 0, Status.TIMEOUT, new byte[0]);
        })) {
            client.ping();
        }
        try (Script script = server.serve(peer -> peer.reply(peer.receive(), Status.OK, new byte[0]))) {
            client.ping();
        }
    }

    @Test
    void aServerThatDoesNotReadForAWhileGetsEveryByteOnce() throws Exception {
        byte[] body = new byte[3 << 20];
        new Random(1).nextBytes(body);
        CountDownLatch never = new CountDownLatch(1);
        try (Script script = server.serve(peer -> {
            Received put = peer.receive();
            assertThat(never.await(A_WHILE_MILLIS, TimeUnit.MILLISECONDS)).isFalse();
            int at = 0;
            for (Received next = peer.receive(); next.operation == Operation.DATA; next = peer.receive()) {
                assertThat(next.body).isEqualTo(Arrays.copyOfRange(body, at, at + next.body.length));
                at += next.body.length;
            }
            assertThat(at).isEqualTo(body.length);
            peer.reply(put, Status.OK, new byte[0]);
        })) {
            client.put(KEY, Body.of(body));
        }
    }
}
