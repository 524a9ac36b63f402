package org.objmapper.client;

import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One request in flight on one session. */
final class Call {
    final Request request;
    final int id;
    /** Completed by whoever reads the session, by its end, or by the clock; exactly one of them wins. */
    final CompletableFuture<Reply> reply = new CompletableFuture<>();
    /** Whether a thread waits for the answer, and reads the session itself if nobody else does. */
    final boolean awaited;
    /** A thread that waits while another reads. */
    volatile @Nullable Thread waiter;
    /** The future that the answer is for, if there is one; set before the request is sent. */
    volatile @Nullable Answer<?> answer;
    /** What still holds the call's place in flight: its answer, and its body on the way out. */
    private final AtomicInteger holds;
    /** Set when a CANCEL can reach the server only after the request. */
    volatile boolean sent;

    private final AtomicBoolean cancelled = new AtomicBoolean();

    /** A moment before the request is sent. */
    final long askedNanos = System.nanoTime();

    private final long timeoutNanos;
    private volatile long deadlineNanos;
    /** The part of the answer that came before its DATA; touched by whoever reads alone. */
    @Nullable
    Reply begun;
    /** The bytes that the body of {@link #begun} must have, −1 where they are not known; touched by whoever reads alone. */
    long expectedBytes;
    /** The device of the file whose descriptor went as the body; set before it is sent. */
    volatile OptionalLong passedFrom = OptionalLong.empty();
    /** Set when nobody waits for the answer any more; it is dropped when it comes. */
    volatile boolean abandoned;
    /** Set when the caller's body could not be had; sending the request again would not mend it. */
    volatile boolean spoiled;

    Call(Request request, int id, boolean awaited, long timeoutNanos) {
        this.request = request;
        this.id = id;
        this.awaited = awaited;
        this.timeoutNanos = timeoutNanos;
        this.holds = new AtomicInteger(request.takesPlace() ? request.body() == null ? 1 : 2 : 0);
        progressed();
    }

    /** Ends the call with its answer; false where it was over. */
    boolean complete(Reply answer) {
        boolean first = reply.complete(answer);
        LockSupport.unpark(waiter);
        return first;
    }

    /** Ends the call without one; false where it was over. */
    boolean fail(Throwable failure) {
        boolean first = reply.completeExceptionally(failure);
        LockSupport.unpark(waiter);
        Answer<?> future = answer;
        if (first && future != null) {
            future.settleLater();
        }
        return first;
    }

    /** Starts the time limit anew. */
    void progressed() {
        deadlineNanos = System.nanoTime() + timeoutNanos;
    }

    boolean isLate(long nowNanos) {
        return nowNanos - deadlineNanos > 0;
    }

    /** True for the one who shall send its CANCEL. */
    boolean cancel() {
        return sent && abandoned && cancelled.compareAndSet(false, true);
    }

    /** True when the last hold is gone, and with it the place. */
    boolean release() {
        return holds.decrementAndGet() == 0;
    }
}
