package org.objmapper.server.store;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.thread.Patience;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The work on descriptors that clients passed, which may hang for as long as their file systems like. It is bounded, for each user and
 * for all together, and users take turns: one whose descriptors hang keeps half of the threads at most. Safe on any thread.
 */
final class PassedQueue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PassedQueue.class);
    private static final int THREADS = 4;
    private static final int THREADS_PER_USER = THREADS / 2;

    /** Work, and whether it counts against the bound of all. */
    private record Task(Runnable work, boolean counts) {}

    /** What one user has waiting, and how many threads serve it. */
    private static final class User {
        final ArrayDeque<Task> waiting = new ArrayDeque<>();
        int threads;
    }

    private final int length;
    private final int lengthPerUser;
    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS, PassedQueue::newThread);
    private final Map<Integer, User> users = new HashMap<>();
    private int counted;
    private volatile boolean stopping;

    /** A queue where so many tasks may wait, of all users together and of each. */
    PassedQueue(int length, int lengthPerUser) {
        this.length = length;
        this.lengthPerUser = lengthPerUser;
    }

    private static Thread newThread(Runnable work) {
        Thread thread = new Thread(
                () -> {
                    NativeIo.unpin(); // a loop may have started it
                    work.run();
                },
                "store-passed");
        thread.setDaemon(true); // a file system that hangs must not keep the process from ending
        return thread;
    }

    /** Queues the copying of a body; refused as BUSY at once where too many wait. */
    synchronized void copy(int uid, Runnable work) throws StoreException {
        User user = users.get(uid);
        if (user != null && user.waiting.size() >= lengthPerUser) {
            throw new StoreException(
                    Status.BUSY,
                    lengthPerUser + " descriptors of user " + Integer.toUnsignedString(uid)
                            + " wait to be copied or closed, as many as one user may have");
        }
        if (counted >= length) {
            throw new StoreException(
                    Status.BUSY, length + " descriptors wait to be copied, as many as all users may have together");
        }
        counted++;
        add(uid, new Task(work, true));
    }

    /** Queues the closing of a descriptor, which has to be done however many wait; the user who passes such has the wait. */
    synchronized void close(int uid, Runnable work) {
        add(uid, new Task(work, false));
    }

    private void add(int uid, Task task) {
        User user = users.computeIfAbsent(uid, unused -> new User());
        user.waiting.add(task);
        if (user.threads < THREADS_PER_USER) {
            user.threads++;
            threads.execute(() -> serve(uid, user));
        }
    }

    /** Does one task of the user; the next one has its turn behind those of other users. */
    private void serve(int uid, User user) {
        try {
            Task task = next(user);
            if (task != null) {
                run(task.work());
            }
        } finally {
            served(uid, user);
        }
    }

    private synchronized @Nullable Task next(User user) {
        Task task = user.waiting.poll();
        if (task != null && task.counts()) {
            counted--;
        }
        return task;
    }

    private static void run(Runnable work) {
        try {
            work.run();
        } catch (Throwable e) {
            LOG.error("a defect in work on a passed descriptor", e);
        }
    }

    private synchronized void served(int uid, User user) {
        if (!user.waiting.isEmpty()) {
            threads.execute(() -> serve(uid, user));
        } else if (--user.threads == 0) {
            users.remove(uid);
            notifyAll();
        }
    }

    /** Whether nobody is left who waits for what is copied. */
    boolean isStopping() {
        return stopping;
    }

    /** Ends what is queued; what hangs is given up. */
    @Override
    public void close() {
        stopping = true;
        if (!Patience.awaitEnd(this::awaitIdle)) {
            LOG.warn("passed descriptors still hang; the work on them is given up");
        }
        threads.shutdownNow();
    }

    private synchronized boolean awaitIdle(long millis) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (!users.isEmpty()) {
            long leftMillis = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (leftMillis <= 0) {
                return false;
            }
            wait(leftMillis);
        }
        return true;
    }
}
