package org.objmapper.client;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.newsclub.net.unix.ThreadUtil;

/**
 * Who reads a session. A thread that waits for its answer reads for everyone until it has it, and hands over to the next that waits: so an
 * answer wakes the thread that it is for, and no other. A thread of the session's own reads while there are calls that no thread waits
 * for, and when nobody has read for a while, since the server may say goodbye. Thread-safe.
 */
final class Reader {
    private final Session session;
    private final Thread thread;
    private final AtomicBoolean reading = new AtomicBoolean();
    /** Calls in flight that no thread waits for. */
    private final AtomicInteger unattended = new AtomicInteger();
    /** Set when nobody has read for a while, until something comes. */
    private volatile boolean idle;

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

    /** There is one call more, or less, that no thread waits for. */
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
                if (reading.compareAndSet(false, true)) {
                    readFor(call);
                } else if (call.waiter == null) {
                    call.waiter = Thread.currentThread(); // and look again, now that it can be woken
                } else {
                    LockSupport.park(this);
                }
            }
        } finally {
            handOver();
        }
    }

    private void readFor(Call call) {
        try {
            while (!call.reply.isDone() && !Thread.currentThread().isInterrupted()) {
                session.receive();
            }
        } finally {
            reading.set(false);
        }
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

    private boolean isNeeded() {
        return unattended.get() > 0 || idle || session.isOver();
    }

    private void run() {
        while (!session.isOver()) {
            if (isNeeded() && reading.compareAndSet(false, true)) {
                readWhileNeeded();
                handOver();
            } else {
                LockSupport.park(this);
            }
        }
        while (!reading.compareAndSet(false, true)) {
            LockSupport.park(this); // until who reads has noticed the end
        }
        session.dropDescriptors();
    }

    private void readWhileNeeded() {
        try {
            while (isNeeded() && !session.isOver()) {
                session.receive();
            }
        } finally {
            reading.set(false);
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
