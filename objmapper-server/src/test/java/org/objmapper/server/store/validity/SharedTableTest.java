package org.objmapper.server.store.validity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The table as clients have it, over starts of the server (protocol-spec.md 11.6). */
class SharedTableTest {
    private static final long HASH = 0x12345678_9ABCDEF0L;
    private static final int CLOCK_AT = 128;

    @TempDir
    Path directory;

    private final AtomicReference<byte[]> record = new AtomicReference<>();
    private final AtomicLong clock = new AtomicLong(1_000);
    private final CountDownLatch released = new CountDownLatch(1);

    private SharedTable open() {
        return SharedTable.open(path(), record.get(), clock::get);
    }

    private Path path() {
        return directory.resolve("table");
    }

    private SharedTable started() {
        SharedTable table = open();
        table.start(record::set, released::countDown);
        return table;
    }

    private static void stop(SharedTable table) {
        table.stop();
        table.close();
    }

    private static void kill(SharedTable table) {
        table.halt();
        table.close();
    }

    private long inFile(int at) throws IOException {
        return ByteBuffer.wrap(Files.readAllBytes(path()))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong(at);
    }

    @Test
    void theFirstOneIsRecordedAndHoldsNothingBack() throws Exception {
        SharedTable table = started();
        assertThat(table.holdsBack()).isFalse();
        assertThat(released.getCount()).isZero();
        assertThat(record.get()).isNotNull();
        assertThat(table.hand()).isNotNegative();
        stop(table);
    }

    @Test
    void theFileIsWhatTheSpecificationSaysAndNobodyMayWriteToIt() throws Exception {
        SharedTable table = started();
        long count = inFile(8);
        assertThat(inFile(0)).isEqualTo(0x31425456_4A424F4AL);
        assertThat(Long.bitCount(count)).isEqualTo(1);
        assertThat(Files.size(path())).isEqualTo(inFile(16) + count * Long.BYTES);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path())))
                .isEqualTo("r--r--r--");
        table.table().begin(HASH);
        int slot = table.table().slot(HASH);
        assertThat(inFile((int) inFile(16) + slot * Long.BYTES)).isEqualTo(1);
        table.table().changeAll(() -> assertThat(table.table().epoch()).isOdd());
        assertThat(inFile(64)).isEqualTo(2);
        stop(table);
    }

    @Test
    void theClockGoesWhileAnybodyHasTheTable() throws Exception {
        SharedTable table = started();
        assertThat(inFile(CLOCK_AT)).isZero();
        table.hand();
        assertThat(inFile(CLOCK_AT)).isEqualTo(1_000);
        clock.set(2_000);
        await().until(() -> inFile(CLOCK_AT) == 2_000);
        table.letGo();
        stop(table);
    }

    @Test
    void theNextServerTakesUpTheSameFileWithAnotherEpochAndNoChangeUnderWay() throws Exception {
        SharedTable killed = started();
        killed.table().begin(HASH);
        byte[] recorded = record.get();
        kill(killed);

        SharedTable next = started();
        assertThat(next.holdsBack()).isFalse();
        assertThat(next.table().epoch()).isEqualTo(2);
        assertThat(next.table().word(next.table().slot(HASH))).isEqualTo(2);
        assertThat(record.get()).isEqualTo(recorded);
        stop(next);
    }

    @Test
    void oneThatIsKilledWhileItRaisedTheEpochLeavesItOddAndTheNextMakesItEven() throws Exception {
        SharedTable killed = started();
        killed.table().changeAll(() -> {
            SharedTable next = open();
            assertThat(next.table().epoch()).isEqualTo(2);
            next.close();
        });
        kill(killed);
    }

    @Test
    void aCopyOfTheFileIsAnother() throws Exception {
        kill(started());
        Path copy = Files.copy(path(), directory.resolve("copy"));
        Files.delete(path());
        Files.move(copy, path());
        expectAnotherThatHoldsBack();
    }

    @Test
    void oneThatIsLostIsReplacedAndChangesWait() throws Exception {
        kill(started());
        Files.delete(path());
        expectAnotherThatHoldsBack();
    }

    @Test
    void oneThatTheIndexKnowsNothingOfIsReplacedAndChangesWait() throws Exception {
        kill(started());
        record.set(null);
        expectAnotherThatHoldsBack();
    }

    private void expectAnotherThatHoldsBack() throws Exception {
        byte[] before = record.get();
        CountDownLatch late = new CountDownLatch(1);
        SharedTable next = open();
        next.start(record::set, late::countDown);
        assertThat(next.holdsBack()).isTrue();
        byte[] meanwhile = record.get();
        assertThat(meanwhile)
                .as("until clients know, no table is known")
                .hasSize(36)
                .isNotEqualTo(before);
        assertThat(next.hand()).as("readers need not wait").isNotNegative();
        late.await();
        await().until(() -> record.get().length > meanwhile.length);
        kill(next);

        SharedTable last = open();
        assertThat(last.holdsBack()).isFalse();
        last.close();
    }

    /** One that is killed while changes wait leaves it to the next to wait as long. */
    @Test
    void aServerThatStartsWhileAnotherHeldBackHoldsBackAgain() throws Exception {
        kill(started());
        Files.delete(path());
        SharedTable killed = open();
        killed.start(record::set, () -> {});
        stop(killed); // it may stop as well: clients of the one before have not noticed yet
        SharedTable next = open();
        assertThat(next.holdsBack()).isTrue();
        next.close();
    }

    /** So it is when the directory goes with the server, and when the store is another. */
    @Test
    void aServerThatStopsTakesBackWhatItSaidSoThatNobodyHasToWait() throws Exception {
        SharedTable stopped = started();
        stop(stopped);
        assertThat(stopped.table().epoch()).isEqualTo(2);
        assertThat(path()).doesNotExist();

        SharedTable next = started();
        assertThat(next.holdsBack()).isFalse();
        assertThat(next.hand()).isNotNegative();
        stop(next);
        record.set(null);
        SharedTable ofAnotherStore = started();
        assertThat(ofAnotherStore.holdsBack()).isFalse();
        stop(ofAnotherStore);
    }

    @Test
    void nobodyHasATableOfAnotherBoot() throws Exception {
        kill(started());
        byte[] other = record.get().clone();
        other[0] = (byte) (other[0] == '0' ? '1' : '0');
        record.set(other);
        SharedTable next = started();
        assertThat(next.holdsBack()).isFalse();
        assertThat(next.hand()).isNotNegative();
        assertThat(record.get()).isNotEqualTo(other);
        stop(next);
    }

    @Test
    void nobodyIsHandedATableThatCannotBeRecorded() throws Exception {
        SharedTable table = open();
        table.start(
                value -> {
                    throw new IOException("the disk is full");
                },
                released::countDown);
        assertThat(table.hand()).isEqualTo(-1);
        assertThat(released.getCount()).isZero();
        stop(table);
    }

    @Test
    void whereThereIsNoRoomForATableThereIsNone() throws Exception {
        SharedTable table = SharedTable.open(directory.resolve("missing/table"), null, clock::get);
        table.start(record::set, released::countDown);
        assertThat(table.hand()).isEqualTo(-1);
        assertThat(record.get()).isNull();
        table.table().begin(HASH);
        table.table().end(HASH);
        assertThat(table.table().word(table.table().slot(HASH))).isEqualTo(2);
        stop(table);
    }
}
