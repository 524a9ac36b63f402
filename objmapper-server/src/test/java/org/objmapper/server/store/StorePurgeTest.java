package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.with;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** What happens while a purge of many objects is under way. */
class StorePurgeTest extends AgainstStore {
    private static final int OBJECTS = 5 * Purger.STEP;
    private static final byte[] SMALL = bytes("small");
    private static final String TAG = "tag";

    @BeforeEach
    void fill() {
        for (int i = 0; i < OBJECTS; i++) {
            store.put(tagged(key(i)), SMALL);
        }
    }

    private static Put tagged(String key) {
        return with(key, new ObjectMetadata().add(MetadataType.TAG.code(), bytes(TAG)), -1);
    }

    private static String key(int i) {
        return String.format("/a/%06d", i);
    }

    private CompletableFuture<Result> begin(boolean byTag, boolean soft) {
        CompletableFuture<Result> answer = new CompletableFuture<>();
        boolean taken = byTag
                ? store.store().purgeTag(bytes(TAG), soft, answer::complete)
                : store.store().purgePrefix(bytes("/a/"), soft, answer::complete);
        assertThat(taken).isTrue();
        return answer;
    }

    private long purged() {
        return OBJECTS - store.figure("objmapper_store_objects");
    }

    @Test
    void othersPutAndGetWhileItIsUnderWay() throws Exception {
        store.store().flush();
        CompletableFuture<Result> answer = begin(false, false);
        int meanwhile = 0;
        for (int i = 0; !answer.isDone(); i++) {
            assertThat(store.put(StoreUnderTest.plain("/b/" + i), SMALL).status())
                    .isEqualTo(Status.OK);
            assertThat(store.get("/b/" + i).body()).isEqualTo(SMALL);
            boolean begun = store.get(key(0)) == null;
            boolean done = store.get(key(OBJECTS - 1)) == null;
            meanwhile += begun && !done ? 1 : 0;
        }

        assertThat(meanwhile).as("changes between its first step and its last").isPositive();
        assertThat(StoreUnderTest.await(answer).count()).isEqualTo(OBJECTS);
        assertThat(store.keys("/a/", 100)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatWasThereIsTakenThoughItChangesMeanwhileAndWhatIsPutMeanwhileStays(boolean byTag) throws Exception {
        store.store().flush();
        CompletableFuture<Result> answer = begin(byTag, false);
        await().until(() -> purged() > 0);
        List<String> put = new ArrayList<>();
        for (int i = OBJECTS - 1; i > 0 && !answer.isDone(); i -= 3) {
            assertThat(store.touch(key(i), new ObjectMetadata(), 1_000_000L).status())
                    .as("an object that the purge takes")
                    .isEqualTo(Status.NOT_FOUND);
            assertThat(store.put(tagged(key(i - 1)), SMALL).status()).isEqualTo(Status.OK);
            put.add(0, key(i - 1));
        }

        assertThat(StoreUnderTest.await(answer).count()).isEqualTo(OBJECTS);
        for (int opening = 0; opening < 2; opening++) {
            assertThat(store.keys("/a/", 1_000)).containsExactlyElementsOf(put);
            store.reopen();
        }
    }

    @Test
    void aSoftPurgeLeavesAllInTheirGrace() {
        Result result = StoreUnderTest.await(begin(true, true));

        assertThat(result.count()).isEqualTo(OBJECTS);
        assertThat(store.keys("", 10)).isEmpty();
        assertThat(StoreUnderTest.await(begin(false, true)).count()).isZero();
    }

    @Test
    void aStoreThatClosesStopsItHalfWayAndSaysSo() throws Exception {
        store.store().flush();
        CompletableFuture<Result> answer = begin(false, false);
        await().until(() -> purged() > 0);
        store.reopen();

        assertThat(StoreUnderTest.await(answer).status()).isIn(Status.SHUTTING_DOWN, Status.OK);
        assertThat(StoreUnderTest.await(begin(false, false)).count()).isLessThan(OBJECTS);
        assertThat(store.keys("", 10)).isEmpty();
    }
}
