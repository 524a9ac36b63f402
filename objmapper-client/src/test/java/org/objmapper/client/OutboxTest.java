package org.objmapper.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXServerSocket;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

@Timeout(60)
class OutboxTest {
    private static final int SMALL_BUFFER_BYTES = 8 << 10;
    private static final int SHORT_MILLIS = 20;
    private static final int SEVERAL_TIMES_MILLIS = 10 * SHORT_MILLIS;

    private static final int SENDERS = 6;
    private static final int FRAMES = 50_000;

    @TempDir
    private Path directory;

    @Test
    void aSocketWithASmallBufferWhosePeerDoesNotReadForAWhileTakesEveryByteOnce() throws Exception {
        byte[] body = new byte[100_000];
        new Random(1).nextBytes(body);
        AFUNIXSocketAddress address = AFUNIXSocketAddress.of(directory.resolve("socket"));
        try (AFUNIXServerSocket server = AFUNIXServerSocket.bindOn(address);
                AFUNIXSocket socket = AFUNIXSocket.connectTo(address);
                AFUNIXSocket peer = server.accept()) {
            socket.setSendBufferSize(SMALL_BUFFER_BYTES);
            socket.setSoTimeout(SHORT_MILLIS);
            Outbox outbox = new Outbox(socket);
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> send(outbox, body));
            assertThat(new CountDownLatch(1).await(SEVERAL_TIMES_MILLIS, TimeUnit.MILLISECONDS))
                    .isFalse();
            DataInputStream received = new DataInputStream(peer.getInputStream());
            assertThat(received.readNBytes(Limits.HEADER)).hasSize(Limits.HEADER);
            assertThat(received.readNBytes(body.length)).isEqualTo(body);
            sent.get();
            assertThat(received.available()).isZero();
        }
    }

    /** As one has just written all there was, another may begin to. */
    @Test
    void framesOfManyThreadsGoOutOnceEach() throws Exception {
        AFUNIXSocketAddress address = AFUNIXSocketAddress.of(directory.resolve("socket"));
        try (AFUNIXServerSocket server = AFUNIXServerSocket.bindOn(address);
                AFUNIXSocket socket = AFUNIXSocket.connectTo(address);
                AFUNIXSocket peer = server.accept()) {
            Outbox outbox = new Outbox(socket);
            List<Semaphore> came =
                    Stream.generate(() -> new Semaphore(1)).limit(SENDERS).toList();
            List<Thread> senders = IntStream.range(0, SENDERS)
                    .mapToObj(sender -> new Thread(() -> ping(outbox, sender * FRAMES, came.get(sender))))
                    .toList();
            senders.forEach(Thread::start);
            DataInputStream received = new DataInputStream(new BufferedInputStream(peer.getInputStream()));
            BitSet ids = new BitSet();
            for (int i = 0; i < SENDERS * FRAMES; i++) {
                ByteBuffer frame =
                        ByteBuffer.wrap(received.readNBytes(Limits.HEADER)).order(ByteOrder.LITTLE_ENDIAN);
                int id = new Frame().wrap(frame, 0).requestId();
                assertThat(ids.get(id)).as("frame %d came before", id).isFalse();
                ids.set(id);
                came.get(id / FRAMES).release();
            }
            for (Thread sender : senders) {
                sender.join();
            }
            assertThat(received.available()).isZero();
        }
    }

    private static void ping(Outbox outbox, int firstId, Semaphore came) {
        ByteBuffer nothing = ByteBuffer.allocate(0);
        try {
            for (int i = 0; i < FRAMES; i++) {
                came.acquireUninterruptibly();
                outbox.add(Operation.PING, 0, firstId + i, Status.OK, 0, nothing, nothing);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void send(Outbox outbox, byte[] body) {
        try {
            ByteBuffer nothing = ByteBuffer.allocate(0);
            outbox.add(Operation.DATA, 0, 1, Status.OK, 0, nothing, ByteBuffer.wrap(body));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
