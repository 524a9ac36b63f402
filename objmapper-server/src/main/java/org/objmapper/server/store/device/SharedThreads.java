package org.objmapper.server.store.device;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Threads that the {@link DeviceQueue}s which joined them take turns on, one piece of work at a time: as many as the one of them that wants
 * most. A thread that waits {@linkplain #aside elsewhere}, or {@linkplain #replaceLongest does not come back}, does not count as long as it
 * does so. They begin when there is work, and end when no queue is left. Safe on any thread.
 */
final class SharedThreads {
    private static final Logger LOG = LoggerFactory.getLogger(SharedThreads.class);
    /** How long a thread that is one too many looks for work before it ends: 10 s. */
    private static final long SPARE_MILLIS = TimeUnit.SECONDS.toMillis(10);

    private final String name;

    // Guarded by this.
    private final List<DeviceQueue> joined = new ArrayList<>();
    /** Those that have work, the next one first. */
    private final Deque<DeviceQueue> ready = new ArrayDeque<>();

    private final List<Worker> workers = new ArrayList<>();
    private int wanted;
    private int idle;
    /** Of the idle ones, so many at least will look for work without being woken. */
    private int coming;

    private int uncounted;

    /** Threads called {@code name}. */
    SharedThreads(String name) {
        this.name = name;
    }

    String name() {
        return name;
    }

    synchronized void join(DeviceQueue queue) {
        joined.add(queue);
        wanted = wanted();
    }

    /** What of its work is left is still done by threads that come back to it. */
    synchronized void leave(DeviceQueue queue) {
        joined.remove(queue);
        wanted = wanted();
        notifyAll();
    }

    private int wanted() {
        return joined.stream().mapToInt(DeviceQueue::most).max().orElse(0);
    }

    /** A queue has work to be begun; it is asked for it once. */
    synchronized void ready(DeviceQueue queue) {
        ready.add(queue);
        wakeIfTooFewCome();
        startIfTooFew();
    }

    /** Where threads that run take the work before the one that was woken for it comes, that one comes for what is ready then. */
    private void wakeIfTooFewCome() {
        if (coming < idle && coming < ready.size()) {
            coming++;
            notify();
        }
    }

    private void startIfTooFew() {
        if (idle >= ready.size() || workers.size() >= wanted + uncounted) {
            return;
        }
        Worker worker = new Worker();
        worker.thread.setDaemon(true); // a hung disk must not keep the process from ending
        try {
            worker.thread.start();
            workers.add(worker);
        } catch (OutOfMemoryError e) {
            LOG.warn("there is no memory for another thread {}; threads={} do its work", name, workers.size());
        }
    }

    /** Whether work waits for a thread. */
    synchronized boolean hasWork() {
        return !ready.isEmpty();
    }

    /** How many there are. */
    synchronized int count() {
        return workers.size();
    }

    /**
     * Does work that waits for something else than the file system, on one of these threads: another takes its place meanwhile. On any other
     * thread it is just done.
     */
    void aside(Runnable work) {
        Worker worker = begins();
        try {
            work.run();
        } finally {
            if (worker != null) {
                count(worker);
            }
        }
    }

    private synchronized @Nullable Worker begins() {
        for (Worker worker : workers) {
            if (worker.thread == Thread.currentThread() && !worker.isUncounted) {
                uncount(worker);
                return worker;
            }
        }
        return null;
    }

    private void uncount(Worker worker) {
        worker.isUncounted = true;
        uncounted++;
        startIfTooFew();
    }

    private synchronized void count(Worker worker) {
        if (worker.isUncounted) {
            worker.isUncounted = false;
            uncounted--;
        }
    }

    /**
     * Has another thread take the place of the one that has been at its work longest, unless there are as many as all the queues want together;
     * where a device is {@code offline}, whose work ends at once, one more for each queue.
     */
    synchronized void replaceLongest(boolean offline) {
        startIfTooFew(); // where there was no memory before
        int most = joined.stream()
                .mapToInt(queue -> queue.most() + (offline ? 1 : 0))
                .sum();
        if (workers.size() >= most) {
            return;
        }
        Worker longest = null;
        for (Worker worker : workers) {
            if (worker.isBusy
                    && !worker.isUncounted
                    && (longest == null || worker.sinceNanos - longest.sinceNanos < 0)) {
                longest = worker;
            }
        }
        if (longest != null) {
            uncount(longest);
        }
    }

    /** One of the threads, until it ends. */
    private final class Worker {
        private final Thread thread = new Thread(this::run, name);
        private boolean isBusy;
        private boolean isUncounted;
        private long sinceNanos;

        private void run() {
            NativeIo.unpin(); // a loop may have started it
            for (DeviceQueue queue = next(this); queue != null; queue = next(this)) {
                queue.runNext(SharedThreads.this);
            }
        }
    }

    /** The queue whose turn it is; null where the thread is to end. */
    private synchronized @Nullable DeviceQueue next(Worker worker) {
        count(worker);
        worker.isBusy = false;
        try {
            boolean isSpare = false;
            while (ready.isEmpty() && wanted > 0 && !isSpare) {
                awaitWork();
                isSpare = workers.size() > wanted + uncounted;
            }
        } catch (InterruptedException e) {
            // nobody interrupts it
        }
        DeviceQueue queue = ready.poll();
        if (queue == null) {
            workers.remove(worker);
        } else {
            worker.isBusy = true;
            worker.sinceNanos = System.nanoTime();
        }
        return queue;
    }

    private void awaitWork() throws InterruptedException {
        idle++;
        try {
            wait(SPARE_MILLIS);
        } finally {
            idle--;
            coming = Math.max(0, coming - 1); // one whose time ended too: it looks for work as well
        }
    }
}
