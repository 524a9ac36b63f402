package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;
import org.objmapper.server.badinput.FaultyFileSystem;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.device.DeviceQueue;

/** Several stores of one process whose devices are on one file system, and work on the same threads. */
@Timeout(300)
class StoresOnOneFileSystemTest {
    private static final int THREADS = 2;
    private static final int QUEUE_LENGTH = 3;
    private static final int KEYS = 20;
    private static final byte[] BODY = new byte[Store.INLINE_BODY_BYTES + 1];

    static {
        new Random(6).nextBytes(BODY);
    }

    @TempDir
    Path directory;

    private StoreUnderTest open(String name) throws IOException {
        return new StoreUnderTest(
                StoreOptions.of(Files.createDirectory(directory.resolve(name))).withDevice(THREADS, QUEUE_LENGTH));
    }

    /** Gives a store's device work that does not come back until it may, as much as it takes. */
    private static void pileUp(StoreUnderTest store, CountDownLatch goOn) {
        DeviceQueue queue = store.store().devices().first().queue();
        boolean taken;
        do {
            taken = queue.submit(() -> {
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        } while (taken);
        assertThat(queue.length()).isGreaterThanOrEqualTo(QUEUE_LENGTH);
    }

    @Test
    void oneThatPilesUpIsBusyAndTheOtherIsServed() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        try (StoreUnderTest piledUp = open("piled-up");
                StoreUnderTest other = open("other")) {
            try {
                pileUp(piledUp, goOn);
                assertThat(piledUp.put(StoreUnderTest.plain("key"), BODY).status())
                        .isEqualTo(Status.BUSY);
                for (int i = 0; i < KEYS; i++) {
                    Result result = other.put(StoreUnderTest.durable("key" + i), BODY);
                    assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
                    assertThat(other.get("key" + i).body()).isEqualTo(BODY);
                }
                assertThat(piledUp.put(StoreUnderTest.plain("key"), BODY).status())
                        .isEqualTo(Status.BUSY);
            } finally {
                goOn.countDown();
            }
            await().untilAsserted(() -> assertThat(
                            piledUp.put(StoreUnderTest.plain("key"), BODY).status())
                    .isEqualTo(Status.OK));
        }
    }

    @Test
    void aFileSystemThatHangsTakesWhatIsOnItOutOfBothAndNothingElse() throws Exception {
        Path source = Files.createDirectory(directory.resolve("source"));
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        try (FaultyFileSystem disk = new FaultyFileSystem(source, mounted);
                StoreUnderTest one = openWithDevice("one", Files.createDirectory(mounted.resolve("one")));
                StoreUnderTest other = openWithDevice("other", Files.createDirectory(mounted.resolve("other")))) {
            List<StoreUnderTest> stores = List.of(one, other);
            try {
                for (StoreUnderTest store : stores) {
                    for (int i = 0; i < KEYS; i++) {
                        store.putOk("key" + i, BODY);
                    }
                    store.store().flush();
                    store.reopen(); // nothing is at hand any more
                }
                disk.hang("open");
                disk.hang("create");
                for (StoreUnderTest store : stores) {
                    List<String> hung = new ArrayList<>();
                    for (int i = 0; i < KEYS; i++) {
                        if (!isServed(store, "key" + i)) {
                            hung.add("key" + i);
                        }
                    }
                    assertThat(hung).isNotEmpty().hasSizeLessThan(KEYS);
                }
            } finally {
                disk.clear("open");
                disk.clear("create");
            }
            for (StoreUnderTest store : stores) {
                await().atMost(Duration.ofMinutes(2)).untilAsserted(() -> {
                    for (int i = 0; i < KEYS; i++) {
                        assertThat(isServed(store, "key" + i)).isTrue();
                    }
                });
            }
        }
    }

    private StoreUnderTest openWithDevice(String name, Path device) throws IOException {
        return new StoreUnderTest(StoreOptions.of(Files.createDirectory(directory.resolve(name)))
                .withDevices(DeviceOptions.USUAL_WEIGHT, List.of(DeviceOptions.of(device))));
    }

    /** Whether an object is whole; else it must be told that its device is offline. */
    private static boolean isServed(StoreUnderTest store, String key) {
        Throwable refused =
                catchThrowable(() -> assertThat(store.get(key).body()).isEqualTo(BODY));
        if (refused != null) {
            assertThat(refused).rootCause().hasMessageContaining("the device is offline");
        }
        return refused == null;
    }
}
