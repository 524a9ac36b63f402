package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.awaitility.Awaitility.await;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.objmapper.protocol.Status;

/** No user's descriptors, however long they hang, stand in the way of another's. */
class PassedQueueTest {
    private static final int LENGTH = 10;
    private static final int LENGTH_PER_USER = 4;
    private static final int GREEDY = 1_000;
    private static final int OTHER = 1_001;

    private final PassedQueue queue = new PassedQueue(LENGTH, LENGTH_PER_USER);
    private final CountDownLatch fileSystemAnswers = new CountDownLatch(1);
    private final AtomicInteger hanging = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();

    @AfterEach
    void close() {
        fileSystemAnswers.countDown();
        queue.close();
    }

    private void hang() {
        hanging.incrementAndGet();
        try {
            fileSystemAnswers.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        done.incrementAndGet();
    }

    /** Has as many threads hang with a user's descriptors as one user gets; what is queued after that waits. */
    private void occupyThreadsOf(int uid) throws StoreException {
        int before = hanging.get();
        queue.copy(uid, this::hang);
        queue.copy(uid, this::hang);
        await().until(() -> hanging.get() == before + 2);
    }

    @Test
    void asManyAsOneUserMayHaveWaitAndOneMoreIsBusy() throws StoreException {
        occupyThreadsOf(GREEDY);
        for (int i = 0; i < LENGTH_PER_USER; i++) {
            queue.copy(GREEDY, done::incrementAndGet);
        }

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> queue.copy(GREEDY, done::incrementAndGet))
                .withMessage("4 descriptors of user 1000 wait to be copied or closed, as many as one user may have")
                .extracting(StoreException::status)
                .isEqualTo(Status.BUSY);
        assertThatNoException().isThrownBy(() -> queue.copy(OTHER, done::incrementAndGet));
    }

    @Test
    void asManyAsAllMayHaveWaitAndOneMoreIsBusyForEveryone() throws StoreException {
        occupyThreadsOf(GREEDY);
        occupyThreadsOf(OTHER);
        for (int i = 0; i < LENGTH; i++) {
            queue.copy(2_000 + i, done::incrementAndGet);
        }

        assertThatExceptionOfType(StoreException.class)
                .isThrownBy(() -> queue.copy(3_000, done::incrementAndGet))
                .withMessage("10 descriptors wait to be copied, as many as all users may have together")
                .extracting(StoreException::status)
                .isEqualTo(Status.BUSY);
    }

    @Test
    void whileOneUsersDescriptorsHangAnothersAreServed() throws StoreException {
        occupyThreadsOf(GREEDY);
        queue.copy(GREEDY, this::hang);

        for (int i = 1; i <= 3 * LENGTH; i++) {
            int served = i;
            queue.copy(OTHER, done::incrementAndGet);
            await().until(() -> done.get() == served);
        }
        assertThat(hanging).hasValue(2);
    }

    @Test
    void descriptorsAreClosedHoweverManyWaitAndDoNotMakeOthersWait() throws StoreException {
        occupyThreadsOf(GREEDY);
        for (int i = 0; i < 2 * LENGTH; i++) {
            queue.close(GREEDY, done::incrementAndGet);
        }
        queue.copy(OTHER, done::incrementAndGet);
        await().until(() -> done.get() == 1);

        fileSystemAnswers.countDown();
        queue.close();
        assertThat(done).hasValue(2 + 2 * LENGTH + 1);
    }

    @Test
    void whatFailsStopsNothing() throws StoreException {
        for (int i = 0; i < 2 * LENGTH; i++) {
            queue.close(GREEDY, () -> {
                throw new IllegalStateException("as a defect would");
            });
        }
        queue.close(GREEDY, done::incrementAndGet);
        await().until(() -> done.get() == 1);
    }

    @Test
    void memoryThatRunsOutStopsNothing() throws StoreException {
        for (int i = 0; i < 2 * LENGTH; i++) {
            queue.close(GREEDY, () -> {
                throw new OutOfMemoryError("as direct memory does");
            });
        }
        queue.close(GREEDY, done::incrementAndGet);
        await().until(() -> done.get() == 1);
    }
}
