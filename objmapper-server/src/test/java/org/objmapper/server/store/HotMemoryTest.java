package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.Device;

/** The memory of the objects that are kept at hand. */
class HotMemoryTest {
    private static final byte[] BODY = new byte[4_000];

    @TempDir
    Path directory;

    @Test
    void itsObjectsTakeSoMuchMemoryAndNoMore() throws Exception {
        long bytes = bytesOfOne();
        try (StoreUnderTest store = filled("exact", HotTable.LARGEST_PART * bytes, HotTable.LARGEST_PART)) {
            assertThat(store.figure("objmapper_store_hot_objects")).isEqualTo(HotTable.LARGEST_PART);

            store.putOk("99", BODY);
            store.get("99");
            assertThat(store.figure("objmapper_store_hot_objects")).isEqualTo(HotTable.LARGEST_PART);
        }
    }

    @Test
    void anObjectThatTakesAByteMoreThanItsPartIsNotKept() throws Exception {
        long bytes = bytesOfOne();
        try (StoreUnderTest store = filled("small", HotTable.LARGEST_PART * bytes - 1, 3)) {
            assertThat(store.figure("objmapper_store_hot_objects")).isZero();
            assertThat(store.get("10").body()).isEqualTo(BODY);
        }
    }

    @Test
    void objectsThatAreLookedAtAndNotKeptTakeSoMuchAndNoMore() throws Exception {
        long three = 3 * bytesOfOne();
        assertThat(lookedAt("room", three)).isEqualTo(3);
        assertThat(lookedAt("a byte too few", three - 1)).isEqualTo(2);
    }

    /** How many objects of three can be looked at at once in a store with so much memory for them. */
    private int lookedAt(String name, long objectBytes) throws IOException {
        StoreOptions options = StoreUnderTest.hotBytes(Files.createDirectory(directory.resolve(name)), 0)
                .withMemory(objectBytes, ChunkPool.CHUNK_BYTES);
        List<StoredObject> pinned = new ArrayList<>();
        try (StoreUnderTest store = new StoreUnderTest(options)) {
            for (String key : List.of("10", "11", "12")) {
                store.putOk(key, BODY);
                Throwable failure = catchThrowable(() -> pinned.add(store.pin(key)));
                if (failure != null) {
                    assertThat(((StoreException) failure.getCause()).status()).isEqualTo(Status.BUSY);
                }
            }
            pinned.forEach(StoredObject::unpin);
            assertThat(store.get("12").body()).as("there is room again").isEqualTo(BODY);
            return pinned.size();
        }
    }

    @Test
    void theUsualBoundIsAPartOfJavasMemoryAtMost() {
        assertThat(StoreOptions.of(directory).hotBytes())
                .isPositive()
                .isLessThanOrEqualTo(StoreOptions.MAX_USUAL_HOT_BYTES)
                .isLessThanOrEqualTo(Runtime.getRuntime().maxMemory() / StoreOptions.PART_OF_MEMORY);
    }

    @Test
    void aLookUpThatFindsNoMemoryGetsThatOfTheObjectsAtHand() throws Exception {
        AtomicInteger failures = new AtomicInteger();
        try (StoreUnderTest store = new StoreUnderTest(StoreOptions.of(directory), failing(failures))) {
            store.putOk("1", BODY);
            store.putOk("2", BODY);
            store.get("1");
            assertThat(store.figure("objmapper_store_hot_objects")).isEqualTo(1);

            failures.set(1);
            assertThat(store.get("2").body()).isEqualTo(BODY);
            assertThat(store.figure("objmapper_store_hot_objects"))
                    .as("only the new one")
                    .isEqualTo(1);
        }
    }

    @Test
    void aLookUpThatFindsNoMemoryAtAllIsBusyAndLeavesNoDescriptor() throws Exception {
        AtomicInteger failures = new AtomicInteger();
        try (StoreUnderTest store = new StoreUnderTest(StoreOptions.of(directory), failing(failures))) {
            store.put(StoreUnderTest.durable("large"), new byte[100_000]);
            store.putOk("small", BODY);

            for (String key : new String[] {"large", "small"}) {
                failures.set(2);
                Throwable failure = catchThrowable(() -> store.get(key)).getCause();
                assertThat(failure).isInstanceOf(StoreException.class);
                assertThat(((StoreException) failure).status()).isEqualTo(Status.BUSY);
            }
            assertThat(store.get("large").body()).isEqualTo(new byte[100_000]);
        }
    }

    @Test
    void whatLeavesTheTableIsClosedByTheCloserAndNotByWhoTakesItOut() throws Exception {
        CountDownLatch mayClose = new CountDownLatch(1);
        try (Device device = Device.open(directory);
                Closer closer = new Closer()) {
            HotTable hot = new HotTable(16, 1 << 20);
            StoredObject removed = withDescriptor(1, device, closer);
            StoredObject shed = withDescriptor(2, device, closer);
            hot.putUnlessChanged(removed, hot.changes(1));
            hot.putUnlessChanged(shed, hot.changes(2));
            removed.unpin();
            shed.unpin();
            CountDownLatch closerIsBusy = new CountDownLatch(1);
            closer.later(() -> {
                closerIsBusy.countDown();
                await(mayClose);
            });
            await(closerIsBusy);

            hot.remove(1, new byte[] {1});
            int afterRemoval = closer.length();
            boolean anyShed = hot.shed(1, StoredObject::unpin);
            int afterShedding = closer.length();
            mayClose.countDown();

            assertThat(afterRemoval).isEqualTo(1);
            assertThat(anyShed).isTrue();
            assertThat(afterShedding).isEqualTo(2);
        }
    }

    private static StoredObject withDescriptor(int number, Device device, Closer closer) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(8);
        int descriptor = NativeIo.sealedMemory(NativeIo.address(bytes), 8);
        assertThat(descriptor).isNotNegative();
        return new StoredObject(
                new byte[] {(byte) number},
                number,
                0,
                number,
                null,
                1,
                8,
                Long.MAX_VALUE,
                0,
                bytes,
                null,
                new OpenBody(
                        OpenBody.Tier.DEVICE, 1, descriptor, -1, null, device.queue(), null, closer, OpenBody.NOTHING),
                bytes,
                new ObjectMemory(0));
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Memory that is full for the next so many times. */
    private static IntFunction<ByteBuffer> failing(AtomicInteger failures) {
        return bytes -> {
            if (failures.get() > 0) {
                failures.decrementAndGet();
                throw new OutOfMemoryError("the test's memory is full");
            }
            return ByteBuffer.allocateDirect(bytes);
        };
    }

    private long bytesOfOne() throws IOException {
        try (StoreUnderTest store = filled("one", 1 << 20, 1)) {
            StoredObject object = store.pin("10");
            try {
                return object.bytes();
            } finally {
                object.unpin();
            }
        }
    }

    /** A store whose objects, named from 10 on, were all asked for. */
    private StoreUnderTest filled(String name, long hotBytes, int count) throws IOException {
        StoreUnderTest store =
                new StoreUnderTest(StoreUnderTest.hotBytes(Files.createDirectory(directory.resolve(name)), hotBytes));
        for (int i = 10; i < 10 + count; i++) {
            store.putOk(Integer.toString(i), BODY);
            store.get(Integer.toString(i));
        }
        return store;
    }
}
