package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;

/** A body on its way holds others up no longer than the device needs, and its file is closed once, by a thread that may wait. */
class BodyWriterTest {
    private static final int QUEUE_LENGTH = 1_100;

    private final CountDownLatch closerGoesOn = new CountDownLatch(1);

    @TempDir
    Path directory;

    private StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        store = new StoreUnderTest(StoreOptions.of(directory).withDevice(1, QUEUE_LENGTH));
    }

    @AfterEach
    void close() {
        closerGoesOn.countDown();
        store.close();
    }

    private void keepCloserBusy() {
        store.store().devices().first().closer().later(() -> {
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
        assertThat(store.store().devices().first().queue().submit(() -> reached.complete(null)))
                .isTrue();
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

    /** As many bodies as there are chunks, each with a few bytes in one, and no more to come for now. */
    private List<BodyWriter> unfinishedInEveryChunk() {
        List<BodyWriter> unfinished = new ArrayList<>();
        for (int i = 0; i < Store.CHUNKS; i++) {
            BodyWriter writer = store.receive(-1, () -> {});
            assertThat(write(writer, 5_000)).isEqualTo(5_000);
            unfinished.add(writer);
        }
        return unfinished;
    }

    private Result finish(BodyWriter writer, String key) {
        CompletableFuture<Result> answer = new CompletableFuture<>();
        writer.finish(StoreUnderTest.plain(key), answer::complete);
        return StoreUnderTest.await(answer);
    }

    @Test
    void uploadsThatGoNowhereDoNotKeepOthersFromBeingTaken() throws Exception {
        List<BodyWriter> unfinished = unfinishedInEveryChunk();
        Semaphore room = new Semaphore(0);
        BodyWriter other = store.receive(5_000, room::release);
        assertThat(write(other, 5_000)).as("no chunk is free").isZero();
        await().until(room::tryAcquire);
        assertThat(write(other, 5_000)).isEqualTo(5_000);

        assertThat(finish(other, "other").status()).isEqualTo(Status.OK);
        for (int i = 0; i < unfinished.size(); i++) {
            write(unfinished.get(i), 10);
            assertThat(finish(unfinished.get(i), "key " + i).status()).isEqualTo(Status.OK);
            assertThat(store.get("key " + i).body()).hasSize(5_010);
        }
    }

    @Test
    void aSessionThatUsedItsShareUpWaitsForItsOwnBodiesAndNobodyForIt() throws Exception {
        store.close();
        store = new StoreUnderTest(StoreOptions.of(directory)
                .withDevice(1, QUEUE_LENGTH)
                .withMemory(StoreOptions.USUAL_OBJECT_BYTES, 2 * ChunkPool.CHUNK_BYTES));
        CompletableFuture<Void> held = new CompletableFuture<>();
        CountDownLatch deviceGoesOn = new CountDownLatch(1);
        hold(held, deviceGoesOn);
        UploadShare share = store.store().newUploadShare();
        Semaphore room = new Semaphore(0);
        List<BodyWriter> bodies = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            BodyWriter body = store.store().receive(StoreUnderTest.bytes("key"), share, -1, room::release);
            assertThat(write(body, 5_000)).isEqualTo(i < 2 ? 5_000 : 0);
            bodies.add(body);
        }
        BodyWriter ofAnother = store.receive(-1, () -> {});
        assertThat(write(ofAnother, 5_000)).isEqualTo(5_000);

        deviceGoesOn.countDown();
        await().until(room::tryAcquire);
        assertThat(write(bodies.get(2), 5_000)).isEqualTo(5_000);
        bodies.add(ofAnother);
        for (int i = 0; i < bodies.size(); i++) {
            assertThat(finish(bodies.get(i), "key " + i).status()).isEqualTo(Status.OK);
            assertThat(store.get("key " + i).body()).hasSize(5_000);
        }
    }

    @Test
    void aShareOfOneChunkTakesALongBodyAndIsWholeAgainAfterIt() throws Exception {
        store.close();
        store = new StoreUnderTest(
                StoreOptions.of(directory).withMemory(StoreOptions.USUAL_OBJECT_BYTES, ChunkPool.CHUNK_BYTES));
        byte[] body = new byte[10 * ChunkPool.CHUNK_BYTES + 1];
        UploadShare share = store.store().newUploadShare();
        for (int i = 0; i < 2; i++) {
            assertThat(store.put(share, StoreUnderTest.plain("key"), body, body.length)
                            .status())
                    .isEqualTo(Status.OK);
            assertThat(share.left()).isEqualTo(1);
        }
        assertThat(store.get("key").body()).isEqualTo(body);
    }

    @Test
    void asManyAsMayWaitForAChunkWaitAndOneMoreIsBusy() {
        List<BodyWriter> all = unfinishedInEveryChunk();
        CompletableFuture<Void> held = new CompletableFuture<>();
        CountDownLatch deviceGoesOn = new CountDownLatch(1);
        hold(held, deviceGoesOn);
        List<BodyWriter> waiting = new ArrayList<>();
        Semaphore room = new Semaphore(0);
        for (int i = 0; i < Store.MAX_WAITING_FOR_CHUNKS; i++) {
            BodyWriter writer = store.receive(-1, room::release);
            assertThat(write(writer, 5_000)).isZero();
            assertThat(writer.failure()).isNull();
            waiting.add(writer);
        }
        BodyWriter oneMore = store.receive(-1, () -> {});
        write(oneMore, 5_000);
        assertThat(oneMore.failure()).extracting(StoreException::status).isEqualTo(Status.BUSY);

        deviceGoesOn.countDown();
        await().until(() -> room.availablePermits() >= waiting.size());
        all.addAll(waiting);
        all.add(oneMore);
        all.forEach(BodyWriter::discard);
    }

    @Test
    void whereTheDeviceCannotBeAskedForAChunkTheBodyIsBusy() {
        List<BodyWriter> all = unfinishedInEveryChunk();
        CompletableFuture<Void> held = new CompletableFuture<>();
        CountDownLatch deviceGoesOn = new CountDownLatch(1);
        hold(held, deviceGoesOn);
        for (int i = 0; i < QUEUE_LENGTH; i++) {
            assertThat(store.store().devices().first().queue().submit(() -> {})).isTrue();
        }
        BodyWriter refused = store.receive(-1, () -> {});
        write(refused, 5_000);

        assertThat(refused.failure()).extracting(StoreException::status).isEqualTo(Status.BUSY);
        deviceGoesOn.countDown();
        all.add(refused);
        all.forEach(BodyWriter::discard);
    }

    private void hold(CompletableFuture<Void> held, CountDownLatch until) {
        store.store().devices().first().queue().submit(() -> {
            held.complete(null);
            try {
                until.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        StoreUnderTest.await(held);
    }

    @Test
    void whoGivesABodyUpDoesNotWaitUntilItsFileIsClosed() {
        BodyWriter writer = store.receive(-1, () -> {});
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
        BodyWriter writer = store.receive(ChunkPool.CHUNK_BYTES + 1, () -> {});
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
            BodyWriter writer = store.receive(ChunkPool.CHUNK_BYTES, () -> {});
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
