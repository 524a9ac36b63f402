package org.objmapper.server.store.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.objmapper.server.store.table.ObjectTable.Answer.ABSENT;
import static org.objmapper.server.store.table.ObjectTable.Answer.FOUND;
import static org.objmapper.server.store.table.ObjectTable.Answer.UNKNOWN;
import static org.objmapper.server.store.table.TableRecords.digest;
import static org.objmapper.server.store.table.TableRecords.record;
import static org.objmapper.server.store.table.TableRecords.variant;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.table.ObjectTable.Answer;

class ObjectTableTest {
    private static final long AMPLE = 1L << 30;

    private final ObjectTable table = new ObjectTable(AMPLE);
    private final Entry entry = new Entry();

    @Test
    void itAnswersAsAMapWouldThroughRandomChanges() {
        long seed = Long.getLong("objmapper.seed", System.nanoTime());
        System.out.println("ObjectTableTest: -Dobjmapper.seed=" + seed);
        Random random = new Random(seed);
        Map<Long, Long> model = new HashMap<>();
        Set<Long> unsettled = new HashSet<>();
        for (long step = 1; step <= 300_000; step++) {
            long key = random.nextInt(20_000);
            int choice = random.nextInt(10);
            if (choice < 4) {
                table.put(digest(key), record(step));
                model.put(key, step);
                unsettled.remove(key);
            } else if (choice < 6) {
                table.remove(digest(key));
                model.remove(key);
                unsettled.remove(key);
            } else if (choice < 7) {
                table.unsettle(digest(key), false);
                unsettled.add(key);
            } else {
                compare(key, model.get(key), unsettled.contains(key));
            }
        }
        for (long key = 0; key < 20_000; key++) {
            compare(key, model.get(key), unsettled.contains(key));
        }
        unsettled.addAll(model.keySet());
        assertThat(table.objects()).isEqualTo(unsettled.size());
    }

    private void compare(long key, Long generation, boolean unsettled) {
        Answer answer = table.findWhole(digest(key), entry);
        assertThat(answer).isEqualTo(unsettled ? UNKNOWN : generation == null ? ABSENT : FOUND);
        if (answer == FOUND) {
            assertThat(entry.generation()).isEqualTo(generation);
            assertThat(TableRecords.isWhole(entry)).isTrue();
        }
    }

    @Test
    void itGrowsFromAFewObjectsToManyWithoutLosingOne() {
        long empty = table.bytes();
        for (long key = 0; key < 200_000; key++) {
            table.put(digest(key), record(key));
        }
        for (long key = 0; key < 200_000; key++) {
            compare(key, key, false);
            compare(key + 200_000, null, false);
        }
        assertThat(table.objects()).isEqualTo(200_000);
        assertThat((table.bytes() - empty) / 200_000)
                .as("bytes an object")
                .isLessThan(Slots.SLOT_BYTES + 2 * 2 * Long.BYTES + TableRecords.MAX_METADATA);
    }

    @Test
    void whatComesAndGoesForEverTakesNoMoreMemoryThanWhatIsThere() {
        for (long key = 0; key < 10_000; key++) {
            table.put(digest(key), record(key));
        }
        long bytes = table.bytes();
        for (long key = 10_000; key < 500_000; key++) {
            table.remove(digest(key - 10_000));
            table.put(digest(key), record(key));
        }
        assertThat(table.objects()).isEqualTo(10_000);
        assertThat(table.bytes())
                .as("a chunk of metadata may be new for each size")
                .isLessThan(bytes * 2);
        for (long key = 490_000; key < 500_000; key++) {
            compare(key, key, false);
            compare(key - 10_000, null, false);
        }
    }

    @Test
    void anObjectKeepsItsNumberAsLongAsItIsThere() {
        table.put(digest(1), record(1));
        assertThat(table.find(digest(1), entry)).isEqualTo(FOUND);
        int slot = entry.slot();
        for (long key = 2; key < 100_000; key++) {
            table.put(digest(key), record(key));
        }
        table.unsettle(digest(1), false);
        table.put(digest(1), record(7));
        assertThat(table.find(digest(1), entry)).isEqualTo(FOUND);
        assertThat(entry.slot()).isEqualTo(slot);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 17, TableRecords.MAX_METADATA})
    void shortMetadataStandsInIt(int length) {
        table.put(digest(1), record(9, 0, length));
        assertThat(table.findWhole(digest(1), entry)).isEqualTo(FOUND);
        assertThat(entry.needsIndex()).isFalse();
        assertThat(entry.metadata()).isEqualTo(record(9, 0, length).metadata());
    }

    @Test
    void longMetadataAndThatOfInlineBodiesIsLeftToTheIndex() {
        table.put(digest(1), record(9, 0, TableRecords.MAX_METADATA + 1));
        table.put(digest(2), record(9, IndexRecord.INLINE, 5));
        assertThat(table.findWhole(digest(1), entry)).isEqualTo(FOUND);
        assertThat(entry.needsIndex()).isTrue();
        assertThat(table.findWhole(digest(2), entry)).isEqualTo(FOUND);
        assertThat(entry.needsIndex()).isTrue();
    }

    @Test
    void timesThatNeverComeAreKept() {
        IndexRecord record = record(5).rewritten(6, IndexRecord.NEVER, Long.MAX_VALUE, false, new byte[0]);
        table.put(digest(1), record);
        assertThat(table.find(digest(1), entry)).isEqualTo(FOUND);
        assertThat(entry.expiryMillis()).isEqualTo(IndexRecord.NEVER);
        assertThat(entry.graceMillis()).as("more than 8,000 years").isGreaterThan(8_000L * 365 * 24 * 3_600_000);
    }

    // ---- its bound

    @Test
    void anObjectThatFindsNoRoomIsLeftToTheIndexAndTheOthersAreFound() {
        ObjectTable small = new ObjectTable(2 << 20);
        long key = 0;
        while (small.leftOut() == 0) {
            assertThat(small.isWhole()).isTrue();
            small.put(digest(key), record(key, 0, 0));
            key++;
        }
        assertThat(key).isGreaterThan(1_000);
        assertThat(small.isWhole()).isFalse();
        assertThat(small.bytes()).isLessThanOrEqualTo(2 << 20);
        assertThat(small.find(digest(key - 1), entry)).isEqualTo(UNKNOWN);
        assertThat(small.find(digest(-1), entry))
                .as("it may be one that was left out")
                .isEqualTo(UNKNOWN);
        for (long there = 0; there < key - 1; there++) {
            assertThat(small.find(digest(there), entry)).isEqualTo(FOUND);
        }
    }

    @Test
    void roomThatIsMadeIsUsedAgain() {
        ObjectTable small = new ObjectTable(2 << 20);
        long key = 0;
        while (small.leftOut() == 0) {
            small.put(digest(key), record(key));
            key++;
        }
        small.remove(digest(0));
        small.put(digest(key), record(key, 0, 0));
        assertThat(small.find(digest(key), entry)).isEqualTo(FOUND);
        assertThat(small.leftOut()).isEqualTo(1);
    }

    // ---- filling

    @Test
    void whileItIsFilledWhatIsNotFoundIsNotKnown() {
        table.beginFilling();
        table.fill(digest(1), record(1));
        assertThat(table.find(digest(1), entry)).isEqualTo(FOUND);
        assertThat(table.find(digest(2), entry)).isEqualTo(UNKNOWN);
        table.endFilling();
        assertThat(table.find(digest(2), entry)).isEqualTo(ABSENT);
    }

    @Test
    void whatChangesWhileASliceIsReadIsNewerThanTheSlice() {
        table.beginFilling();
        table.put(digest(1), record(10));
        table.unsettle(digest(2), false);
        table.remove(digest(3));
        table.unsettle(digest(4), false);
        table.remove(digest(4));
        for (long key = 1; key <= 4; key++) {
            table.fill(digest(key), record(key));
        }
        compare(1, 10L, false);
        compare(2, null, true);
        compare(3, null, false);
        compare(4, null, false);
        table.endFilling();
        compare(1, 10L, false);
        compare(2, null, true);
        compare(3, null, false);
        compare(4, null, false);
        assertThat(table.objects()).isEqualTo(2);
    }

    @Test
    void whatIsPutAgainAfterItsRemovalIsThereWhenTheSliceEnds() {
        table.beginFilling();
        table.remove(digest(1));
        table.put(digest(1), record(5));
        table.remove(digest(2));
        table.unsettle(digest(2), false);
        table.endSlice();
        compare(1, 5L, false);
        compare(2, null, true);
    }

    @Test
    void whatIsRemovedInOneSliceTakesNoMemoryInTheNext() {
        table.beginFilling();
        for (long key = 0; key < 100_000; key++) {
            table.remove(digest(key));
            table.endSlice();
        }
        assertThat(table.objects()).isZero();
    }

    @Test
    void aTableThatHadNoRoomForAllDoesNotTakeItselfForWhole() {
        ObjectTable small = new ObjectTable(2 << 20);
        small.beginFilling();
        for (long key = 0; small.leftOut() == 0; key++) {
            small.fill(digest(key), record(key));
        }
        small.endFilling();
        assertThat(small.isWhole()).isFalse();
    }

    // ---- several objects under a key

    @Test
    void ofAKeyWithVariantsTheIndexKnows() {
        table.put(digest(1), record(1));
        table.put(variant(1, 1), varied(2));
        assertThat(table.find(digest(1), entry)).isEqualTo(UNKNOWN);
        table.put(variant(2, 1), varied(2));
        assertThat(table.find(digest(2), entry)).as("none without a variant").isEqualTo(UNKNOWN);
        assertThat(table.objects()).isEqualTo(3);
    }

    @Test
    void aVariantThatIsOnItsWayIsNotOverlooked() {
        table.put(digest(1), record(1));
        table.unsettle(variant(1, 1), true);
        assertThat(table.find(digest(1), entry)).isEqualTo(UNKNOWN);
    }

    @Test
    void whatIsLeftAloneUnderItsKeyIsKnownAgain() {
        table.put(digest(1), record(1));
        for (int variant = 1; variant <= 64; variant++) {
            table.put(variant(1, variant), varied(variant));
        }
        for (int variant = 1; variant <= 64; variant++) {
            assertThat(table.find(digest(1), entry)).isEqualTo(UNKNOWN);
            table.remove(variant(1, variant));
        }
        compare(1, 1L, false);
        table.remove(digest(1));
        assertThat(table.find(digest(1), entry)).isEqualTo(ABSENT);
    }

    @Test
    void theObjectBesideAVariantThatFoundNoRoomIsNotTakenForTheOnlyOne() {
        ObjectTable small = new ObjectTable(2 << 20);
        long key = 0;
        while (small.leftOut() == 0) {
            small.put(digest(key), record(key));
            key++;
        }
        while (small.leftOut() < 100) {
            small.unsettle(variant(1, (int) small.leftOut()), true); // some may still find room
            small.put(digest(key), record(key));
            key++;
        }
        assertThat(small.find(digest(1), entry)).isEqualTo(UNKNOWN);
        assertThat(small.find(digest(2), entry)).isEqualTo(FOUND);
        small.remove(digest(2));
        small.put(digest(-1), record(1, 0, 0));
        assertThat(small.find(digest(-1), entry))
                .as("the one that found no room may be beside this one too")
                .isEqualTo(UNKNOWN);
    }

    private static IndexRecord varied(long generation) {
        return record(generation, IndexRecord.VARIANT, 0);
    }
}
