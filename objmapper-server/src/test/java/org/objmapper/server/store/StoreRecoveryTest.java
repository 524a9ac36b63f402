package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.durable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.store.check.CheckOptions;

/** Files and index are compared after the start, in the background. */
class StoreRecoveryTest {
    private static final byte[] LARGE = new byte[10_000];
    private static final int FILES = 20;

    @TempDir
    Path directory;

    private StoreUnderTest store;

    @BeforeEach
    void fill() throws Exception {
        store = new StoreUnderTest(StoreOptions.of(directory));
        for (int i = 0; i < FILES; i++) {
            store.put(durable("key" + i), LARGE);
        }
        store.put(durable("in the index"), new byte[10]);
    }

    @AfterEach
    void close() {
        store.close();
    }

    private void reopen(long perSecond) throws Exception {
        store.close();
        store = new StoreUnderTest(
                StoreOptions.of(directory).withChecks(CheckOptions.usual().withRecovery(perSecond)));
    }

    @Test
    void objectsAreServedAndChangedBeforeAllFilesHaveBeenLookedAt() throws Exception {
        reopen(1); // all files take 40 seconds

        assertThat(store.get("key7").body()).isEqualTo(LARGE);
        store.put(durable("new"), LARGE);
        assertThat(store.figure("objmapper_store_recovering_devices")).isOne();
        await().until(() -> store.figure("objmapper_store_recovery_entries") == 2 * FILES);
        assertThat(store.figure("objmapper_store_recovery_walked")).isLessThan(2 * FILES);
    }

    @Test
    void allFilesAndObjectsAreLookedAtOnce() throws Exception {
        reopen(1_000_000_000);
        store.store().awaitRecovery();

        await().until(() -> store.figure("objmapper_store_recovering_devices") == 0);
        assertThat(store.figure("objmapper_store_recovery_walked")).isEqualTo(2 * FILES);
        assertThat(store.figure("objmapper_store_recovery_entries")).isEqualTo(2 * FILES);
        assertThat(store.figure("objmapper_store_orphans_removed_total")).isZero();
    }

    @Test
    void anObjectWhoseFileHasAnotherLengthIsTakenOut() throws Exception {
        Path file = store.objectFiles().get(0);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        Files.write(file, new byte[9_999]);
        Files.delete(store.objectFiles().get(1));
        reopen(1_000);
        store.store().awaitRecovery();

        assertThat(store.figure("objmapper_store_files_of_other_length_total")).isOne();
        assertThat(store.figure("objmapper_store_files_vanished_total")).isOne();
        await().until(() -> store.figure("objmapper_store_objects") == FILES - 1);
    }

    @Test
    void whatIsNoDirectoryOfTheStoreIsLeftAlone() throws Exception {
        Path foreign = Files.write(directory.resolve("objects/README"), LARGE);
        reopen(1_000);
        store.store().awaitRecovery();

        assertThat(foreign).exists();
        assertThat(store.figure("objmapper_store_objects")).isEqualTo(FILES + 1);
    }
}
