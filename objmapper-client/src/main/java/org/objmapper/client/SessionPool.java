package org.objmapper.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.objmapper.protocol.Status;

/**
 * The sessions of a client: opened when the ones that are there are busy, opened anew when they end. Requests go round over them. A
 * slot's lock is held only while its session connects. Thread-safe.
 */
final class SessionPool {
    /** The longest path of a Unix socket. */
    private static final int PATH_BYTES = 107;

    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long CLOCK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private static final long HITS_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    /** Room for what is told at once; the rest is told the next time. */
    private static final int HITS_BYTES = 32 << 10;

    private final ClientSettings settings;
    /** What the client keeps, and goes through now and then; null for nothing. */
    private final @Nullable ObjectCache cache;

    private final AtomicReferenceArray<@Nullable Session> slots;
    private final Object[] locks;
    private final AtomicInteger turn = new AtomicInteger();
    private final Thread clock = new Thread(this::watchTime, "objmapper-clock");
    /**
     * How many descriptors a new session takes in one message. Once some were lost, one: of a message that fits in part, junixsocket
     * leaks that part, and one descriptor fits or does not.
     */
    private volatile int messageDescriptors = Inbox.MAX_MESSAGE_DESCRIPTORS;

    /** Of the clock. */
    private long toldHitsNanos = System.nanoTime();

    private volatile boolean closed;

    SessionPool(ClientSettings settings, @Nullable ObjectCache cache) {
        this.settings = settings;
        this.cache = cache;
        this.slots = new AtomicReferenceArray<>(settings.poolSize());
        this.locks = new Object[settings.poolSize()];
        for (int i = 0; i < locks.length; i++) {
            locks[i] = new Object();
        }
        clock.setDaemon(true);
        clock.start();
    }

    /** A session with a place in flight taken, without waiting; null where one is to be connected first. */
    @Nullable
    Session takeNow(Request request) throws ObjmapperException {
        boolean full = isFull(); // asked first: another thread may connect one meanwhile
        Session session = withPlace();
        if (session == null && full && isFull()) {
            throw busy(request);
        }
        return session;
    }

    private @Nullable Session withPlace() {
        int first = turn.getAndIncrement();
        for (int i = 0; i < slots.length(); i++) {
            Session session = slots.get(Math.floorMod(first + i, slots.length()));
            if (session != null && session.tryTakePlace()) {
                return session;
            }
        }
        return null;
    }

    /** Whether every slot has a living session. */
    private boolean isFull() {
        for (int i = 0; i < slots.length(); i++) {
            if (!alive(slots.get(i))) {
                return false;
            }
        }
        return true;
    }

    /**
     * A session with a place in flight taken; connects, or waits for a place, as long as the time allows, and as long as the future that
     * the request is for, if there is one, is not over: CancellationException then.
     */
    Session take(Request request, @Nullable CompletableFuture<?> asked, long deadlineNanos) throws ObjmapperException {
        long connectBy =
                Math.min(deadlineNanos - System.nanoTime(), settings.connectTimeoutNanos()) + System.nanoTime();
        for (long pause = FIRST_PAUSE_NANOS; ; pause = longer(pause)) {
            requireOpen();
            if (asked != null && asked.isDone()) {
                throw new CancellationException(request.what());
            }
            Session session = withPlace();
            if (session != null) {
                return session;
            }
            try {
                session = connectOne();
                if (session != null && session.tryTakePlace()) {
                    return session;
                }
                if (System.nanoTime() - deadlineNanos > 0) {
                    throw busy(request);
                }
            } catch (ObjmapperException e) {
                boolean refused = e.status().isPresent() && !e.status().get().retryable();
                if (refused || System.nanoTime() + pause - connectBy > 0) {
                    throw e.about(request.key(), request.what());
                }
            }
            pause(pause, request);
        }
    }

    private ObjmapperException busy(Request request) {
        return new ObjmapperException(
                Status.BUSY,
                request.key(),
                true,
                request.what() + ": all " + slots.length() + " sessions have as many requests in flight as the server"
                        + " takes; wait for some, or raise poolSize or maxRequests",
                null);
    }

    /** Waits between two attempts, a little less or more than the others who wait. */
    static void pause(long nanos, Request request) throws ObjmapperException {
        LockSupport.parkNanos(nanos / 2 + ThreadLocalRandom.current().nextLong(nanos));
        if (Thread.currentThread().isInterrupted()) {
            throw new ObjmapperException(
                    null, request.key(), true, request.what() + ": interrupted before it was sent", null);
        }
    }

    static long firstPause() {
        return FIRST_PAUSE_NANOS;
    }

    static long longer(long pause) {
        return Math.min(pause * 2, LONGEST_PAUSE_NANOS);
    }

    /** Opens a session in the first slot without a living one; null where all have one. */
    private @Nullable Session connectOne() throws ObjmapperException {
        for (int i = 0; i < slots.length(); i++) {
            if (alive(slots.get(i))) {
                continue;
            }
            synchronized (locks[i]) {
                Session there = slots.get(i);
                if (there != null && alive(there)) {
                    return there; // someone else was faster
                }
                if (there != null && there.lostDescriptors()) {
                    messageDescriptors = 1;
                }
                Session session = connect();
                slots.set(i, session);
                if (closed) {
                    session.close(closedClient());
                }
                return session;
            }
        }
        return null;
    }

    private Session connect() throws ObjmapperException {
        if (settings.socket().toString().getBytes(StandardCharsets.UTF_8).length > PATH_BYTES) {
            throw new ObjmapperException(
                    Status.BAD_REQUEST,
                    null,
                    true,
                    "can't connect to " + settings.socket() + ": the path is longer than the " + PATH_BYTES
                            + " bytes that a socket's can have",
                    null);
        }
        AFUNIXSocket socket;
        try {
            socket = AFUNIXSocket.newInstance();
            try {
                Inbox.prepare(socket);
                socket.connect(AFUNIXSocketAddress.of(settings.socket()), (int)
                        Math.min(Integer.MAX_VALUE, settings.connectTimeoutMillis()));
            } catch (IOException | RuntimeException e) {
                socket.close();
                throw e;
            }
        } catch (IOException e) {
            throw new ObjmapperException(
                    null,
                    null,
                    true,
                    "can't connect to " + settings.socket() + ": " + e.getMessage()
                            + "; is a server running there? objmapperd --dev starts one",
                    e);
        }
        return Session.greet(socket, settings, messageDescriptors, cache);
    }

    private static boolean alive(@Nullable Session session) {
        return session != null && session.takesRequests();
    }

    private void watchTime() {
        while (!closed) {
            LockSupport.parkNanos(CLOCK_NANOS);
            long now = System.nanoTime();
            if (cache != null) {
                cache.expire(now);
                tellHits(now, cache);
            }
            for (int i = 0; i < slots.length(); i++) {
                Session session = slots.get(i);
                if (session != null) {
                    session.expire(now);
                }
            }
        }
    }

    /** Tells the server now and then what was given without asking it; on the executor, since a server that does not read holds it up. */
    private void tellHits(long nowNanos, ObjectCache given) {
        if (nowNanos - toldHitsNanos < HITS_NANOS) {
            return;
        }
        toldHitsNanos = nowNanos;
        ByteBuffer counts = ByteBuffer.allocate(HITS_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        given.tellHits(counts);
        if (counts.flip().hasRemaining()) {
            settings.executor().execute(() -> tell(counts));
        }
    }

    private void tell(ByteBuffer counts) {
        for (int i = 0; i < slots.length(); i++) {
            Session session = slots.get(i);
            if (session != null && session.tellHits(counts)) {
                return;
            }
        }
    }

    boolean isClosed() {
        return closed;
    }

    void requireOpen() throws ObjmapperException {
        if (closed) {
            throw closedClient();
        }
    }

    private static ObjmapperException closedClient() {
        return new ObjmapperException(null, null, false, "the client is closed", null);
    }

    void close() {
        closed = true;
        LockSupport.unpark(clock);
        for (int i = 0; i < slots.length(); i++) {
            Session session = slots.get(i);
            if (session != null) {
                session.close(closedClient());
            }
        }
        try {
            for (int i = 0; i < slots.length(); i++) {
                Session session = slots.get(i);
                if (session != null) {
                    session.join();
                }
            }
            if (Thread.currentThread() != clock) {
                clock.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the threads are on their way out
        }
    }
}
