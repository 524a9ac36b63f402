package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;

/** Where memory runs out in the middle of a change, the change is answered all the same. */
class StoreMemoryTest {
    private static final Set<String> CHANGING = Set.of("store-device", "store-changes", "store-purge");

    @TempDir
    Path directory;

    private final AtomicBoolean isShort = new AtomicBoolean();
    private Store store;

    @BeforeEach
    void open() throws Exception {
        store = Store.open(StoreOptions.of(directory), this::nowMillis, ByteBuffer::allocateDirect);
        assertThat(put().status()).isEqualTo(Status.OK);
    }

    @AfterEach
    void close() {
        isShort.set(false);
        store.close();
    }

    private long nowMillis() {
        if (isShort.get() && CHANGING.contains(Thread.currentThread().getName())) {
            throw new OutOfMemoryError("as the test wants it");
        }
        return System.currentTimeMillis();
    }

    private Result put() {
        return outcome(told -> {
            BodyWriter writer = store.receive(StoreUnderTest.bytes("key"), store.newUploadShare(), 5_000, () -> {});
            writer.write(ByteBuffer.allocate(5_000), 0, 5_000);
            writer.finish(StoreUnderTest.plain("key"), told);
        });
    }

    private static Result outcome(Consumer<Result.Outcome> change) {
        CompletableFuture<Result> answer = new CompletableFuture<>();
        change.accept(answer::complete);
        return StoreUnderTest.await(answer);
    }

    @Test
    void putDeleteAndPurgeAreToldBusy() {
        isShort.set(true);

        assertThat(put().status()).isEqualTo(Status.BUSY);
        assertThat(outcome(told -> store.delete(StoreUnderTest.bytes("key"), null, false, told))
                        .status())
                .isEqualTo(Status.BUSY);
        assertThat(outcome(told -> store.purgeKey(StoreUnderTest.bytes("key"), false, told))
                        .status())
                .isEqualTo(Status.BUSY);
        assertThat(outcome(told -> store.purgePrefix(StoreUnderTest.bytes("k"), false, told))
                        .status())
                .isEqualTo(Status.BUSY);
        isShort.set(false);
        assertThat(put().status()).isEqualTo(Status.OK);
    }
}
