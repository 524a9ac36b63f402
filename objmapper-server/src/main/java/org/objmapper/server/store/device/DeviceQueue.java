package org.objmapper.server.store.device;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.thread.Patience;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The work that may block on one device: a bounded queue, for threads that it has alone or shares with the queues of other devices on its
 * file system. Work is begun in the order in which it came. Safe on any thread.
 */
public final class DeviceQueue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceQueue.class);
    private final int most;
    private final int bound;

    // Guarded by this; its lock is taken before that of the threads.
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private SharedThreads threads;
    /** Whether the threads know that there is work. */
    private boolean isReady;

    private boolean isClosed;
    private int underway;
    /** Those of {@link #underway} that came back to nobody for so long that others were begun in their place. */
    private int forgotten;

    private int generation;
    private long begun;
    private long begunBefore;

    /** A queue in which at most {@code length} tasks wait, for {@code threadCount} threads of its own called {@code name}. */
    public DeviceQueue(String name, int threadCount, int length) {
        this(new SharedThreads(name), threadCount, length);
    }

    /** A queue in which at most {@code length} tasks wait while {@code most} are under way. */
    DeviceQueue(SharedThreads threads, int most, int length) {
        this.threads = threads;
        this.most = most;
        this.bound = length;
        threads.join(this);
    }

    /** How many tasks may be under way at once. */
    int most() {
        return most;
    }

    /** From now on other threads do the work, also what waits; what is under way ends where it is. */
    synchronized void moveTo(SharedThreads others) {
        if (isClosed) {
            return;
        }
        threads.leave(this);
        threads = others;
        threads.join(this);
        isReady = false;
        tell();
    }

    /** Queues a task; false at once where the queue is full. */
    public synchronized boolean submit(Runnable task) {
        if (isClosed || (long) underway - forgotten + waiting.size() >= (long) most + bound) {
            return false;
        }
        waiting.add(task);
        tell();
        return true;
    }

    private void tell() {
        if (!isReady && !waiting.isEmpty() && underway - forgotten < most) {
            isReady = true;
            threads.ready(this);
        }
    }

    /** On one of the threads: does what comes next, if anything is to be done by these threads. */
    void runNext(SharedThreads asking) {
        Runnable task;
        int ofGeneration;
        synchronized (this) {
            task = threads == asking ? poll() : null;
            ofGeneration = generation;
        }
        if (task == null) {
            return;
        }
        try {
            task.run();
        } catch (Throwable e) {
            LOG.error("a defect in work of {}", asking.name(), e);
        } finally {
            ended(ofGeneration);
        }
    }

    private @Nullable Runnable poll() {
        isReady = false;
        Runnable task = waiting.poll();
        if (task != null) {
            underway++;
            begun++;
        }
        tell();
        return task;
    }

    private synchronized void ended(int ofGeneration) {
        underway--;
        if (ofGeneration != generation) {
            forgotten--;
        }
        tell();
        notifyAll();
    }

    /** Does work that waits for something else than the device: where this is one of the device's threads, another takes its place meanwhile. */
    public void aside(Runnable work) {
        SharedThreads now;
        synchronized (this) {
            now = threads;
        }
        now.aside(work);
    }

    /**
     * To be called once a second: where something waited all the time, and nothing was begun, another thread takes the place of one that
     * does not come back. While the device is {@code offline}, nothing waits for what hangs in it: whoever asks it for anything is told so
     * at once.
     */
    synchronized void goOn(boolean offline) {
        boolean isStuck = !waiting.isEmpty() && begun == begunBefore;
        begunBefore = begun;
        if (!isStuck) {
            return;
        }
        if (offline && underway - forgotten >= most) {
            generation++;
            forgotten = underway;
            tell();
        }
        if (underway - forgotten < most) {
            threads.replaceLongest(offline);
        }
    }

    /** Whether other work waits for this device, or for the threads that it shares: long work is to let it go ahead. */
    public synchronized boolean othersWait() {
        return !waiting.isEmpty() || threads.hasWork();
    }

    /** How many tasks wait. */
    public synchronized int length() {
        return waiting.size();
    }

    /** Finishes what is queued. */
    @Override
    public void close() {
        close(Patience.MILLIS);
    }

    /** Finishes what is queued, in so many milliseconds at most. */
    void close(long millis) {
        synchronized (this) {
            isClosed = true;
        }
        if (!Patience.awaitEnd(millis, this::awaitEnd)) {
            LOG.warn("work of {} did not end; it is given up", threads().name());
        }
        threads().leave(this);
    }

    private synchronized SharedThreads threads() {
        return threads;
    }

    private synchronized boolean awaitEnd(long millis) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        long left = deadline - System.nanoTime();
        while (left > 0 && (underway > 0 || !waiting.isEmpty())) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
            left = deadline - System.nanoTime();
        }
        return underway == 0 && waiting.isEmpty();
    }
}
