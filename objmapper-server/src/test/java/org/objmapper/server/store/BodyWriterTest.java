package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;

/** A body on its way holds others up no longer than the device needs, and its file is closed once, by a thread that may wait. */
class BodyWriterTest {
    private final CountDownLatch closerGoesOn = new CountDownLatch(1);

    @TempDir
    Path directory;

    private StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        store = new StoreUnderTest(StoreOptions.of(directory).withDevice(1, 1_024));
    }

    @AfterEach
    void close() {
        closerGoesOn.countDown();
        store.close();
    }

    private void keepCloserBusy() {
        store.store().closer().later(() -> {
            try {
                closerGoesOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Waits until the device has done all that it was given so far. */
    private void awaitDevice() {
        CompletableFuture<Void> reached = new CompletableFuture<>();
        assertThat(store.store().submit(() -> reached.complete(null))).isTrue();
        StoreUnderTest.await(reached);
    }

    /** How many files without a name the store has open. */
    private long bodyFiles() {
        Path objects = directory.resolve("objects");
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.filter(link -> isDeletedIn(objects, link)).count();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean isDeletedIn(Path objects, Path link) {
        try {
            String target = Files.readSymbolicLink(link).toString();
            return target.startsWith(objects.toString()) && target.endsWith("(deleted)");
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }

    private static int write(BodyWriter writer, int length) {
        return writer.write(ByteBuffer.allocate(length), 0, length);
    }

    @Test
    void whoGivesABodyUpDoesNotWaitUntilItsFileIsClosed() {
        BodyWriter writer = store.store().receive(-1, () -> {});
        write(writer, ChunkPool.CHUNK_BYTES);
        awaitDevice();
        keepCloserBusy();
        writer.discard();

        assertThat(bodyFiles()).as("left to the closer").isEqualTo(1);
        closerGoesOn.countDown();
        await().until(() -> bodyFiles() == 0);
    }

    @Test
    void whoFinishesABodyThatFailedDoesNotWaitUntilItsFileIsClosed() {
        BodyWriter writer = store.store().receive(ChunkPool.CHUNK_BYTES + 1, () -> {});
        write(writer, ChunkPool.CHUNK_BYTES);
        awaitDevice();
        keepCloserBusy();
        CompletableFuture<Result> answer = new CompletableFuture<>();
        write(writer, 2);
        writer.finish(StoreUnderTest.plain("key"), answer::complete);

        assertThat(StoreUnderTest.await(answer).status()).isEqualTo(Status.LENGTH_MISMATCH);
        assertThat(bodyFiles()).as("left to the closer").isEqualTo(1);
        closerGoesOn.countDown();
        await().until(() -> bodyFiles() == 0);
    }

    @Test
    void aBodyThatIsGivenUpWhileItFailsIsClosedOnce() throws Exception {
        for (int round = 0; round < 500; round++) {
            BodyWriter writer = store.store().receive(ChunkPool.CHUNK_BYTES, () -> {});
            write(writer, ChunkPool.CHUNK_BYTES);
            write(writer, 1);
            writer.discard();
        }
        awaitDevice();

        await().until(() -> bodyFiles() == 0);
        assertThat(store.put(StoreUnderTest.plain("key"), new byte[300_000]).status())
                .isEqualTo(Status.OK);
        assertThat(store.get("key").body()).hasSize(300_000);
    }
}
