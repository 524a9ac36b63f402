package org.objmapper.server.store.ban;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.server.store.index.ObjectKey;

class FillTokensTest {
    private static final ObjectKey KEY = key("/a/1");
    private static final byte[] TAG = bytes("tag");
    private static final long HOUR_NANOS = TimeUnit.HOURS.toNanos(1);

    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5);
    private final FillTokens fills = new FillTokens(7, nanos::get);

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ObjectKey key(String key) {
        return new ObjectKey(bytes(key));
    }

    private byte[] token() {
        byte[] token = new byte[FillTokens.TOKEN_BYTES];
        fills.token(fills.now(), token);
        return token;
    }

    /** Why {@link #KEY} must not be put with a token and with {@link #TAG}; null if it may. */
    private String staleness(byte[] token) {
        return staleness(token, KEY);
    }

    private String staleness(byte[] token, ObjectKey key) {
        ByteBuffer metadata = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        metadata.putShort((short) 266).putShort((short) 0).putInt(TAG.length).put(TAG);
        return fills.staleness(token, key, metadata.rewind(), List.of(TAG));
    }

    @Test
    void aTokenIsGoodWhereNothingHappened() {
        assertThat(staleness(token())).isNull();
    }

    @Test
    void aChangeOfTheKeyMakesTheTokensBeforeItStale() {
        byte[] before = token();
        fills.changed(KEY);

        assertThat(staleness(before)).contains("the key was purged, deleted or overwritten");
        assertThat(staleness(token())).isNull();
    }

    @Test
    void aChangeOfAVariantMakesTheTokensBeforeItStaleForThatOneAlone() {
        byte[] before = token();
        fills.changed(KEY.variant(1));

        assertThat(staleness(before, KEY.variant(1))).contains("the key was purged, deleted or overwritten");
        assertThat(staleness(before, KEY.variant(2))).isNull();
        assertThat(staleness(before)).isNull();
    }

    @Test
    void theRemovalOfAKeyMakesTheTokensBeforeItStaleForAllItsVariants() {
        byte[] before = token();
        fills.removed(KEY);

        assertThat(staleness(before, KEY.variant(1))).contains("the key was purged, deleted or overwritten");
        assertThat(staleness(before)).isNotNull();
        assertThat(staleness(before, key("/a/2"))).isNull();
        assertThat(staleness(token(), KEY.variant(1))).isNull();
    }

    @Test
    void aLookUpThatBeganBeforeTheChangeHasAStaleTokenThoughItIsWrittenLater() {
        long began = fills.now();
        fills.changed(KEY);
        byte[] token = new byte[FillTokens.TOKEN_BYTES];
        fills.token(began, token);

        assertThat(staleness(token)).isNotNull();
    }

    @Test
    void aPurgeOfATagMakesTheTokensBeforeItStaleForObjectsThatHaveIt() {
        byte[] before = token();
        fills.purged(Extent.ofTag(TAG));

        assertThat(staleness(before)).contains("a tag of the object was purged");
        assertThat(fills.staleness(before, KEY, ByteBuffer.allocate(0), List.of(bytes("other"))))
                .isNull();
        assertThat(staleness(token())).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "/a/", "/a/1"})
    void aPurgeOfAPrefixMakesTheTokensBeforeItStaleForWhatItCovers(String prefix) {
        byte[] before = token();
        fills.purged(Extent.ofPrefix(bytes(prefix)));

        assertThat(staleness(before)).isNotNull();
        assertThat(staleness(token())).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/b", "/a/12", "a"})
    void aPurgeOfAnotherPrefixLeavesTheTokenGood(String prefix) {
        byte[] before = token();
        fills.purged(Extent.ofPrefix(bytes(prefix)));

        assertThat(staleness(before)).isNull();
    }

    @Test
    void aTokenOfAnotherStartIsStale() {
        FillTokens restarted = new FillTokens(8, nanos::get);
        byte[] token = new byte[FillTokens.TOKEN_BYTES];
        restarted.token(restarted.now(), token);

        assertThat(staleness(token)).contains("since it started");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 8, 16, 23, 25, 64})
    void aTokenOfAnotherLengthIsStale(int length) {
        assertThat(staleness(new byte[length])).contains("since it started");
    }

    @Test
    void aTokenIsGoodForAnHour() {
        byte[] token = token();
        nanos.addAndGet(HOUR_NANOS);
        assertThat(staleness(token)).isNull();

        nanos.addAndGet(1);
        assertThat(staleness(token)).contains("longer than an hour");
    }

    @Test
    void thereAreAsManyPurgesRememberedAsTheLimitSays() {
        byte[] before = token();
        for (int i = 0; i < FillTokens.MAX_PURGES; i++) {
            fills.purged(Extent.ofPrefix(bytes("/other/" + i)));
        }
        assertThat(staleness(before)).isNull();

        byte[] after = token();
        fills.purged(Extent.ofPrefix(bytes("/other/last")));
        assertThat(staleness(before)).contains("so much that nobody knows");
        assertThat(staleness(after)).isNull();
    }

    @Test
    void aPurgeIsRememberedForAsLongAsTokensLive() {
        byte[] early = token();
        nanos.addAndGet(HOUR_NANOS / 2);
        fills.purged(Extent.ofPrefix(bytes("/a/")));
        nanos.addAndGet(HOUR_NANOS / 2);
        fills.purged(Extent.ofPrefix(bytes("/b/")));

        assertThat(staleness(early)).contains("a purge since the fill began covers");
        assertThat(staleness(early, key("/c/1"))).isNull();
        assertThat(staleness(token())).isNull();
    }

    @Test
    void keysShareSoFewPlacesThatHardlyAnyTokenIsStaleForAnothersChange() {
        byte[] before = token();
        for (int i = 0; i < 1_000; i++) {
            fills.changed(key("/changed/" + i));
        }

        int stale = 0;
        for (int i = 0; i < 1_000; i++) {
            stale += staleness(before, key("/other/" + i)) == null ? 0 : 1;
        }
        assertThat(stale).as("of 1,000, where 4 are to be expected").isLessThan(40);
    }
}
