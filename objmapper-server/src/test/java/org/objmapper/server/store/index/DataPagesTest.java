package org.objmapper.server.store.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.openhft.hashing.LongHashFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.Metrics;

/** A broken page is found before LMDB follows it, in one look and in many, also while the index is changed in between. */
class DataPagesTest {
    private static final int PAGE_BYTES = 4_096;
    private static final int OBJECTS = 2_000;
    private static final Index.Ids IDS =
            new Index.Ids("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002");

    @TempDir
    Path directory;

    private Path data;
    private long generation;

    @BeforeEach
    void fill() {
        data = directory.resolve("data.mdb");
        try (Index index = open(true)) {
            for (int i = 0; i < OBJECTS; i += 100) {
                put(index, "key", i, 100);
            }
        }
    }

    private Index open(boolean isNew) {
        return new Index(directory, 1 << 26, IDS, isNew, isNew, new Metrics(), 1);
    }

    private void put(Index index, String prefix, int first, int count) {
        List<IndexChange> changes = new ArrayList<>();
        for (int i = first; i < first + count; i++) {
            IndexRecord record = record(prefix + i);
            changes.add(new IndexChange(record.objectKey(), record));
        }
        index.commit(changes, List.of(), generation + 1, new ArrayList<>());
    }

    /** Every tenth has a body too long for a page. */
    private IndexRecord record(String key) {
        generation++;
        byte[] body = new byte[generation % 10 == 0 ? 4_000 : 100];
        return new IndexRecord(
                key.getBytes(StandardCharsets.US_ASCII),
                IndexRecord.INLINE,
                IndexRecord.NO_DEVICE,
                generation,
                generation,
                body.length,
                0,
                1_000 + generation,
                0,
                LongHashFunction.xx3().hashBytes(body),
                new byte[0],
                body);
    }

    @Test
    void aSoundIndexIsLookedAtToItsEndInAnySteps() throws Exception {
        for (long most : new long[] {1, 7, 1_000, Long.MAX_VALUE}) {
            DataPages pages = new DataPages(data);
            int looks = 0;
            while (!pages.isDone()) {
                assertThat(pages.lookOn(most)).isEqualTo(DataPages.NONE);
                looks++;
                assertThat(looks).isLessThan(10_000);
            }
            if (most == 1) {
                assertThat(looks).as("leaves").isGreaterThan(100);
            }
            if (most == Long.MAX_VALUE) {
                assertThat(looks).isOne();
            }
        }
    }

    @Test
    void eachBrokenPageThatIsFoundInOneLookIsFoundInMany() throws Exception {
        byte[] sound = Files.readAllBytes(data);
        Random random = new Random(4);
        int used = 0;
        for (int page = 2; page < sound.length / PAGE_BYTES; page += 3) {
            byte[] other = new byte[PAGE_BYTES];
            random.nextBytes(other);
            write(page, other);
            long found = new DataPages(data).lookOn(Long.MAX_VALUE);
            assertThat(firstInSteps(5)).isEqualTo(found);
            used += found == page ? 1 : 0;
            write(page, Arrays.copyOfRange(sound, page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
        }
        assertThat(used).isGreaterThan(100);
    }

    private long firstInSteps(long most) throws IOException {
        DataPages pages = new DataPages(data);
        long broken = DataPages.NONE;
        while (!pages.isDone() && broken == DataPages.NONE) {
            broken = pages.lookOn(most);
        }
        return broken;
    }

    private void write(int page, byte[] bytes) throws IOException {
        try (FileChannel file = FileChannel.open(data, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(bytes), (long) page * PAGE_BYTES);
        }
    }

    @Test
    void anIndexThatIsChangedBetweenTheLooksIsSound() {
        try (Index index = open(false)) {
            int rounds = 0;
            for (boolean more = true; more; rounds++) {
                more = index.checkMorePages(3);
                put(index, rounds % 2 == 0 ? "key" : "new", (rounds * 37) % OBJECTS, 20);
            }
            assertThat(rounds).isGreaterThan(100);
        }
    }

    @Test
    void aPageThatIsBrokenWhileTheIndexServesEndsItsUseAndNotTheProcess() throws Exception {
        int page = pageOf("key1234");
        write(page, new byte[PAGE_BYTES]);
        try (Index index = open(false)) {
            assertThatThrownBy(() -> {
                        while (index.checkMorePages(3)) {
                            // goes on
                        }
                    })
                    .isInstanceOf(IndexException.class)
                    .hasMessageContaining(data + " is damaged: its page " + page + " is not what was written there")
                    .hasMessageContaining("put the index back from a backup");

            assertThat(index.isUsable()).isFalse();
            ObjectKey key = new ObjectKey("key1234".getBytes(StandardCharsets.US_ASCII));
            assertThatThrownBy(() -> index.get(key))
                    .isInstanceOfSatisfying(
                            IndexException.class, e -> assertThat(e.status()).isEqualTo(Status.IO_ERROR));
            assertThatThrownBy(() -> put(index, "new", 0, 1)).hasMessageContaining("its page " + page);
            assertThatThrownBy(() -> index.reopen(generation)).hasMessageContaining("its page " + page);
        }
    }

    @Test
    void aPageThatIsBrokenBeforeTheIndexIsOpenedIsNamedInsteadOfOpeningIt() throws Exception {
        int page = pageOf("key1234");
        write(page, new byte[PAGE_BYTES]);
        assertThatThrownBy(() -> new Index(directory, 1 << 26, IDS, false, false, new Metrics()))
                .hasMessageContaining("its page " + page + " is not what was written there");
    }

    /** The page in use with the record of an object, which the prefixes have in other bytes. */
    private int pageOf(String key) throws IOException {
        byte[] digest = new ObjectKey(key.getBytes(StandardCharsets.US_ASCII)).digest();
        byte[] all = Files.readAllBytes(data);
        for (int page = 2; page < all.length / PAGE_BYTES; page++) {
            byte[] sound = Arrays.copyOfRange(all, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
            if (has(sound, digest)) {
                write(page, new byte[PAGE_BYTES]);
                boolean isUsed = new DataPages(data).lookOn(Long.MAX_VALUE) == page;
                write(page, sound);
                if (isUsed) {
                    return page;
                }
            }
        }
        throw new AssertionError("no page has the key");
    }

    private static boolean has(byte[] page, byte[] part) {
        for (int at = 0; at + part.length <= page.length; at++) {
            if (Arrays.equals(page, at, at + part.length, part, 0, part.length)) {
                return true;
            }
        }
        return false;
    }
}
