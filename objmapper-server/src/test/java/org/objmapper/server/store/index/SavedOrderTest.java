package org.objmapper.server.store.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.metrics.Metrics;

class SavedOrderTest {
    private static final int BACKING = 1;
    private static final int CACHE = 2;
    private static final int TWO_CHUNKS_AND_A_BIT = 2 * SavedOrder.CHUNK_ENTRIES + 1;

    @TempDir
    Path directory;

    private Index index;
    private boolean isNew = true;

    private record Entry(long digest, long bytes, byte state) {}

    @BeforeEach
    void open() {
        Index.Ids ids = new Index.Ids("index", "device");
        index = new Index(directory, 1 << 24, ids, isNew, true, new Metrics());
        isNew = false;
    }

    @AfterEach
    void close() {
        index.close();
    }

    private void write(List<IndexRow> rows) {
        index.commit(List.of(), rows, 1, new ArrayList<>());
    }

    private static List<Entry> entries(int count, int seed) {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            entries.add(new Entry(Long.MIN_VALUE + i * 31L + seed, Long.MAX_VALUE - i, (byte) (i + seed)));
        }
        return entries;
    }

    private void save(int tier, List<Entry> entries, SavedOrder.Rows rows) throws IOException {
        SavedOrder.Writer writer = new SavedOrder(index, tier).begin(rows);
        for (Entry entry : entries) {
            writer.add(entry.digest, entry.bytes, entry.state);
        }
        writer.end();
    }

    private List<Entry> loaded(int tier) {
        List<Entry> entries = new ArrayList<>();
        new SavedOrder(index, tier).load((digest, bytes, state) -> entries.add(new Entry(digest, bytes, state)));
        return entries;
    }

    private int chunks() {
        byte[] end = {-1, -1};
        return index.keys(IndexRow.Table.ORDERS, new byte[0], end, 1_000).size();
    }

    @Test
    void anOrderThatWasNeverSavedIsEmpty() {
        assertThat(loaded(BACKING)).isEmpty();
    }

    @Test
    void ordersOfAllLengthsComeBackAsTheyWereSaved() throws Exception {
        int chunk = SavedOrder.CHUNK_ENTRIES;
        for (int count : new int[] {1, chunk - 1, chunk, chunk + 1, 2 * chunk, TWO_CHUNKS_AND_A_BIT, 0}) {
            List<Entry> entries = entries(count, count);
            save(BACKING, entries, this::write);
            close();
            open();

            assertThat(loaded(BACKING)).isEqualTo(entries);
            assertThat(chunks()).isEqualTo((count + chunk - 1) / chunk);
        }
    }

    @Test
    void eachTierHasItsOwnOrder() throws Exception {
        save(BACKING, entries(10, 1), this::write);
        save(CACHE, entries(20, 2), this::write);
        save(BACKING, entries(30, 3), this::write);

        assertThat(loaded(BACKING)).isEqualTo(entries(30, 3));
        assertThat(loaded(CACHE)).isEqualTo(entries(20, 2));
        assertThat(chunks()).isEqualTo(2);
    }

    @Test
    void whereverASaveIsKilledTheLastWholeOrderStandsAndTheNextSaveLeavesNothingOfIt() throws Exception {
        List<Entry> before = entries(TWO_CHUNKS_AND_A_BIT, 1);
        List<Entry> after = entries(TWO_CHUNKS_AND_A_BIT, 2);
        int commits = 0;
        boolean killed = true;
        while (killed) {
            save(BACKING, before, this::write);
            killed = isKilledAfter(commits, after);
            close();
            open();

            // Three chunks, then the name, then the old chunks are removed.
            assertThat(loaded(BACKING)).as("after commits=%d", commits).isEqualTo(commits < 4 ? before : after);
            save(BACKING, entries(5, 3), this::write);
            assertThat(loaded(BACKING)).isEqualTo(entries(5, 3));
            assertThat(chunks()).isEqualTo(1);
            commits++;
        }
        assertThat(commits).isEqualTo(6);
    }

    private boolean isKilledAfter(int commits, List<Entry> entries) throws IOException {
        int[] left = {commits};
        try {
            save(BACKING, entries, rows -> {
                if (left[0]-- == 0) {
                    throw new KilledException();
                }
                write(rows);
            });
            return false;
        } catch (KilledException e) {
            return true;
        }
    }

    private static final class KilledException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    @Test
    void manyChunksOfAnUnfinishedSaveAreRemoved() throws Exception {
        SavedOrder.Writer unfinished = new SavedOrder(index, BACKING).begin(this::write);
        for (int i = 0; i < 130 * SavedOrder.CHUNK_ENTRIES; i++) {
            unfinished.add(i, 0, (byte) 0);
        }
        assertThat(chunks()).isEqualTo(130);

        save(BACKING, entries(1, 1), this::write);
        assertThat(chunks()).isEqualTo(1);
    }

    @Test
    void aFailureOfACommitReachesWhoSaves() {
        assertThatThrownBy(() -> save(BACKING, entries(1, 1), rows -> {
                    throw new IOException("no room");
                }))
                .hasMessage("no room");
    }
}
