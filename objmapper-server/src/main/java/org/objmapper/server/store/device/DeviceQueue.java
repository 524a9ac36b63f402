package org.objmapper.server.store.device;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.thread.Patience;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The work that may block on one device: a bounded queue, for threads that it has alone or shares with the queues of other devices on its
 * file system. Work is begun in the order in which it came. Safe on any thread.
 *
 * <p>Event loops submit work: a thread that the scheduler has put aside may hold the lock for milliseconds, so that they take it only where a
 * thread has to be told.
 */
public final class DeviceQueue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceQueue.class);

    private final int most;
    private final int bound;
    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    /** Those that wait, those that are about to, and those under way that are not forgotten. */
    private final AtomicInteger taken = new AtomicInteger();

    // Guarded by this, whose lock is taken before that of the threads. Whoever submits reads without it what is
    // volatile: after the task stands there, as others look for tasks after they have written.
    private SharedThreads threads;
    /** Whether the threads know that there is work. */
    private volatile boolean isReady;

    private volatile boolean isClosed;
    /** How many are under way, but for those that came back to nobody for so long that others were begun in their place. */
    private volatile int underway;

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
    public boolean submit(Runnable task) {
        if (!takePlace()) {
            return false;
        }
        if (isClosed) {
            givePlaceBack();
            return false;
        }
        waiting.add(task);
        if (isToBeTold()) {
            tell();
        }
        return true;
    }

    private boolean takePlace() {
        int now;
        do {
            now = taken.get();
            if (now >= (long) most + bound) {
                return false;
            }
        } while (!taken.compareAndSet(now, now + 1));
        return true;
    }

    private synchronized void givePlaceBack() {
        taken.decrementAndGet();
        notifyAll(); // close() waits until nobody has one
    }

    /** Whether there is work that the threads don't know of, and that may be begun. */
    private boolean isToBeTold() {
        return !isReady && underway < most && !waiting.isEmpty();
    }

    private synchronized void tell() {
        if (isToBeTold()) {
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
        Runnable task = waiting.poll();
        if (task != null) {
            underway++;
            begun++;
        }
        if (underway < most && !waiting.isEmpty()) {
            isReady = true; // without having been false, so that nobody who submits meanwhile has to wait for this lock
            threads.ready(this);
        } else {
            isReady = false;
            tell();
        }
        return task;
    }

    private synchronized void ended(int ofGeneration) {
        if (ofGeneration == generation) {
            underway--;
            taken.decrementAndGet();
        } else {
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
        if (offline && underway >= most) {
            generation++;
            forgotten += underway;
            taken.addAndGet(-underway);
            underway = 0;
            tell();
        }
        if (underway < most) {
            threads.replaceLongest(offline);
        }
    }

    /** Whether other work waits for this device, or for the threads that it shares: long work is to let it go ahead. */
    public synchronized boolean othersWait() {
        return !waiting.isEmpty() || threads.hasWork();
    }

    /** How many tasks wait. */
    public synchronized int length() {
        return taken.get() - underway;
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
        while (left > 0 && !hasEnded()) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
            left = deadline - System.nanoTime();
        }
        return hasEnded();
    }

    private boolean hasEnded() {
        return taken.get() == 0 && forgotten == 0;
    }
}
