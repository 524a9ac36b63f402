package org.objmapper.server.store.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.objmapper.server.store.table.TableRecords.digest;
import static org.objmapper.server.store.table.TableRecords.record;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Readers look while one thread changes: nobody may see a mixture, or miss what is there all the time. */
class ObjectTableRaceTest {
    private static final int READERS = 3;
    private static final int CHANGES = 400_000;
    /** So few that readers and the writer meet, and so many that segments grow and close gaps. */
    private static final int COMING_AND_GOING = 3_000;

    private static final int STAYING = 1_000;

    private final ObjectTable table = new ObjectTable(1L << 30);
    private final byte[][] digests = new byte[COMING_AND_GOING + STAYING][];
    private final AtomicReference<String> wrong = new AtomicReference<>();
    private volatile boolean done;

    @Test
    void noReaderSeesAMixtureOrMissesWhatStays() throws Exception {
        long seed = Long.getLong("objmapper.seed", System.nanoTime());
        System.out.println("ObjectTableRaceTest: -Dobjmapper.seed=" + seed);
        for (int key = 0; key < digests.length; key++) {
            digests[key] = digest(seed + key);
        }
        for (int key = COMING_AND_GOING; key < digests.length; key++) {
            table.put(digests[key], record(key));
        }
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            Random random = new Random(seed + i);
            Thread reader = new Thread(() -> read(random), "reader-" + i);
            reader.start();
            readers.add(reader);
        }
        try {
            change(new Random(seed - 1));
        } finally {
            done = true;
            for (Thread reader : readers) {
                reader.join();
            }
        }
        assertThat(wrong.get()).isNull();
    }

    private void change(Random random) {
        for (long step = 1; step <= CHANGES && wrong.get() == null; step++) {
            // The generations of a key are those that leave the same rest, so that a reader can tell whose record it
            // got.
            int key = random.nextInt(COMING_AND_GOING);
            long generation = step * digests.length + key;
            switch (random.nextInt(4)) {
                case 0 -> table.remove(digests[key]);
                case 1 -> table.unsettle(digests[key], false);
                default -> table.put(digests[key], record(generation));
            }
            int stays = COMING_AND_GOING + random.nextInt(STAYING);
            table.put(digests[stays], record(step * digests.length + stays));
        }
    }

    private void read(Random random) {
        Entry entry = new Entry();
        while (!done && wrong.get() == null) {
            int key = random.nextInt(digests.length);
            ObjectTable.Answer answer = table.findWhole(digests[key], entry);
            if (answer == ObjectTable.Answer.FOUND) {
                if (entry.generation() % digests.length != key || !TableRecords.isWhole(entry)) {
                    wrong.set("key " + key + " has generation " + entry.generation() + " and is a mixture");
                }
            } else if (answer == ObjectTable.Answer.ABSENT && key >= COMING_AND_GOING) {
                wrong.set("key " + key + " was there all the time, and was not found");
            }
        }
    }
}
