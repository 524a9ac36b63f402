package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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
