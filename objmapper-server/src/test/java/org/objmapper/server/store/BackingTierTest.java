package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.objmapper.server.store.index.Totals;
import org.objmapper.server.store.tier.Capacity;

class BackingTierTest {
    private static final long CAPACITY = 1L << 40;
    private static final Totals FULL = new Totals(1, CAPACITY, 1, CAPACITY);
    private static final Totals FULL_OF_KEPT = new Totals(1, CAPACITY, 0, 0);
    private static final Totals SOME = new Totals(1, CAPACITY / 2, 0, 0);

    private interface Wait {
        void forRoom() throws StoreException;
    }

    @Test
    void whoWaitsForRoomGetsWhatOthersRemove() throws Exception {
        BackingTier tier = new BackingTier(Capacity.of(CAPACITY), FULL);
        CompletableFuture<Void> waiting = begin(() -> tier.awaitRoom(SOME));
        tier.settled(List.of(), false, Totals.NONE);
        waiting.get(1, TimeUnit.MINUTES);
    }

    @Test
    void aBodyThatIsComingInGetsWhatOthersRemove() throws Exception {
        BackingTier tier = new BackingTier(Capacity.of(CAPACITY), FULL_OF_KEPT);
        CompletableFuture<Void> waiting = begin(() -> tier.grow(SOME.bytes()));
        tier.settled(List.of(), false, Totals.NONE);
        waiting.get(1, TimeUnit.MINUTES);
    }

    @Test
    void theEvictorIsNotWokenByBodiesThatEndWhereNobodyWaitsForRoom() throws Exception {
        BackingTier tier = new BackingTier(Capacity.of(CAPACITY), Totals.NONE);
        AtomicInteger wakes = new AtomicInteger();
        Thread evictor = new Thread(() -> {
            while (tier.awaitWork(TimeUnit.HOURS.toMillis(1))) {
                wakes.incrementAndGet();
            }
        });
        evictor.start();
        for (int i = 0; i < 10; i++) {
            await().until(() -> evictor.getState() == Thread.State.TIMED_WAITING);
            tier.grow(SOME.bytes());
            tier.shrink(SOME.bytes());
        }
        tier.close();
        evictor.join();
        assertThat(wakes).hasValue(0);
    }

    /** Begins a wait on a thread of its own, and returns once that waits. */
    private static CompletableFuture<Void> begin(Wait wait) {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                wait.forRoom();
                ended.complete(null);
            } catch (StoreException | RuntimeException | Error e) {
                ended.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        await().until(() -> thread.getState() == Thread.State.WAITING || ended.isDone());
        assertThat(ended).isNotDone();
        return ended;
    }
}
