package org.objmapper.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.objmapper.client.ScriptedServer.Peer;
import org.objmapper.client.ScriptedServer.Received;
import org.objmapper.client.ScriptedServer.Script;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** Calls that nobody waits for any more, on a session that takes one request at a time. */
class CancellationTest extends AgainstScript {
    private static final Key KEY = Key.of("key");
    private static final byte[] BODY = "the body".getBytes(UTF_8);

    @BeforeEach
    void takeOneRequestAtATime() {
        server.maxRequests = 1;
    }

    private static void receiveCancelOf(Received target, Peer peer) throws IOException {
        Received cancel = peer.receive();
        assertThat(cancel.operation).isEqualTo(Operation.CANCEL);
        assertThat(cancel.metadata.find(MetadataType.TARGET)).isTrue();
        assertThat(cancel.metadata.u32()).isEqualTo(target.id);
        peer.reply(target, Status.CANCELLED, new byte[0]);
        peer.reply(cancel, Status.OK, new byte[0]);
    }

    @Test
    void aCancelledCallIsCancelledOnTheServerAndItsPlaceGoesToTheNext() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        try (Script script = server.serve(peer -> {
            peer.reply(peer.receive(), Status.OK, new byte[0]);
            Received delete = peer.receive();
            arrived.countDown();
            receiveCancelOf(delete, peer);
            peer.reply(peer.receive(), Status.OK, new byte[0]);
        })) {
            client.ping();
            CompletableFuture<Boolean> delete = client.deleteAsync(KEY, new DeleteOptions());
            arrived.await();
            assertThat(delete.cancel(false)).isTrue();
            client.ping();
        }
    }

    @Test
    void aFutureThatItsOwnerEndsOtherwiseIsCancelledToo() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        try (Script script = server.serve(peer -> {
            Received first = peer.receive();
            arrived.countDown();
            receiveCancelOf(first, peer);
            peer.reply(peer.receive(), Status.OK, new byte[0]);
        })) {
            CompletableFuture<Boolean> delete = client.deleteAsync(KEY, new DeleteOptions());
            arrived.await();
            delete.completeExceptionally(new TimeoutException("as orTimeout does it"));
            client.ping();
        }
    }

    @Test
    void aCallThatTimesOutIsCancelledAndItsPlaceGoesToTheNext() throws Exception {
        client.close();
        client = builder().timeoutMillis(2_000).build();
        try (Script script = server.serve(peer -> {
            receiveCancelOf(peer.receive(), peer);
            peer.reply(peer.receive(), Status.OK, new byte[0]);
        })) {
            ObjmapperException failure = catchThrowableOfType(ObjmapperException.class, () -> client.delete(KEY));
            assertThat(failure.status()).contains(Status.TIMEOUT);
            assertThat(failure.hadNoEffect()).isFalse();
            client.ping();
        }
    }

    @Test
    void aCancelledPutSendsNoMoreOfItsBody() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch cancelled = new CountDownLatch(1);
        InputStream slow = new InputStream() {
            @Override
            public int read() throws IOException {
                try {
                    cancelled.await();
                    return 'x';
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }
        };
        try (Script script = server.serve(peer -> {
            Received put = peer.receive();
            assertThat(put.more).isTrue();
            arrived.countDown();
            receiveCancelOf(put, peer);
            Received end = peer.receive();
            assertThat(end.operation).isEqualTo(Operation.END);
            assertThat(Status.of(end.status)).isEqualTo(Status.CANCELLED);
            peer.reply(peer.receive(), Status.OK, new byte[0]);
        })) {
            CompletableFuture<ObjectMetadata> put = client.putAsync(KEY, Body.of(slow), new PutOptions());
            arrived.await();
            put.cancel(false);
            cancelled.countDown();
            client.ping();
        }
    }

    @Test
    void aCallThatIsCancelledBeforeItsTurnIsNeverSent() throws Exception {
        List<Runnable> waiting = new ArrayList<>();
        client.close();
        client = builder().executor(waiting::add).build();
        try (Script script = server.serve(peer -> {
            assertThat(peer.receive().operation).isEqualTo(Operation.PING);
        })) {
            CompletableFuture<ObjectMetadata> put =
                    client.putAsync(KEY, Body.of(new ByteArrayInputStream(BODY)), new PutOptions());
            put.cancel(false);
            assertThat(waiting).hasSize(1);
            waiting.get(0).run();
            client.pingAsync();
            waiting.get(1).run();
        }
    }

    @Test
    void aCallThatIsCancelledWhileItWaitsForAPlaceIsNeverSent() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        try (Script script = server.serve(peer -> {
            Received first = peer.receive();
            arrived.countDown();
            over.await();
            peer.reply(first, Status.OK, new byte[0]);
            assertThat(peer.receive().operation).isEqualTo(Operation.PING);
        })) {
            CompletableFuture<Boolean> first = client.deleteAsync(KEY, new DeleteOptions());
            arrived.await();
            CompletableFuture<ObjectMetadata> put =
                    client.putAsync(KEY, Body.of(new ByteArrayInputStream(BODY)), new PutOptions());
            put.cancel(false);
            over.countDown();
            assertThat(first.get()).isTrue();
            client.pingAsync();
        }
    }

    @Test
    void anObjectThatComesThoughItWasCancelledIsClosed() throws Exception {
        Path file = Files.write(directory.resolve("body"), BODY);
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch cancelled = new CountDownLatch(1);
        try (FileInputStream body = new FileInputStream(file.toFile());
                Script script = server.serve(peer -> {
                    Received get = peer.receive();
                    arrived.countDown();
                    cancelled.await();
                    peer.replyTogether(body.getFD(), BODY.length, List.of(get));
                    Received next = peer.receive();
                    if (next.operation == Operation.CANCEL) { // else the object came before it was sent
                        peer.reply(next, Status.NOT_FOUND, new byte[0]);
                        next = peer.receive();
                    }
                    peer.reply(next, Status.OK, new byte[0]);
                })) {
            CompletableFuture<Optional<StoredObject>> get = client.getAsync(KEY, new GetOptions());
            arrived.await();
            get.cancel(false);
            cancelled.countDown();
            client.ping();
            await().until(() -> openedFrom(file) == 1); // the script's own
        }
    }

    private static long openedFrom(Path file) throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(descriptor -> leadsTo(descriptor, file)).count();
        }
    }

    private static boolean leadsTo(Path descriptor, Path file) {
        try {
            return Files.readSymbolicLink(descriptor).equals(file);
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
