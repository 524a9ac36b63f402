package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.store.device.BodyFile;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.index.Digests;

class CloserTest {
    private static final byte[] DIGEST = new byte[Digests.SHA256_BYTES];

    @TempDir
    Path directory;

    private final CountDownLatch freed = new CountDownLatch(1);
    private Device device;
    private Closer closer;

    /** Its thread is busy, as with freeing the blocks of a large file, until the latch opens. */
    @BeforeEach
    void keepBusy() throws Exception {
        device = Device.open(directory);
        closer = new Closer();
        closer.later(() -> {
            try {
                freed.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @AfterEach
    void close() {
        freed.countDown();
        closer.close();
        device.close();
    }

    private int file(long generation) throws Exception {
        int descriptor = new BodyFile(device).finish(true);
        device.link(descriptor, DIGEST, generation);
        return descriptor;
    }

    private StoredObject object(int descriptor, Closer closer) {
        ByteBuffer none = ByteBuffer.allocateDirect(1);
        return new StoredObject(
                new byte[1],
                1,
                0,
                1,
                null,
                1,
                0,
                0,
                0,
                none,
                null,
                new OpenBody(
                        OpenBody.Tier.DEVICE, 1, descriptor, -1, null, device.queue(), null, closer, OpenBody.NOTHING),
                none,
                new ObjectMemory(0));
    }

    private static boolean isOpen(int descriptor, Path opened) {
        Path link = Path.of("/proc/self/fd/" + descriptor);
        try {
            return Files.readSymbolicLink(link).toString().startsWith(opened.toString());
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void theLastReaderOfARemovedFileDoesNotWaitUntilItsBlocksAreFree() throws Exception {
        StoredObject object = object(file(1), closer);
        int descriptor = object.descriptor();
        Path opened = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor));
        object.pin();
        device.unlink(DIGEST, 1);
        object.unpin();
        object.unpin();

        assertThat(isOpen(descriptor, opened)).as("left to the closer").isTrue();
        freed.countDown();
        await().until(() -> !isOpen(descriptor, opened));
    }

    @Test
    void whoLetsGoOfAFileWhereItMayBlockHasItClosedOnReturn() throws Exception {
        StoredObject object = object(file(1), closer);
        Path opened = Files.readSymbolicLink(Path.of("/proc/self/fd/" + object.descriptor()));
        object.unpinHere();

        assertThat(isOpen(object.descriptor(), opened)).isFalse();
    }

    @Test
    void whenTooManyFilesWaitToBeUnlinkedTheCallerDoesIt() throws Exception {
        object(file(1), closer).unpinHere();
        object(file(2), closer).unpinHere();
        closer.unlink(() -> device.unlink(DIGEST, 1));
        for (int waiting = 1; waiting < Closer.MAX_UNLINKS; waiting++) {
            closer.unlink(() -> device.unlink(DIGEST, 77));
        }
        assertThat(StoreUnderTest.objectFiles(directory))
                .as("both wait or stay")
                .hasSize(2);

        closer.unlink(() -> device.unlink(DIGEST, 2));
        assertThat(StoreUnderTest.objectFiles(directory)).hasSize(1);
        freed.countDown();
        await().untilAsserted(
                        () -> assertThat(StoreUnderTest.objectFiles(directory)).isEmpty());
    }
}
