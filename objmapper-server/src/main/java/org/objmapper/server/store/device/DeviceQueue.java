package org.objmapper.server.store.device;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.thread.Patience;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The work that may block on one device: a bounded queue and a few threads. Safe on any thread. */
public final class DeviceQueue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceQueue.class);
    private final String name;
    private final ThreadPoolExecutor threads;
    private @Nullable Thread spare;

    /** A queue of at most {@code length} tasks for {@code threadCount} threads called {@code name}. */
    public DeviceQueue(String name, int threadCount, int length) {
        this.name = name;
        this.threads = new ThreadPoolExecutor(
                threadCount, threadCount, 0, TimeUnit.SECONDS, new ArrayBlockingQueue<>(length), this::newThread);
    }

    private Thread newThread(Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true); // a hung disk must not keep the process from ending
        return thread;
    }

    /** Queues a task; false at once where the queue is full. */
    public boolean submit(Runnable task) {
        try {
            threads.execute(() -> run(task));
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    private void run(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            LOG.error("a defect in work for device={}", name, e);
        }
    }

    /**
     * Runs what waits on one more thread: the device is offline, all other threads may hang in it, and whoever asks it for anything is
     * told so at once.
     */
    synchronized void runWaiting() {
        if (length() == 0 || spare != null && spare.isAlive()) {
            return;
        }
        spare = newThread(() -> {
            for (Runnable task = threads.getQueue().poll();
                    task != null;
                    task = threads.getQueue().poll()) {
                task.run();
            }
        });
        spare.start();
    }

    /** How many tasks wait. */
    public int length() {
        return threads.getQueue().size();
    }

    /** Finishes what is queued. */
    @Override
    public void close() {
        threads.shutdown();
        if (!Patience.awaitEnd(millis -> threads.awaitTermination(millis, TimeUnit.MILLISECONDS))) {
            LOG.warn("work of {} did not end; it is given up", name);
        }
    }
}
