package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.durable;
import static org.objmapper.server.store.StoreUnderTest.plain;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.Device;

/**
 * What becomes of the store when the system calls of an index commit fail. To that end the descriptors through which LMDB writes are
 * replaced by others of the same file that are open for reading only.
 */
class StoreIndexFaultTest extends AgainstStore {
    private static final int O_DSYNC = 010000;
    private static final byte[] SMALL = bytes("small");
    private static final byte[] LARGE = new byte[10_000];

    @BeforeEach
    void awaitRecovery() throws InterruptedException {
        store.store().awaitRecovery();
    }

    /**
     * Makes writes to the index fail until it is opened anew: to its pages, or only to the page that makes a commit count. No commit may
     * be under way.
     */
    private void breakWrites(boolean pages) throws IOException {
        POSIX posix = POSIXFactory.getNativePOSIX();
        Path data = directory.resolve("index/data.mdb").toRealPath();
        int broken = 0;
        for (int descriptor : descriptorsOf(data)) {
            boolean ofMetaPage = (flags(descriptor) & O_DSYNC) != 0;
            if (ofMetaPage || pages) {
                int readOnly = NativeIo.openAt(Device.AT_FDCWD, Device.path(data.toString()), Device.O_RDONLY, 0);
                assertThat(posix.dup2(readOnly, descriptor)).isEqualTo(descriptor);
                NativeIo.close(readOnly);
                broken++;
            }
        }
        assertThat(broken).isEqualTo(pages ? 2 : 1);
    }

    private static List<Integer> descriptorsOf(Path file) throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors
                    .filter(link -> {
                        try {
                            return Files.readSymbolicLink(link).equals(file);
                        } catch (IOException e) {
                            return false; // closed meanwhile
                        }
                    })
                    .map(link -> Integer.parseInt(link.getFileName().toString()))
                    .collect(Collectors.toList());
        }
    }

    private static int flags(int descriptor) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/fdinfo/" + descriptor)).stream()
                .filter(line -> line.startsWith("flags:"))
                .map(line -> Integer.parseInt(line.substring(6).trim(), 8))
                .findFirst()
                .orElseThrow();
    }

    private Path indexFile() {
        return directory.resolve("index/data.mdb");
    }

    private void hideIndex() throws IOException {
        Files.move(indexFile(), directory.resolve("hidden"));
    }

    private void showIndex() throws IOException {
        Files.move(directory.resolve("hidden"), indexFile());
    }

    @Test
    void aCommitThatFailsOnceIsMadeAgainAndNobodyNotices() throws Exception {
        store.put(durable("before"), LARGE);
        for (boolean pages : new boolean[] {false, true}) {
            breakWrites(pages);
            store.putOk("relaxed", LARGE);
            Result result = store.put(durable("key"), pages ? SMALL : LARGE);

            assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
            for (int opening = 0; opening < 2; opening++) {
                assertThat(store.get("before").body()).isEqualTo(LARGE);
                assertThat(store.get("relaxed").body()).isEqualTo(LARGE);
                assertThat(store.get("key").generation()).isEqualTo(result.generation());
                assertThat(store.keys("", 10)).containsExactly("before", "key", "relaxed");
                store.reopen();
            }
            store.store().awaitRecovery();
        }
        assertThat(store.objectFiles()).as("files of before and relaxed").hasSize(2);
        assertThat(store.figure("objmapper_store_objects")).isEqualTo(3);
        assertThat(store.figure("objmapper_store_bytes")).isEqualTo(2L * LARGE.length + SMALL.length);
    }

    @Test
    void readersFindTheirObjectsWhileCommitsFail() throws Exception {
        store.put(durable("key"), LARGE);
        AtomicBoolean end = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread reader = new Thread(() -> {
            try {
                while (!end.get()) {
                    store.store().shedDescriptors();
                    assertThat(store.get("key")).isNotNull();
                }
            } catch (Throwable e) {
                failure.set(e);
            }
        });
        reader.start();
        try {
            for (int i = 0; i < 50; i++) {
                breakWrites(i % 2 == 0);
                assertThat(store.put(durable("other"), SMALL).status()).isEqualTo(Status.OK);
            }
        } finally {
            end.set(true);
            reader.join();
        }
        assertThat(failure.get()).isNull();
    }

    @Test
    void whileTheIndexCannotBeOpenedChangesAreRefusedAndAfterwardsAllGoesOn() throws Exception {
        store.put(durable("kept"), LARGE);
        breakWrites(false);
        hideIndex();
        long acknowledged = store.putOk("relaxed", LARGE);

        Result durable = store.put(durable("kept"), SMALL);
        assertThat(durable.status()).isEqualTo(Status.IO_ERROR);
        assertThat(durable.message()).contains("data.mdb is gone").contains("until the index can be opened again");
        assertThat(store.put(plain("new"), SMALL).status()).isEqualTo(Status.IO_ERROR);
        assertThat(store.delete("relaxed").status()).isEqualTo(Status.IO_ERROR);
        assertThat(store.purgePrefix("", false).status()).isEqualTo(Status.IO_ERROR);
        assertThat(store.list("", null, 1).failure().status()).isEqualTo(Status.IO_ERROR);
        assertThat(store.get("relaxed").generation()).isEqualTo(acknowledged);

        showIndex();
        await().untilAsserted(() ->
                assertThat(store.put(durable("after"), SMALL).status()).isEqualTo(Status.OK));
        for (int opening = 0; opening < 2; opening++) {
            assertThat(store.get("relaxed").generation()).isEqualTo(acknowledged);
            assertThat(store.get("kept").body()).isIn(LARGE, SMALL);
            assertThat(store.get("new")).isNull();
            store.reopen();
            store.store().awaitRecovery();
        }
        assertThat(store.objectFiles()).hasSize(store.get("kept").inFile() ? 2 : 1);
    }

    @Test
    void aStoreThatClosesWithoutItsIndexLosesNothingThatWasDurable() throws Exception {
        store.put(durable("kept"), LARGE);
        breakWrites(true);
        hideIndex();
        assertThat(store.put(durable("lost"), LARGE).status()).isEqualTo(Status.IO_ERROR);
        store.close();
        showIndex();
        store = new StoreUnderTest(directory);
        store.store().awaitRecovery();

        assertThat(store.get("kept").body()).isEqualTo(LARGE);
        assertThat(store.get("lost")).isNull();
        assertThat(store.objectFiles()).hasSize(1);
    }

    @Test
    void anotherIndexInItsPlaceIsNotTaken() throws Exception {
        Path old = Files.copy(indexFile(), directory.resolve("old"));
        for (int i = 0; i < 3; i++) {
            store.reopen();
        }
        store.put(durable("key"), LARGE);
        breakWrites(true);
        hideIndex();
        Files.copy(old, indexFile());

        assertThat(store.put(durable("other"), SMALL).message()).contains("another index");
        Files.delete(indexFile());
        showIndex();
        await().untilAsserted(() ->
                assertThat(store.put(durable("other"), SMALL).status()).isEqualTo(Status.OK));
        assertThat(store.get("key").body()).isEqualTo(LARGE);
    }
}
