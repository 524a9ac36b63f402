package org.objmapper.client;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The future of one call. A thread that waits for it with get() or join() takes part in reading the session, and turns the answer into the
 * result itself; else the executor does. What hangs on the future runs on the executor. Nobody is told when a future of several, such as
 * allOf(), begins to hang on it: what hangs on that may run on a waiting thread, where it begins in the very moment of the answer.
 */
final class Answer<T> extends CompletableFuture<T> {
    private final Executor executor;
    private final AtomicBoolean settled = new AtomicBoolean();
    private final Consumer<Answer<T>> settling;
    /** The session that the call was sent by; null where the executor carries it out. */
    private volatile @Nullable Session session;

    private volatile @Nullable Call call;
    /** Set before something hangs on it; guarded by this. */
    private boolean hung;

    Answer(Executor executor, Consumer<Answer<T>> settling) {
        this.executor = executor;
        this.settling = settling;
    }

    /** Comes once, before the call is sent; the call may be over already. */
    void answeredBy(Session sentBy, Call sent) {
        call = sent;
        session = sentBy;
        sent.answer = this;
        if (sent.reply.isDone()) {
            settleLater();
        }
    }

    /** Turns the answer into the result, or the failure, on the executor. */
    void settleLater() {
        executor.execute(this::settle);
    }

    /** The same here and now; not where something hangs on it. */
    void settleNow() {
        synchronized (this) {
            // One dependent is the client's own, which cancels the call with the future.
            if (!hung && getNumberOfDependents() <= 1) {
                settle();
                return;
            }
        }
        settleLater();
    }

    /** The answer of a call that is over; throws what it failed with, as {@link CompletableFuture#join} does. */
    Reply reply() {
        return Objects.requireNonNull(call).reply.join();
    }

    private void settle() {
        if (settled.compareAndSet(false, true)) {
            settling.accept(this);
        }
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        takePart();
        return super.get();
    }

    @Override
    public T join() {
        takePart();
        return super.join();
    }

    private void takePart() {
        Session by = session;
        Call sent = call;
        if (by == null || sent == null || isDone()) {
            return;
        }
        by.takePart(sent);
        if (sent.reply.isDone()) {
            settleNow();
        }
    }

    /** Something is to hang on it, so that perhaps no thread will wait. */
    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        Session by = session;
        if (by != null && !isDone()) {
            synchronized (this) {
                hung = true;
            }
            by.readYourself();
        }
        return new CompletableFuture<>();
    }
}
