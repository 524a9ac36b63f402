package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.store.check.CheckOptions;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.RawIndex;

/** Bodies that changed on the disk are found by reading them again. */
class StoreScrubTest {
    private static final int BYTES = 10_000;
    private static final int LARGE_BYTES = 20_000_000;
    private static final long FAST = 1L << 30;
    /** A small body takes less than a second, the first piece of a large one minutes. */
    private static final long SLOW = 20_000;

    @TempDir
    Path directory;

    private StoreUnderTest store;

    @BeforeEach
    void fill() throws Exception {
        store = new StoreUnderTest(StoreOptions.of(directory));
        for (String key : new String[] {"a", "b", "c"}) {
            store.put(StoreUnderTest.durable(key), new byte[BYTES]);
        }
    }

    @AfterEach
    void close() {
        store.close();
    }

    private void reopen(long scrubBytesPerSecond) throws Exception {
        store.close();
        store = new StoreUnderTest(
                StoreOptions.of(directory).withChecks(CheckOptions.usual().withScrub(scrubBytesPerSecond)));
    }

    /** Behind the store's back, and without another length. */
    private Path changeAByte() throws Exception {
        return changeAByte(store.objectFiles().get(0));
    }

    private static Path changeAByte(Path file) throws Exception {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        byte[] body = Files.readAllBytes(file);
        body[BYTES / 2] ^= 1;
        Files.write(file, body);
        return file;
    }

    private void awaitPass() {
        await().until(() -> store.figure("objmapper_store_scrub_passes_total") == 1);
    }

    @Test
    void allBodiesAreReadAndSoundOnesStay() throws Exception {
        reopen(FAST);
        awaitPass();

        assertThat(store.figure("objmapper_store_scrubbed_bytes_total")).isEqualTo(3 * BYTES);
        assertThat(store.figure("objmapper_store_bodies_damaged_total")).isZero();
        assertThat(store.keys("", 10)).containsExactly("a", "b", "c");
    }

    @Test
    void aBodyThatChangedIsAMissAndItsFileIsKeptApart() throws Exception {
        Path file = changeAByte();
        reopen(FAST);
        awaitPass();

        assertThat(store.figure("objmapper_store_bodies_damaged_total")).isOne();
        assertThat(store.figure("objmapper_store_quarantined_files")).isOne();
        assertThat(store.keys("", 10)).hasSize(2);
        assertThat(Stream.of("a", "b", "c").filter(key -> store.get(key) == null))
                .hasSize(1);
        assertThat(file).doesNotExist();
        try (Stream<Path> kept = Files.list(directory.resolve("quarantine"))) {
            assertThat(kept)
                    .hasSize(2)
                    .anySatisfy(note -> assertThat(note).content().contains(": it has the XXH3 "));
        }

        reopen(FAST);
        awaitPass();
        assertThat(store.figure("objmapper_store_bodies_damaged_total")).isZero();
        assertThat(store.figure("objmapper_store_quarantined_files")).isOne();
    }

    @Test
    void aBodyThatChangedIsAMissAlsoWhereItCanNotBeMovedToQuarantine() throws Exception {
        for (Path file : store.objectFiles()) {
            changeAByte(file);
        }
        Files.writeString(directory.resolve("quarantine"), "no directory");
        reopen(FAST);
        awaitPass();

        assertThat(store.figure("objmapper_store_bodies_damaged_total")).isEqualTo(3);
        assertThat(store.keys("", 10)).isEmpty();
        await().untilAsserted(() -> assertThat(store.objectFiles()).isEmpty());
        assertThat(directory.resolve("quarantine")).hasContent("no directory");
    }

    @Test
    void anObjectWhoseFileIsGoneIsTakenOutThoughNobodyAsksForIt() throws Exception {
        reopenWithoutPause();
        store.store().awaitRecovery();
        Files.delete(store.objectFiles().get(0));

        await().until(() -> store.figure("objmapper_store_objects") == 2);
        assertThat(store.figure("objmapper_store_files_vanished_total")).isOne();
        assertThat(store.keys("", 10)).hasSize(2);
    }

    @Test
    void aFileThatIsNoObjectsIsRemovedThoughItCameAfterTheStart() throws Exception {
        reopenWithoutPause();
        store.store().awaitRecovery();
        List<Path> files = store.objectFiles();
        Path stray = files.get(0).resolveSibling(digest(files.get(0)) + "-" + generation(files.get(1)));
        Files.copy(files.get(0), stray);

        await().until(() -> !Files.exists(stray));
        assertThat(store.figure("objmapper_store_orphans_removed_total")).isOne();
        assertThat(store.keys("", 10)).containsExactly("a", "b", "c");
    }

    private static String digest(Path file) {
        return file.getFileName().toString().split("-", 2)[0];
    }

    private static String generation(Path file) {
        return file.getFileName().toString().split("-", 2)[1];
    }

    @Test
    void aSoundIndexIsGoneThroughAgainAndAgain() throws Exception {
        store.put(StoreUnderTest.durable("inline"), new byte[10]);
        for (int i = 0; i < 200; i++) {
            store.putOk("more" + i, new byte[i]);
        }
        reopenWithoutPause();
        await().until(() -> store.figure("objmapper_store_index_passes_total") >= 3);

        assertThat(store.figure("objmapper_store_records_damaged_total")).isZero();
        assertThat(store.figure("objmapper_store_index_rows_missing_total")).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"objects", "bodies"})
    void aDamagedRecordOrBodyInTheIndexIsCountedThoughNobodyAsksForIt(String table) throws Exception {
        store.put(StoreUnderTest.durable("inline"), new byte[10]);
        store.close();
        byte[] row = new ObjectKey(StoreUnderTest.bytes("inline")).row();
        RawIndex.damage(directory.resolve("index"), table, table.equals("objects") ? row : null);
        reopenWithoutPause();

        await().until(() -> store.figure("objmapper_store_index_passes_total") >= 5);
        assertThat(store.figure("objmapper_store_records_damaged_total"))
                .as("once in each pass, and perhaps by others")
                .isGreaterThanOrEqualTo(5);
        assertThat(store.figure("objmapper_store_index_rows_missing_total")).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefixes", "tags", "expiries", "ondevice"})
    void aRowThatIsMissingIsCounted(String table) throws Exception {
        ObjectMetadata metadata = new ObjectMetadata();
        metadata.add(MetadataType.TAG.code(), StoreUnderTest.bytes("tag"));
        store.put(StoreUnderTest.with("tagged", metadata, 1_000_000), new byte[BYTES]);
        store.close();
        RawIndex.remove(directory.resolve("index"), table, null);
        reopenWithoutPause();

        await().until(() -> store.figure("objmapper_store_index_passes_total") >= 1);
        assertThat(store.figure("objmapper_store_index_rows_missing_total")).isPositive();
        assertThat(store.figure("objmapper_store_records_damaged_total")).isZero();
    }

    private void reopenWithoutPause() throws Exception {
        store.close();
        store = new StoreUnderTest(StoreOptions.of(directory)
                .withChecks(CheckOptions.usual().withScrub(FAST).withPause(1)));
    }

    @Test
    void withoutARateNothingIsRead() throws Exception {
        changeAByte();
        reopen(0);
        store.store().awaitRecovery();

        assertThat(store.figure("objmapper_store_scrubbed_bytes_total")).isZero();
        assertThat(store.keys("", 10)).hasSize(3);
    }

    @Test
    void aScrubGoesOnWhereTheLastRunStopped() throws Exception {
        for (String key : List.of("b", "c")) {
            store.put(StoreUnderTest.durable(key), new byte[LARGE_BYTES]);
        }
        reopen(SLOW);
        await().until(() -> store.figure("objmapper_store_scrubbed_bytes_total") == BYTES);
        reopen(0);
        assertThat(cursor())
                .as("behind the first body, and not behind the second")
                .isEqualTo(store.get("a").generation() + 1);

        reopen(FAST);
        awaitPass();
        assertThat(store.figure("objmapper_store_scrubbed_bytes_total")).isEqualTo(2 * LARGE_BYTES);
        reopen(0);
        assertThat(cursor()).as("a pass ends at the beginning").isZero();
    }

    private long cursor() {
        return store.store().scrubCursor(store.store().devices().first());
    }

    @Test
    void eachDeviceIsScrubbed() throws Exception {
        Path second = Files.createDirectory(directory.resolve("second"));
        store.close();
        StoreOptions options = StoreOptions.of(directory).withDevices(1, List.of(DeviceOptions.of(second)));
        store = new StoreUnderTest(options.withChecks(CheckOptions.usual().withScrub(0)));
        for (int i = 0; i < 50; i++) {
            store.put(StoreUnderTest.durable("key" + i), new byte[BYTES]);
        }
        store.close();
        List<Path> damaged = StoreUnderTest.objectFiles(second);
        assertThat(damaged).isNotEmpty();
        for (Path file : damaged) {
            changeAByte(file);
        }
        store = new StoreUnderTest(options.withChecks(CheckOptions.usual().withScrub(FAST)));
        await().until(() -> store.figure("objmapper_store_scrub_passes_total") == 2);

        assertThat(store.figure("objmapper_store_bodies_damaged_total")).isEqualTo(damaged.size());
        assertThat(store.keys("", 100)).hasSize(53 - damaged.size());
        assertThat(StoreUnderTest.objectFiles(second)).isEmpty();
    }
}
