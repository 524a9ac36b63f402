package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.with;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.tier.Capacity;

/** What changes an object changes its word in the validity table, or the epoch (protocol-spec.md 11). */
class StoreValidityTest {
    private static final String KEY = "/a/1";
    private static final byte[] BODY = bytes("body");
    private static final int OVERWRITES = 3_000;

    @TempDir
    Path directory;

    /** A change that a client is told of. */
    private enum Told {
        PUT,
        DURABLE_PUT,
        DELETE,
        TOUCH,
        PURGE_OF_THE_KEY,
        SOFT_PURGE_OF_THE_KEY,
        PURGE_OF_A_PREFIX,
        SOFT_PURGE_OF_A_TAG,
        EXPIRY_THAT_IS_CLEARED_AWAY
    }

    private StoreUnderTest open() throws IOException {
        Path data = Files.createDirectories(directory.resolve("data"));
        return new StoreUnderTest(StoreOptions.of(data).withValidityTable(directory.resolve("table")));
    }

    private static long word(StoreUnderTest store, String key) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes(key));
        return store.store().validityWord(store.store().hash(buffer, 0, buffer.limit()));
    }

    private static Result make(Told change, StoreUnderTest store) throws Exception {
        return switch (change) {
            case PUT -> store.put(StoreUnderTest.plain(KEY), BODY);
            case DURABLE_PUT -> store.put(StoreUnderTest.durable(KEY), new byte[100_000]);
            case DELETE -> store.delete(KEY);
            case TOUCH -> store.touch(KEY, new ObjectMetadata(), 1_000_000L);
            case PURGE_OF_THE_KEY -> store.purgeKey(KEY, false);
            case SOFT_PURGE_OF_THE_KEY -> store.purgeKey(KEY, true);
            case PURGE_OF_A_PREFIX -> store.purgePrefix("/a/", false);
            case SOFT_PURGE_OF_A_TAG -> store.purgeTag("tag", true);
            case EXPIRY_THAT_IS_CLEARED_AWAY -> {
                store.nowMillis.addAndGet(2_000_000);
                await().until(() -> store.getExpiredToo(KEY) == null);
                yield Result.ok(0, 0);
            }
        };
    }

    @ParameterizedTest
    @EnumSource(Told.class)
    void theWordIsEvenAndAnotherOnceAChangeIsTold(Told change) throws Exception {
        try (StoreUnderTest store = open()) {
            ObjectMetadata tagged = new ObjectMetadata().set(MetadataType.TAG, bytes("tag"));
            assertThat(store.put(with(KEY, tagged, 1_500_000), BODY).status()).isEqualTo(Status.OK);
            long before = word(store, KEY);
            long epoch = store.store().validityEpoch();

            assertThat(make(change, store).status()).isEqualTo(Status.OK);

            assertThat(word(store, KEY)).isGreaterThan(before).isEven();
            assertThat(store.store().validityEpoch()).isEqualTo(epoch);
        }
    }

    @Test
    void aBanRaisesTheEpochBeforeItIsTold() throws Exception {
        try (StoreUnderTest store = open()) {
            store.putOk(KEY, BODY);
            long epoch = store.store().validityEpoch();

            assertThat(store.ban("req.url ~ ^/a/", false).status()).isEqualTo(Status.OK);

            assertThat(store.store().validityEpoch()).isGreaterThan(epoch).isEven();
        }
    }

    @Test
    void anEvictedObjectHasAnotherWord() throws Exception {
        Path data = Files.createDirectories(directory.resolve("data"));
        StoreOptions small = StoreOptions.of(data).withCapacity(Capacity.of(300_000));
        try (StoreUnderTest store = new StoreUnderTest(small)) {
            store.put(with(KEY, StoreUnderTest.evictability(true), -1), new byte[100_000]);
            long before = word(store, KEY);
            for (int i = 0; store.get(KEY) != null; i++) {
                store.put(with("/other/" + i, StoreUnderTest.evictability(true), -1), new byte[100_000]);
            }
            assertThat(word(store, KEY)).isNotEqualTo(before).isEven();
        }
    }

    /** What is kept from before a change has not the word of after it, however look-ups and changes fall together. */
    @Test
    void nothingIsTakenForCurrentThatWasOverwrittenBefore() throws Exception {
        try (StoreUnderTest store = open()) {
            AtomicLong acknowledged = new AtomicLong(store.putOk(KEY, BODY));
            AtomicBoolean over = new AtomicBoolean();
            Thread writer = new Thread(() -> {
                for (int i = 0; i < OVERWRITES; i++) {
                    acknowledged.set(store.putOk(KEY, BODY));
                }
                over.set(true);
            });
            writer.start();
            long kept = 0;
            long keptWord = -1;
            while (!over.get()) {
                long least = acknowledged.get();
                long word = word(store, KEY);
                if (word == keptWord) {
                    assertThat(kept).isGreaterThanOrEqualTo(least);
                } else {
                    kept = store.get(KEY).generation();
                    keptWord = (word & 1) == 0 ? word : -1;
                }
            }
            writer.join();
        }
    }

    @Test
    void aStoreThatClosesTakesBackWhatItSaid() throws Exception {
        Store closed;
        try (StoreUnderTest store = open()) {
            store.putOk(KEY, BODY);
            closed = store.store();
            long epoch = closed.validityEpoch();
            store.reopen();
            assertThat(closed.validityEpoch()).isGreaterThan(epoch).isEven();
            store.putOk(KEY, BODY);
        }
    }

    /** Clients of a server before may go by a table that this one knows nothing of, for a second. */
    @Test
    void aStoreThatFindsATableItDoesNotKnowServesAtOnceAndChangesNothingForAMoment() throws Exception {
        Path data = Files.createDirectories(directory.resolve("data"));
        try (StoreUnderTest store = new StoreUnderTest(data)) {
            store.putOk(KEY, BODY);
        }
        Files.createFile(directory.resolve("table"));
        long before = System.nanoTime();
        try (StoreUnderTest store = open()) {
            assertThat(store.get(KEY).body()).isEqualTo(BODY);
            store.putOk(KEY, bytes("new"));
            assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(1_250_000_000L); // not a speed: a promise
            assertThat(store.get(KEY).body()).isEqualTo(bytes("new"));
        }
    }
}
