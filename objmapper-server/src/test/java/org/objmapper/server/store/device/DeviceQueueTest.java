package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Queues of several devices that share threads. */
@Timeout(120)
class DeviceQueueTest {
    private static final int LENGTH = 100;

    private final SharedThreads threads = new SharedThreads("test-shared");
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final List<String> done = Collections.synchronizedList(new ArrayList<>());
    private final List<DeviceQueue> queues = new ArrayList<>();

    @AfterEach
    void close() {
        goOn.countDown();
        queues.forEach(DeviceQueue::close);
        await().until(() -> threads.count() == 0);
    }

    private DeviceQueue queue(int most, int length) {
        DeviceQueue queue = new DeviceQueue(threads, most, length);
        queues.add(queue);
        return queue;
    }

    private static void until(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives a queue so many pieces of work that do not come back, and waits until they are begun. */
    private void hang(DeviceQueue queue, int count) {
        CountDownLatch begun = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            assertThat(queue.submit(() -> {
                        begun.countDown();
                        until(goOn);
                    }))
                    .isTrue();
        }
        until(begun);
    }

    private void awaitDone(String... names) {
        await().until(() -> done.containsAll(List.of(names)));
    }

    @Test
    void theyHaveAsManyThreadsAsTheOneThatWantsMost() {
        Set<Thread> seen = ConcurrentHashMap.newKeySet();
        DeviceQueue few = queue(1, LENGTH);
        DeviceQueue more = queue(3, LENGTH);
        CountDownLatch all = new CountDownLatch(2 * LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            for (DeviceQueue queue : List.of(few, more)) {
                assertThat(queue.submit(() -> {
                            seen.add(Thread.currentThread());
                            all.countDown();
                        }))
                        .isTrue();
            }
        }
        until(all);
        assertThat(seen).hasSizeBetween(1, 3);
        hang(more, 3);
        assertThat(threads.count()).isEqualTo(3);
    }

    @Test
    void oneIsBusyWhenAsMuchWaitsAsMayAndTheOthersAreNot() {
        DeviceQueue piledUp = queue(1, 2);
        DeviceQueue other = queue(1, 2);
        hang(piledUp, 1);
        assertThat(piledUp.submit(() -> {})).isTrue();
        assertThat(piledUp.submit(() -> {})).isTrue();
        assertThat(piledUp.submit(() -> {})).isFalse();
        assertThat(piledUp.length()).isEqualTo(2);
        assertThat(other.submit(() -> {})).isTrue();
    }

    /** An event loop submits, and must not wait for a thread that the scheduler has put aside. */
    @Test
    void whoSubmitsWaitsForNobodyWhileAsMuchIsUnderWayAsMayBe() throws Exception {
        DeviceQueue queue = queue(1, 1);
        hang(queue, 1);
        synchronized (queue) {
            synchronized (threads) {
                assertThat(CompletableFuture.supplyAsync(() -> queue.submit(() -> done.add("waited")))
                                .get(30, TimeUnit.SECONDS))
                        .isTrue();
                assertThat(CompletableFuture.supplyAsync(() -> queue.submit(() -> {}))
                                .get(30, TimeUnit.SECONDS))
                        .as("one too many")
                        .isFalse();
            }
        }
        goOn.countDown();
        awaitDone("waited");
    }

    @Test
    void nothingIsLeftLyingWhereManySubmitAtOnce() {
        DeviceQueue queue = queue(3, 2);
        int submitters = 4;
        int each = 20_000;
        AtomicInteger ran = new AtomicInteger();
        List<CompletableFuture<Integer>> all = IntStream.range(0, submitters)
                .mapToObj(i -> CompletableFuture.supplyAsync(() -> {
                    int taken = 0;
                    for (int j = 0; j < each; j++) {
                        taken += queue.submit(ran::incrementAndGet) ? 1 : 0;
                    }
                    return taken;
                }))
                .toList();
        int taken = all.stream().mapToInt(CompletableFuture::join).sum();
        await().until(() -> ran.get() == taken && queue.length() == 0);
        hang(queue, 3);
    }

    @Test
    void theyTakeTurns() {
        DeviceQueue first = queue(1, LENGTH);
        DeviceQueue second = queue(1, LENGTH);
        hang(first, 1);
        Stream.of("a1", "a2", "a3").forEach(name -> first.submit(() -> done.add(name)));
        Stream.of("b1", "b2", "b3").forEach(name -> second.submit(() -> done.add(name)));
        goOn.countDown();
        awaitDone("a3", "b3");
        assertThat(done).containsExactly("b1", "a1", "b2", "a2", "b3", "a3");
    }

    @Test
    void whatComesFromADeviceIsBegunInItsOrder() {
        DeviceQueue one = queue(1, LENGTH);
        queue(4, LENGTH);
        List<String> names =
                Stream.iterate(0, i -> i + 1).limit(LENGTH).map(String::valueOf).toList();
        names.forEach(name -> assertThat(one.submit(() -> done.add(name))).isTrue());
        awaitDone(names.get(LENGTH - 1));
        assertThat(done).isEqualTo(names);
    }

    @Test
    void whereOneHoldsAllThreadsTheOtherGetsAnotherBeforeLong() {
        DeviceQueue holding = queue(2, LENGTH);
        DeviceQueue other = queue(2, LENGTH);
        hang(holding, 2);
        other.submit(() -> done.add("other"));
        holding.submit(() -> done.add("holding"));
        other.goOn(false);
        other.goOn(false);
        awaitDone("other");
        assertThat(done).as("the other's two are under way").containsExactly("other");
    }

    @Test
    void thereAreNeverMoreThreadsThanTheyWouldHaveAlone() {
        DeviceQueue first = queue(1, LENGTH);
        DeviceQueue second = queue(2, LENGTH);
        hang(first, 1);
        hang(second, 1);
        for (int i = 0; i < LENGTH; i++) {
            second.submit(() -> until(goOn));
        }
        for (int i = 0; i < 20; i++) {
            first.goOn(false);
            second.goOn(false);
        }
        assertThat(threads.count()).isEqualTo(3);
    }

    @Test
    void whatWaitsForADeviceThatHangsIsDoneAllTheSameOnceItIsOffline() {
        DeviceQueue hung = queue(2, LENGTH);
        hang(hung, 2);
        hung.submit(() -> done.add("waited"));
        for (int i = 0; i < 5; i++) {
            hung.goOn(false);
        }
        assertThat(done).isEmpty();
        hung.goOn(true);
        awaitDone("waited");
        hung.submit(() -> done.add("came later"));
        awaitDone("came later");
        assertThat(threads.count()).isEqualTo(3);
    }

    @Test
    void whoWaitsElsewhereGivesItsThreadToOthers() {
        DeviceQueue waiting = queue(1, LENGTH);
        DeviceQueue other = queue(1, LENGTH);
        CountDownLatch begun = new CountDownLatch(1);
        waiting.submit(() -> waiting.aside(() -> {
            begun.countDown();
            until(goOn);
        }));
        until(begun);
        waiting.submit(() -> done.add("waiting"));
        other.submit(() -> done.add("other"));
        awaitDone("other");
        assertThat(done).as("one of it at a time").containsExactly("other");
        goOn.countDown();
        awaitDone("waiting");
    }

    @Test
    void onAnyOtherThreadWaitingElsewhereIsJustDone() {
        queue(1, LENGTH).aside(() -> done.add(Thread.currentThread().getName()));
        assertThat(done).containsExactly(Thread.currentThread().getName());
    }

    @Test
    void whatWaitsGoesWithItToOtherThreads() {
        DeviceQueue holding = queue(1, LENGTH);
        DeviceQueue moving = queue(1, LENGTH);
        hang(holding, 1);
        moving.submit(() -> done.add(Thread.currentThread().getName()));
        moving.moveTo(new SharedThreads("test-other"));
        awaitDone("test-other");
    }

    @Test
    void aDefectInWorkTakesNoThreadAway() {
        DeviceQueue queue = queue(1, LENGTH);
        queue.submit(() -> {
            throw new IllegalStateException("as the test wants it");
        });
        queue.submit(() -> done.add("next"));
        awaitDone("next");
        assertThat(threads.count()).isEqualTo(1);
    }

    @Test
    void afterItIsClosedItTakesNothing() {
        DeviceQueue queue = queue(1, LENGTH);
        queue.submit(() -> done.add("before"));
        queue.close();
        assertThat(done).containsExactly("before");
        assertThat(queue.submit(() -> done.add("after"))).isFalse();
    }
}
