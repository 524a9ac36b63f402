package org.objmapper.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.HitCount;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** What is kept is given for as long as the table says that it is current, and within the bounds (protocol-spec.md 11). */
class ObjectCacheTest {
    private static final long MAGIC = 0x31425456_4A424F4AL;
    private static final int COUNT = 16;
    private static final int FIRST = 4_096;
    private static final int EPOCH_AT = 64;
    private static final int CLOCK_AT = 128;
    private static final long SECOND = 1_000_000_000;
    private static final int BODY = 100;
    private static final CacheBounds WIDE = new CacheBounds(100, 100_000, 60_000);

    @TempDir
    Path directory;

    private FileChannel file;

    @BeforeEach
    void makeTable() throws IOException {
        file = FileChannel.open(
                directory.resolve("table"),
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        set(FIRST + COUNT * Long.BYTES - Long.BYTES, 0);
        set(0, MAGIC);
        set(8, COUNT);
        set(16, FIRST);
        set(EPOCH_AT, 6);
        set(CLOCK_AT, 1_000);
    }

    @AfterEach
    void closeTable() throws IOException {
        file.close();
    }

    private void set(int at, long value) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value);
        assertThat(file.write(bytes, at)).isEqualTo(Long.BYTES);
    }

    private static int at(int slot) {
        return FIRST + slot * Long.BYTES;
    }

    /** Keeps an object of so many bytes, whose word is its slot's number doubled. */
    private void keep(ObjectCache cache, String key, int length, int slot, long deadline, long askedNanos)
            throws IOException {
        set(at(slot), 2L * slot);
        ByteBuffer frame = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
        FrameWriter writer = new FrameWriter().wrap(frame).begin(Operation.GET, 1, 1, Status.OK, length);
        writer.u32(MetadataType.MODE, 0).validity(6, slot, 2L * slot, deadline).end();
        byte[] metadata = new byte[frame.position() - Limits.HEADER];
        frame.get(Limits.HEADER, metadata);
        CopiedBody body = new CopiedBody();
        body.append(ByteBuffer.allocate(length));
        Reply reply = new Reply(Status.OK, length, metadata, null, body, cache.adopt(file), askedNanos);
        try (StoredObject object = new StoredObject(Key.of(key), reply, new MappedBytes(0))) {
            cache.keep(Key.of(key), object, reply);
        }
    }

    private void keep(ObjectCache cache, String key, int slot) throws IOException {
        keep(cache, key, BODY, slot, Limits.UNKNOWN, System.nanoTime());
    }

    @Test
    void whatWasGivenIsToldOnceAndAsFarAsThereIsRoom() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        keep(cache, "first", 1);
        keep(cache, "second", 2);
        keep(cache, "never asked for", 3);
        for (int i = 0; i < 3; i++) {
            assertThat(has(cache, "first")).isTrue();
        }
        assertThat(has(cache, "second")).isTrue();
        assertThat(told(cache, 24) + told(cache, 24) + told(cache, 1_000))
                .contains("first 3,")
                .contains("second 1,")
                .hasSameSizeAs("first 3,second 1,");
        assertThat(told(cache, 1_000)).isEmpty();
        cache.clear();
    }

    @Test
    void allThatAreGivenAreToldInTurnWhereThereIsNoRoomForThem() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        List<String> keys = List.of("a", "b", "c");
        for (String key : keys) {
            keep(cache, key, 1);
        }
        StringBuilder told = new StringBuilder();
        for (int i = 0; i < keys.size(); i++) {
            for (String key : keys) {
                assertThat(has(cache, key)).isTrue();
            }
            told.append(told(cache, 24));
        }
        assertThat(told.toString()).contains("a ", "b ", "c ");
        cache.clear();
    }

    private static String told(ObjectCache cache, int room) throws Exception {
        ByteBuffer counts = ByteBuffer.allocate(room).order(ByteOrder.LITTLE_ENDIAN);
        cache.tellHits(counts);
        counts.flip();
        StringBuilder told = new StringBuilder();
        while (counts.hasRemaining()) {
            HitCount count = HitCount.read(counts);
            told.append(new String(count.key(), UTF_8))
                    .append(' ')
                    .append(count.hits())
                    .append(',');
        }
        return told.toString();
    }

    private static boolean has(ObjectCache cache, String key) throws IOException {
        try (StoredObject object = cache.get(Key.of(key))) {
            return object != null && object.bytes().length == object.length();
        }
    }

    @Test
    void whatNothingChangedIsGivenAgainAndAgain() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        keep(cache, "key", 3);
        assertThat(has(cache, "key")).isTrue();
        assertThat(has(cache, "key")).isTrue();
        assertThat(has(cache, "other")).isFalse();
    }

    @Test
    void anObjectWhoseWordOrEpochIsAnotherIsNotGivenAnyMore() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        keep(cache, "one", 3);
        keep(cache, "other", 4);
        set(at(3), 7);
        assertThat(has(cache, "one")).isFalse();
        assertThat(has(cache, "other")).isTrue();
        set(at(3), 6);
        assertThat(has(cache, "one")).as("it is dropped").isFalse();
        set(EPOCH_AT, 7);
        assertThat(has(cache, "other")).isFalse();
        assertThat(cache.size()).isZero();
    }

    @Test
    void anObjectIsGivenUpToItsDeadlineByTheServersClock() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        keep(cache, "key", BODY, 3, 1_001, System.nanoTime());
        assertThat(has(cache, "key")).isTrue();
        set(CLOCK_AT, 1_001);
        assertThat(has(cache, "key")).isFalse();
    }

    @Test
    void nothingIsGivenThatNoLivingServerStandsFor() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        keep(cache, "key", BODY, 3, Limits.UNKNOWN, System.nanoTime() - SECOND);
        assertThat(has(cache, "key"))
                .as("the last answer was asked for too long ago")
                .isFalse();
    }

    /** That the clock differs from what was seen long ago tells only that the server lived then. */
    @Test
    void aClockThatMovedAtSomeTimeSinceIsNoSignOfLife() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        keep(cache, "key", BODY, 3, Limits.UNKNOWN, System.nanoTime() - SECOND);
        set(CLOCK_AT, 2_000);
        assertThat(has(cache, "key")).isFalse();
    }

    @Test
    void aClockThatMovesBetweenTwoLooksIs() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        keep(cache, "one", BODY, 3, Limits.UNKNOWN, System.nanoTime() - SECOND);
        keep(cache, "other", BODY, 4, Limits.UNKNOWN, System.nanoTime() - SECOND);
        assertThat(has(cache, "one")).isFalse();
        set(CLOCK_AT, 2_000);
        assertThat(has(cache, "other")).isTrue();
    }

    @Test
    void theLeastUsedLeavesBeyondTheCount() throws Exception {
        ObjectCache cache = new ObjectCache(new CacheBounds(2, 100_000, 60_000));
        keep(cache, "a", 1);
        keep(cache, "b", 2);
        assertThat(has(cache, "a")).isTrue();
        keep(cache, "c", 3);
        assertThat(cache.size()).isEqualTo(2);
        assertThat(has(cache, "a")).isTrue();
        assertThat(has(cache, "b")).isFalse();
    }

    @Test
    void andBeyondTheBytes() throws Exception {
        ObjectCache cache = new ObjectCache(new CacheBounds(100, 1_500, 60_000));
        keep(cache, "a", 1_000, 1, Limits.UNKNOWN, System.nanoTime());
        keep(cache, "b", 1_000, 2, Limits.UNKNOWN, System.nanoTime());
        assertThat(has(cache, "a")).isFalse();
        assertThat(has(cache, "b")).isTrue();
        keep(cache, "too long", 1_500, 3, Limits.UNKNOWN, System.nanoTime());
        assertThat(has(cache, "too long")).isFalse();
        assertThat(has(cache, "b")).isTrue();
    }

    @Test
    void whatIsReplacedTakesNoMemoryAnyMore() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        keep(cache, "key", 1);
        WeakReference<ObjectMetadata> replaced = metadataOf(cache, "key");
        keep(cache, "key", 1);
        WeakReference<ObjectMetadata> changed = metadataOf(cache, "key");
        set(at(1), 4);
        assertThat(has(cache, "key")).isFalse();
        System.gc();
        assertThat(replaced.get()).isNull();
        assertThat(changed.get()).isNull();
    }

    /** What the cache itself has of an object, and all that it gives have too. */
    private static WeakReference<ObjectMetadata> metadataOf(ObjectCache cache, String key) throws IOException {
        try (StoredObject object = cache.get(Key.of(key))) {
            return new WeakReference<>(object.metadata());
        }
    }

    @Test
    void whatNobodyAsksForLeaves() throws Exception {
        ObjectCache cache = new ObjectCache(new CacheBounds(100, 100_000, 1_000));
        keep(cache, "used", 1);
        keep(cache, "unused", 2);
        long now = System.nanoTime();
        cache.expire(now + SECOND / 2);
        assertThat(cache.size()).isEqualTo(2);
        assertThat(has(cache, "used")).isTrue();
        cache.expire(now + SECOND + 1);
        assertThat(has(cache, "used")).isTrue();
        assertThat(has(cache, "unused")).isFalse();
        cache.expire(now + 3 * SECOND);
        cache.expire(now + 5 * SECOND);
        assertThat(cache.size()).isZero();
    }

    @Test
    void whoHoldsAnObjectHasItAfterTheCacheLetItGo() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        keep(cache, "key", 1);
        try (StoredObject first = cache.get(Key.of("key"));
                StoredObject second = cache.get(Key.of("key"))) {
            cache.clear();
            first.close();
            first.close();
            assertThat(second.bytes()).hasSize(BODY);
        }
        assertThat(cache.size()).isZero();
    }

    @Test
    void aTableThatAnotherSessionBringsIsTheSameByItsId() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        ValidityTable first = cache.adopt(file);
        assertThat(cache.adopt(file)).isSameAs(first);
        set(24, 1);
        assertThat(cache.adopt(file)).isNotSameAs(first);
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "8, 17", "8, 32", "8, 0", "8, -16", "16, 4100", "16, 1048576", "16, -8", "16, 8"})
    void whatIsNoSuchTableIsNotUsed(int at, long value) throws Exception {
        set(at, value);
        assertThat(new ObjectCache(WIDE).adopt(file)).isNull();
    }

    @Test
    void anObjectOfASlotThatTheTableLacksIsNotKept() throws Exception {
        ObjectCache cache = new ObjectCache(WIDE);
        cache.adopt(file);
        keep(cache, "key", COUNT);
        assertThat(has(cache, "key")).isFalse();
    }
}
