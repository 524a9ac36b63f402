package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.evictability;
import static org.objmapper.server.store.StoreUnderTest.plain;
import static org.objmapper.server.store.StoreUnderTest.with;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.tier.Capacity;

/** Bodies that are still coming in take room of a store, and no more than there is. */
class UnfinishedBodyTest {
    private static final int ANYONE = 4_321;
    private static final int MIB = 1 << 20;
    private static final int CAPACITY = 2 * MIB;
    private static final int MOST = 100;

    @TempDir
    Path directory;

    private final List<BodyWriter> begun = new ArrayList<>();
    private StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        store = new StoreUnderTest(StoreOptions.of(directory).withCapacity(Capacity.of(CAPACITY)));
    }

    @AfterEach
    void close() {
        begun.forEach(BodyWriter::discard);
        store.close();
    }

    private long unfinished() {
        return store.figure("objmapper_store_unfinished_bytes");
    }

    private BodyWriter begin(long declared, Runnable progress) {
        BodyWriter body =
                store.store().receive(bytes("k" + begun.size()), store.store().newUploadShare(), declared, progress);
        begun.add(body);
        return body;
    }

    /** Begins one body after the other, each as long as the capacity, until one is refused; returns what with. */
    private StoreException beginUntilRefused() throws InterruptedException {
        while (true) {
            assertThat(begun).hasSizeLessThan(MOST);
            StoreException refusal = write(CAPACITY);
            if (refusal != null) {
                return refusal;
            }
        }
    }

    private @Nullable StoreException write(int length) throws InterruptedException {
        Semaphore progress = new Semaphore(0);
        BodyWriter body = begin(-1, progress::release);
        ByteBuffer bytes = ByteBuffer.allocateDirect(length);
        int taken = 0;
        while (taken < length && body.failure() == null) {
            taken += body.write(bytes, taken, length - taken);
            if (taken < length) {
                progress.acquire();
            }
        }
        return body.failure();
    }

    @Test
    void oneThatIsSaidToBeLongerThanTheCapacityIsRefusedAtItsBeginning() {
        BodyWriter tooLong = begin(CAPACITY + 1, () -> {});
        BodyWriter asLong = begin(CAPACITY, () -> {});

        assertThat(tooLong.failure()).isNotNull();
        assertThat(tooLong.failure().status()).isEqualTo(Status.NO_SPACE);
        assertThat(tooLong.failure()).hasMessageContaining("longer than the store's capacity of 2097152 bytes");
        assertThat(asLong.failure()).isNull();
    }

    @Test
    void aPassedOneThatIsLongerThanTheCapacityIsNotCopied() {
        int sealed = StoreUnderTest.sealed(new byte[CAPACITY + 1]);
        Result result = store.putDescriptor(plain("key"), sealed, CAPACITY + 1, ANYONE);

        assertThat(result.status()).as(result.message()).isEqualTo(Status.NO_SPACE);
        assertThat(result.message()).contains("longer than the store's capacity");
    }

    @Test
    void oneThatTurnsOutLongerThanTheCapacityIsRefused() throws Exception {
        assertThat(write(CAPACITY)).isNull();
        StoreException refusal = write(CAPACITY + 1);

        assertThat(refusal).isNotNull().hasMessageContaining("longer than the store's capacity");
    }

    @Test
    void togetherTheyTakeNoMoreThanThePartThatIsTheirsAndGiveItBack() throws Exception {
        StoreException refusal = beginUntilRefused();

        assertThat(refusal.status()).isEqualTo(Status.NO_SPACE);
        assertThat(refusal).hasMessageContaining("a body that is coming in has no room");
        assertThat(unfinished()).isBetween(Capacity.LEAST_FOR_UNFINISHED / 2, Capacity.LEAST_FOR_UNFINISHED + CAPACITY);
        begun.forEach(BodyWriter::discard);
        begun.clear();
        await().until(() -> unfinished() == 0);
        store.putOk("key", new byte[MIB]);
        assertThat(unfinished()).isZero();
    }

    @Test
    void evictableObjectsMakeRoomForThem() throws Exception {
        store.put(with("evictable", evictability(true), -1), new byte[MIB]);
        store.putOk("kept", new byte[MIB / 2]);

        assertThat(beginUntilRefused().status()).isEqualTo(Status.NO_SPACE);

        await().until(() -> store.get("evictable") == null);
        assertThat(store.get("kept").body()).hasSize(MIB / 2);
    }
}
