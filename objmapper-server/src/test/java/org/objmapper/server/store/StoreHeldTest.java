package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;

/** What removed objects still occupy, as the figures show it. */
class StoreHeldTest extends AgainstStore {
    private static final byte[] BODY = new byte[10_000];

    /** As a client has it: a descriptor that was passed refers to what the store opened. */
    private int passed(StoredObject object) {
        int copy = NativeIo.openAt(-100, ("/proc/self/fd/" + object.descriptor() + "\0").getBytes(), 0, 0);
        assertThat(copy).isNotNegative();
        return copy;
    }

    private void awaitClosed() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        store.store().devices().first().closer().later(done::countDown);
        done.await();
    }

    private void awaitHeld(int objects) {
        await().until(() -> store.figure("objmapper_store_held_objects") == objects);
        assertThat(store.figure("objmapper_store_held_bytes")).isEqualTo((long) objects * BODY.length);
    }

    private long heldOnDevice() {
        return store.figure(
                "objmapper_device_held_bytes{device=\"" + store.store().deviceId() + "\"}");
    }

    @Test
    void aDeletedObjectCountsWhileAClientHoldsIt() {
        store.put(StoreUnderTest.durable("a"), BODY);
        StoredObject object = store.pin("a");
        int descriptor = passed(object);
        object.unpin();
        assertThat(store.delete("a", null, true).status()).isEqualTo(Status.OK);

        awaitHeld(1);
        assertThat(heldOnDevice()).isEqualTo(BODY.length);
        NativeIo.close(descriptor);
        awaitHeld(0);
        assertThat(heldOnDevice()).isZero();
    }

    @Test
    void anOverwrittenObjectCountsAndItsSuccessorDoesNot() {
        store.put(StoreUnderTest.durable("a"), BODY);
        StoredObject old = store.pin("a");
        store.put(StoreUnderTest.durable("a"), BODY);
        StoredObject now = store.pin("a");

        awaitHeld(1);
        now.unpin();
        old.unpin();
        awaitHeld(0);
    }

    @Test
    void whatTheStoreKeepsAtHandIsNotHeld() throws Exception {
        store.put(StoreUnderTest.durable("a"), BODY);
        store.pin("a").unpin();
        store.delete("a", null, true);
        await().until(() -> store.objectFiles().isEmpty());
        awaitClosed();

        awaitHeld(0);
    }
}
