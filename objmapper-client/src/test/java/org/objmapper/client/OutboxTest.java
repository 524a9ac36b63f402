package org.objmapper.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXServerSocket;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

@Timeout(60)
class OutboxTest {
    private static final int SMALL_BUFFER_BYTES = 8 << 10;
    private static final int SHORT_MILLIS = 20;
    private static final int SEVERAL_TIMES_MILLIS = 10 * SHORT_MILLIS;

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

    private static void send(Outbox outbox, byte[] body) {
        try {
            ByteBuffer nothing = ByteBuffer.allocate(0);
            outbox.add(Operation.DATA, 0, 1, Status.OK, 0, nothing, ByteBuffer.wrap(body));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
