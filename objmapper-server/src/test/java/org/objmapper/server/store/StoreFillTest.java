package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.plain;
import static org.objmapper.server.store.StoreUnderTest.with;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** What happens between a miss and the PUT that fills it. */
class StoreFillTest extends AgainstStore {
    private static final String KEY = "/a/key";
    private static final byte[] BODY = bytes("what the origin had when the fill began");

    /** What concerns an object with the key /a/key and the tag "tag", though there may be none. */
    enum Event {
        PUT,
        PUT_AND_DELETE,
        PUT_AND_EXPIRY,
        DELETE,
        PURGE,
        SOFT_PURGE,
        PURGE_OF_TAG,
        SOFT_PURGE_OF_TAG,
        PURGE_OF_PREFIX,
        SOFT_PURGE_OF_PREFIX,
        PURGE_OF_ALL
    }

    private void happens(Event event) {
        switch (event) {
            case PUT -> store.putOk(KEY, bytes("newer"));
            case PUT_AND_DELETE -> {
                store.putOk(KEY, bytes("newer"));
                assertThat(store.delete(KEY).status()).isEqualTo(Status.OK);
            }
            case PUT_AND_EXPIRY -> {
                store.put(with(KEY, new ObjectMetadata(), 1), bytes("newer"));
                store.nowMillis.addAndGet(2);
            }
            case DELETE -> assertThat(store.delete(KEY).status()).isEqualTo(Status.NOT_FOUND);
            case PURGE -> purged(store.purgeKey(KEY, false));
            case SOFT_PURGE -> purged(store.purgeKey(KEY, true));
            case PURGE_OF_TAG -> purged(store.purgeTag("tag", false));
            case SOFT_PURGE_OF_TAG -> purged(store.purgeTag("tag", true));
            case PURGE_OF_PREFIX -> purged(store.purgePrefix("/a/", false));
            case SOFT_PURGE_OF_PREFIX -> purged(store.purgePrefix("/a/", true));
            case PURGE_OF_ALL -> purged(store.purgePrefix("", false));
        }
    }

    private static void purged(Result result) {
        assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
        assertThat(result.count()).isZero();
    }

    /** The token of a look-up that finds nothing. */
    private byte[] miss() {
        long time = store.store().fillTime();
        assertThat(store.get(KEY)).isNull();
        byte[] token = new byte[Store.FILL_TOKEN_BYTES];
        store.store().fillToken(time, token);
        return token;
    }

    private Result fill(byte[] token) {
        return store.put(
                with(KEY, new ObjectMetadata().add(MetadataType.TAG.code(), bytes("tag")), -1)
                        .filling(token),
                BODY);
    }

    @Test
    void aFillIsPutWhereNothingHappened() {
        assertThat(fill(miss()).status()).isEqualTo(Status.OK);
        assertThat(store.get(KEY).body()).isEqualTo(BODY);
    }

    @ParameterizedTest
    @EnumSource
    void aFillIsStaleWhenItsObjectWasChangedOrPurgedSinceTheMiss(Event event) {
        byte[] token = miss();
        happens(event);
        StoreUnderTest.Seen there = store.get(KEY);
        Result result = fill(token);

        assertThat(result.status()).isEqualTo(Status.STALE_FILL);
        assertThat(result.message()).contains("since the fill began");
        assertThat(store.get(KEY)).usingRecursiveComparison().isEqualTo(there);
    }

    @ParameterizedTest
    @EnumSource
    void aFillIsPutWhenItsObjectWasChangedOrPurgedBeforeTheMiss(Event event) {
        happens(event);
        byte[] token = event == Event.PUT ? missAfterDelete() : miss();

        assertThat(fill(token).status()).isEqualTo(Status.OK);
    }

    private byte[] missAfterDelete() {
        store.delete(KEY);
        return miss();
    }

    @Test
    void whatConcernsOtherObjectsLeavesAFillGood() {
        byte[] token = miss();
        store.putOk("/a/key2", BODY);
        store.delete("/a/other");
        store.purgeKey("/a/ke", false);
        store.purgeTag("tag2", false);
        store.purgePrefix("/b/", false);

        assertThat(fill(token).status()).isEqualTo(Status.OK);
    }

    @Test
    void ofTwoFillsOfOneMissTheSecondIsStale() {
        byte[] token = miss();

        assertThat(fill(token).status()).isEqualTo(Status.OK);
        assertThat(fill(token).status()).isEqualTo(Status.STALE_FILL);
    }

    @Test
    void anObjectThatExpiredBeforeTheMissAndIsClearedAwayLeavesTheFillGood() throws Exception {
        store.put(with(KEY, new ObjectMetadata(), 1), bytes("older"));
        store.nowMillis.addAndGet(2);
        byte[] token = miss();
        store.store().flush();

        assertThat(fill(token).status()).isEqualTo(Status.OK);
    }

    @Test
    void aTokenDoesNotSurviveARestart() throws Exception {
        byte[] token = miss();
        store.reopen();

        assertThat(fill(token).status()).isEqualTo(Status.STALE_FILL);
        assertThat(store.put(plain(KEY), BODY).status()).isEqualTo(Status.OK);
    }

    @Test
    void aFillThatIsRefusedLeavesNoFile() throws Exception {
        byte[] token = miss();
        store.purgeKey(KEY, false);
        Result result = store.put(plain(KEY).filling(token), new byte[100_000]);

        assertThat(result.status()).isEqualTo(Status.STALE_FILL);
        store.store().flush();
        assertThat(store.objectFiles()).isEmpty();
    }
}
