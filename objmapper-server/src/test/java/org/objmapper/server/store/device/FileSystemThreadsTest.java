package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.badinput.SmallFileSystem;

/** Whose threads work for whom, among the devices of stores that know nothing of each other. */
@Timeout(120)
class FileSystemThreadsTest {
    private static final int THREADS = 3;

    @TempDir
    Path directory;

    private Path one;
    private Path other;

    @BeforeEach
    void make() throws Exception {
        one = Files.createDirectory(directory.resolve("one"));
        other = Files.createDirectory(directory.resolve("other"));
    }

    private static Device open(Path root) throws Exception {
        return Device.open(new DeviceOptions(root, DeviceOptions.USUAL_WEIGHT, THREADS, 100), null);
    }

    /** The threads of a device, each of which is seen at work. */
    private static Set<Thread> threads(DeviceQueue queue, int count) throws InterruptedException {
        Set<Thread> seen = new HashSet<>();
        CountDownLatch all = new CountDownLatch(count);
        CountDownLatch goOn = new CountDownLatch(1);
        for (int i = 0; i < count; i++) {
            assertThat(queue.submit(() -> {
                        synchronized (seen) {
                            seen.add(Thread.currentThread());
                        }
                        all.countDown();
                        try {
                            goOn.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }))
                    .isTrue();
        }
        assertThat(all.await(1, TimeUnit.MINUTES)).as("all are at work").isTrue();
        goOn.countDown();
        synchronized (seen) {
            return Set.copyOf(seen);
        }
    }

    @Test
    void devicesOfDifferentStoresOnOneFileSystemShareThem() throws Exception {
        try (Device first = open(one);
                Device second = open(other)) {
            Set<Thread> ofFirst = threads(first.queue(), THREADS);
            assertThat(ofFirst).hasSize(THREADS);
            assertThat(threads(second.queue(), THREADS)).isEqualTo(ofFirst);
            assertThat(threads(second.opens(), 2)).isEqualTo(threads(first.opens(), 2));
            assertThat(threads(second.syncs(), 4)).isEqualTo(threads(first.syncs(), 4));
        }
    }

    @Test
    void thoseThatAreLeftKeepThemWhenOneIsClosed() throws Exception {
        try (Device second = open(other)) {
            Set<Thread> ofBoth;
            try (Device first = open(one)) {
                ofBoth = threads(first.queue(), THREADS);
            }
            assertThat(threads(second.queue(), THREADS)).isEqualTo(ofBoth);
        }
    }

    @Test
    void aDeviceOnAnotherFileSystemHasItsOwn() throws Exception {
        try (SmallFileSystem small = new SmallFileSystem(directory.resolve("small"), "2m");
                Device first = open(one);
                Device elsewhere = open(Files.createDirectory(small.root.resolve("device")))) {
            assertThat(threads(elsewhere.queue(), THREADS))
                    .doesNotContainAnyElementsOf(threads(first.queue(), THREADS));
        }
    }

    @Test
    void aDeviceThatComesBackSharesThem() throws Exception {
        try (Device first = open(one)) {
            String index = first.indexId();
            String id;
            try (Device second = Device.open(DeviceOptions.of(other), index)) {
                second.settle();
                id = second.id();
            }
            Set<Thread> ofFirst = threads(first.queue(), THREADS);
            try (Device back =
                    Device.absent(new DeviceOptions(other, DeviceOptions.USUAL_WEIGHT, THREADS, 100), id, index)) {
                assertThat(threads(back.queue(), THREADS)).doesNotContainAnyElementsOf(ofFirst);
                assertThat(back.returned()).isTrue();
                assertThat(threads(back.queue(), THREADS)).isEqualTo(ofFirst);
                back.leave();
                assertThat(threads(back.queue(), THREADS)).doesNotContainAnyElementsOf(ofFirst);
            }
        }
    }
}
