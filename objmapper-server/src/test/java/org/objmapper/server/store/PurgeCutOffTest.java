package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.with;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** What a purge has done, and goes on to do, when the server is killed between two of its commits. */
class PurgeCutOffTest {
    private static final int STEPS = 3;
    private static final int COVERED = STEPS * Purger.STEP + 1;
    private static final byte[] BODY = bytes("body");
    private static final byte[] TAG = bytes("tag");

    @TempDir
    Path directory;

    private final List<Path> copies = new ArrayList<>();
    private StoreUnderTest store;
    private int looks;

    /** What a kill would leave at the beginning of each step: the commits of all before are on disk, and none is under way. */
    private long nowAndCopyAtEachStep() {
        if (Thread.currentThread().getName().startsWith("store-purge") && looks++ % Purger.STEP == 0) {
            copies.add(copy(directory.resolve("data"), directory.resolve("copy" + copies.size())));
        }
        return System.currentTimeMillis();
    }

    static Path copy(Path from, Path to) {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.collect(Collectors.toList())) {
                Files.copy(file, to.resolve(from.relativize(file)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return to;
    }

    private static String covered(int i) {
        return String.format("/a/%06d", i);
    }

    private void fillStore() throws IOException {
        Path data = Files.createDirectory(directory.resolve("data"));
        store = new StoreUnderTest(data, this::nowAndCopyAtEachStep);
        ObjectMetadata tagged = new ObjectMetadata().add(MetadataType.TAG.code(), TAG);
        for (int i = 0; i < COVERED; i++) {
            store.put(with(covered(i), ObjectMetadata.decode(tagged.encode()), -1), BODY);
        }
        store.putOk("/b", BODY);
    }

    private Result purge(boolean byTag) throws Exception {
        store.store().flush();
        return byTag ? store.purgeTag("tag", false) : store.purgePrefix("/a/", false);
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void itIsFinishedAfterTheNextStartAndTakesNothingElse(boolean byTag) throws Exception {
        fillStore();
        try {
            assertThat(purge(byTag).count()).isEqualTo(COVERED);
        } finally {
            store.close();
        }
        assertThat(copies).hasSize(STEPS + 1);
        for (int steps = 0; steps < copies.size(); steps++) {
            finish(copies.get(steps), steps);
        }
    }

    private static void finish(Path copy, int steps) throws Exception {
        try (StoreUnderTest restarted = new StoreUnderTest(copy)) {
            if (steps == 0) {
                assertThat(restarted.keys("/a/", 10_000))
                        .as("of a purge that has no commit on disk")
                        .hasSize(COVERED);
                return;
            }
            await().until(() -> restarted.figure("objmapper_store_purges") == 0);
            assertThat(restarted.keys("", 10_000))
                    .as("after %s steps and a restart", steps)
                    .containsExactly("/b");
            restarted.reopen();
            assertThat(restarted.figure("objmapper_store_purges")).isZero();
        }
    }

    @Test
    void whatIsPutAfterTheStartStays() throws Exception {
        fillStore();
        try {
            purge(false);
        } finally {
            store.close();
        }
        try (StoreUnderTest restarted = new StoreUnderTest(copies.get(1))) {
            restarted.putOk(covered(COVERED - 1), BODY);
            assertThat(restarted
                            .touch(covered(COVERED - 2), new ObjectMetadata(), null)
                            .status())
                    .as("what a client meets of the objects of a purge that goes on")
                    .isEqualTo(Status.NOT_FOUND);

            await().until(() -> restarted.figure("objmapper_store_purges") == 0);
            assertThat(restarted.keys("", 10_000)).containsExactly(covered(COVERED - 1), "/b");
        }
    }
}
