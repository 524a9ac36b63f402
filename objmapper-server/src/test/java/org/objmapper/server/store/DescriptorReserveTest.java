package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.DeviceQueue;

/** Objects at hand with a descriptor each, and a closer that gets to none of them until it may. */
class DescriptorReserveTest {
    private static final int OBJECTS = 2 * DescriptorReserve.SHED_AT_ONCE;
    private static final int FIRST = 1_024 - 64;

    private final CountDownLatch mayClose = new CountDownLatch(1);
    private final DeviceQueue queue = new DeviceQueue("device", 1, 1);
    private final Closer closer = new Closer();
    private final HotTable hot = new HotTable(OBJECTS, 1 << 20);
    private final DescriptorReserve reserve = new DescriptorReserve(1_024, hot, closer::descriptors);

    @BeforeEach
    void keepAtHand() {
        closer.later(() -> {
            try {
                mayClose.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        for (int i = 0; i < OBJECTS; i++) {
            StoredObject object = object(i, NativeIo.eventfd());
            hot.putUnlessChanged(object, hot.changes(object.keyHash));
            object.unpin();
        }
        assertThat(hot.size()).isEqualTo(OBJECTS);
    }

    @AfterEach
    void close() {
        mayClose.countDown();
        hot.clear();
        closer.close();
        queue.close();
        assertThat(closer.descriptors()).isZero();
    }

    private StoredObject object(int number, int descriptor) {
        ByteBuffer none = ByteBuffer.allocateDirect(1);
        byte[] key = {(byte) number};
        OpenBody opened =
                new OpenBody(OpenBody.Tier.DEVICE, 1, descriptor, -1, null, queue, null, closer, OpenBody.NOTHING);
        return new StoredObject(
                key, number, 0, 1, null, 1, 0, 0, 0, none, null, opened, none, new ObjectMemory(1 << 20));
    }

    @Test
    void aDescriptorBeforeTheReserveLetsNothingGo() {
        assertThat(reserve.makeRoomFor(FIRST - 1)).isTrue();
        assertThat(hot.size()).isEqualTo(OBJECTS);
    }

    @Test
    void theFirstOfTheReserveLetsObjectsGo() {
        assertThat(reserve.makeRoomFor(FIRST)).isTrue();
        assertThat(hot.size()).isEqualTo(OBJECTS - DescriptorReserve.SHED_AT_ONCE);
    }

    @Test
    void noMoreAreLetGoOfThanMakeUpForWhatWasTakenHoweverLongClosingTakes() {
        for (int taken = 0; taken < DescriptorReserve.SHED_AT_ONCE; taken++) {
            assertThat(reserve.makeRoomFor(FIRST + taken)).isTrue();
        }
        assertThat(hot.size()).isEqualTo(OBJECTS - DescriptorReserve.SHED_AT_ONCE);
        assertThat(reserve.makeRoomFor(FIRST + DescriptorReserve.SHED_AT_ONCE)).isTrue();
        assertThat(hot.size()).isZero();
    }

    @Test
    void thereIsNoRoomOnceNothingIsAtHandAndNothingWaitsToBeClosed() {
        assertThat(reserve.shed()).isTrue();
        assertThat(reserve.shed()).isTrue();
        mayClose.countDown();
        await().until(() -> closer.descriptors() == 0);
        assertThat(reserve.makeRoomFor(FIRST)).isFalse();
    }
}
