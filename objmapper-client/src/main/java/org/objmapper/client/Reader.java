package org.objmapper.client;

import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.newsclub.net.unix.ThreadUtil;

/**
 * Who reads a session. A thread that waits for its answer reads for everyone until it has it, and hands over to the next that waits: so an
 * answer wakes the thread that it is for, and no other. A thread of the session's own reads when nobody has read for a while, since the
 * server may say goodbye, and for futures. But where threads turned out to wait for their futures, these read, and requests wait for them
 * to be sent together; the own thread only looks now and then whether they still do. Thread-safe.
 */
final class Reader {
    /** How long futures may be left alone. */
    private static final long LOOK_NANOS = 2_000_000;

    private static final int QUIET_LOOKS = 20;

    /** How long threads are not relied on after they had left futures alone. */
    private static final long DISTRUST_NANOS = 200_000_000;

    private final Session session;
    private final Thread thread;
    private final AtomicBoolean reading = new AtomicBoolean();
    /** Calls in flight that no thread waits for, or only by a future. */
    private final AtomicInteger unattended = new AtomicInteger();
    /** What this turn has brought; of who reads. */
    private ArrayList<Answer<?>> answered = new ArrayList<>();
    /** Set when nobody has read for a while, until something comes. */
    private volatile boolean idle;
    /** Set while threads that wait for futures read, not the session's own. */
    private volatile boolean left;

    private volatile long trustedFrom = System.nanoTime();

    /** Grows with everything that was received. */
    private volatile long received;
    /** What it was when the clock looked last. */
    private long receivedBefore;

    Reader(Session session) {
        this.session = session;
        this.thread = new Thread(this::run, "objmapper-session");
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Whether the current thread can read a socket that others write to: junixsocket lets a virtual one only with a trick that these would notice. */
    static boolean mayRead() {
        return !ThreadUtil.isVirtualThread();
    }

    /** There is one call more, or less, that no thread waits for but by a future. */
    void unattended(int more) {
        unattended.addAndGet(more);
    }

    /** Waits until a call is over, which was registered as one that is awaited. */
    void await(Call call) throws InterruptedException {
        try {
            while (!call.reply.isDone()) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                step(call);
            }
        } finally {
            handOver();
        }
    }

    /** Waits until the call of a future is over, or the thread is interrupted; returns at once where the thread may not read. */
    void takePart(Call call) {
        if (!mayRead()) {
            readYourself();
            return;
        }
        while (!call.reply.isDone() && !Thread.currentThread().isInterrupted()) {
            if (reading.get() && System.nanoTime() - trustedFrom > 0) {
                left = true;
            }
            step(call);
        }
        call.waiter = null;
        handOver();
        if (!call.reply.isDone()) {
            readYourself();
        }
    }

    private void step(Call call) {
        if (reading.compareAndSet(false, true)) {
            readOnce(true);
        } else if (call.waiter == null) {
            call.waiter = Thread.currentThread(); // and look again, now that it can be woken
        } else {
            LockSupport.park(this);
        }
    }

    /** One turn of who reads. What futures get is settled when another can read. */
    private void readOnce(boolean settles) {
        ArrayList<Answer<?>> brought;
        try {
            session.receive();
        } finally {
            brought = answered;
            if (!brought.isEmpty()) {
                answered = new ArrayList<>();
            }
            reading.set(false);
        }
        for (Answer<?> answer : brought) {
            if (settles) {
                answer.settleNow();
            } else {
                answer.settleLater();
            }
        }
    }

    /** The answer of a future that no thread waits for has come; called by who reads. */
    void answered(Answer<?> answer) {
        answered.add(answer);
    }

    /** Whether requests of futures wait for the threads that wait for these. */
    boolean leavesReading() {
        return left;
    }

    /** Lets the session's own thread read for futures. */
    void readYourself() {
        trustedFrom = System.nanoTime() + DISTRUST_NANOS;
        left = false;
        handOver();
    }

    /** Sees to it that someone reads, if someone must. Comes after everything by which that may have become so. */
    void handOver() {
        if (reading.get()) {
            return; // and calls this at its end
        }
        Thread waiter = session.isOver() ? null : session.nextWaiter();
        if (waiter != null) {
            LockSupport.unpark(waiter);
        } else if (isNeeded()) {
            LockSupport.unpark(thread);
        }
    }

    /** Something was received; called by who reads. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread reads at a time
    void received() {
        received++;
        idle = false;
    }

    /** The clock's: lets the session's own thread look where nobody else does. */
    void watch() {
        if (receivedBefore == received && !reading.get()) {
            idle = true;
            LockSupport.unpark(thread);
        }
        receivedBefore = received;
    }

    /** Whether the session's own thread must read if nobody else does. */
    private boolean isNeeded() {
        return idle || session.isOver() || (unattended.get() > 0 && !left);
    }

    private void run() {
        while (!session.isOver()) {
            if (isNeeded() && reading.compareAndSet(false, true)) {
                readOnce(false);
                if (!isNeeded() || left) {
                    handOver();
                }
            } else if (left) {
                lookWhileLeft();
            } else {
                LockSupport.park(this);
            }
        }
        while (!reading.compareAndSet(false, true)) {
            LockSupport.park(this); // until who reads has noticed the end
        }
        session.dropDescriptors();
    }

    private void lookWhileLeft() {
        int quiet = 0;
        boolean alone = false;
        while (left && !idle && !session.isOver() && quiet < QUIET_LOOKS) {
            long before = received;
            LockSupport.parkNanos(this, LOOK_NANOS);
            boolean still = received == before && !reading.get();
            quiet = still && unattended.get() == 0 ? quiet + 1 : 0;
            if (alone && still && unattended.get() > 0) {
                new Thread(session::readYourself, "objmapper-flush").start(); // it writes, and so may have to wait
                LockSupport.park(this);
            }
            alone = still && unattended.get() > 0;
        }
        if (quiet == QUIET_LOOKS) {
            left = false;
        }
    }

    /** Waits until nobody reads any more, and every descriptor that no call had claimed is closed. */
    void join() throws InterruptedException {
        LockSupport.unpark(thread);
        if (Thread.currentThread() != thread) {
            thread.join();
        }
    }
}
