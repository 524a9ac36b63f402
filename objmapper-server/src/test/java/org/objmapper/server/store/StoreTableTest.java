package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** What the store answers by the table of all objects. */
class StoreTableTest extends AgainstStore {
    private static final byte[] IN_FILE = new byte[10_000];
    private static final byte[] INLINE = new byte[10];

    private boolean isAbsent(String key) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes(key));
        return store.store().isAbsent(buffer, 0, buffer.limit());
    }

    private void awaitWholeTable() {
        await().until(() -> store.figure("objmapper_store_table_whole") == 1);
    }

    @Test
    void whatIsThereIsNotAbsentAndWhatIsGoneIs() throws Exception {
        assertThat(isAbsent("key")).isTrue();
        store.putOk("key", INLINE);
        assertThat(isAbsent("key")).isFalse();
        store.store().flush();
        assertThat(isAbsent("key")).isFalse();
        assertThat(store.delete("key").status()).isEqualTo(Status.OK);
        store.store().flush();
        assertThat(isAbsent("key")).isTrue();
    }

    @Test
    void afterAStartItComesToKnowAllObjects() throws Exception {
        for (int i = 0; i < 1_000; i++) {
            store.putOk("key" + i, INLINE);
        }
        store.reopen();
        awaitWholeTable();
        assertThat(store.figure("objmapper_store_table_objects")).isEqualTo(1_000);
        assertThat(isAbsent("key1000")).isTrue();
        for (int i = 0; i < 1_000; i++) {
            assertThat(isAbsent("key" + i)).isFalse();
        }
    }

    @Test
    void missesAndObjectsWithAFileAreAnsweredWhileTheIndexHangs() throws Exception {
        store.putOk("file", IN_FILE);
        store.putOk("inline", INLINE);
        store.reopen();
        awaitWholeTable();
        CountDownLatch indexAnswers = new CountDownLatch(1);
        try {
            for (int thread = 0; thread < Store.INDEX_THREADS; thread++) {
                assertThat(store.store()
                                .lookup(
                                        bytes("inline"),
                                        1,
                                        new RequestHeaders(),
                                        (found, failure) -> hang(found, indexAnswers)))
                        .isTrue();
            }
            assertThat(store.get("file").body()).isEqualTo(IN_FILE);
            assertThat(store.get("absent")).isNull();
        } finally {
            indexAnswers.countDown();
        }
        assertThat(store.get("inline").body()).isEqualTo(INLINE);
    }

    private static void hang(StoredObject found, CountDownLatch until) {
        found.unpin();
        try {
            until.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void anObjectWithLongMetadataIsFoundWithAllOfIt() throws Exception {
        ObjectMetadata tagged = new ObjectMetadata();
        for (int i = 0; i < 20; i++) {
            tagged.add(MetadataType.TAG.code(), bytes("tag" + i));
        }
        store.put(StoreUnderTest.with("key", tagged, -1), IN_FILE);
        store.reopen();
        awaitWholeTable();
        assertThat(store.get("key").metadata().tags()).hasSize(20);
    }

    @Test
    void anObjectWhoseFileIsGoneIsAbsentFromThenOn() throws Exception {
        store.putOk("key", IN_FILE);
        store.reopen();
        store.store().awaitRecovery();
        awaitWholeTable();
        Files.delete(store.objectFiles().get(0));
        assertThat(store.get("key")).isNull();
        store.store().flush();
        await().until(() -> isAbsent("key"));
    }

    @Test
    void itSaysHowMuchMemoryItTakes() {
        assertThat(store.figure("objmapper_store_table_bytes"))
                .isBetween(1L, Runtime.getRuntime().maxMemory() / Store.TABLE_PART_OF_MEMORY);
        assertThat(store.figure("objmapper_store_table_left_out")).isZero();
    }
}
