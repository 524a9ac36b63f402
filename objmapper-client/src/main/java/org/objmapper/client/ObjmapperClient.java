package org.objmapper.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.ListEntry;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/**
 * A client of an objmapper server on this machine. Thread-safe; make one for the process and share it.
 *
 * <pre>{@code
 * try (ObjmapperClient client = ObjmapperClient.builder(Path.of("/run/objmapper/objmapper.sock")).build()) {
 *     client.put(Key.of("https://example.org/logo.png"), Body.of(Path.of("logo.png")), new PutOptions().tag("images"));
 *     try (StoredObject logo = client.get(Key.of("https://example.org/logo.png")).orElseThrow()) {
 *         logo.channel().transferTo(logo.channelOffset(), logo.length(), destination);
 *     }
 * }
 * }</pre>
 *
 * <p><b>Waiting.</b> Requests of all threads go out together and are answered in any order. Every call ends with status TIMEOUT when it
 * makes no progress for {@code timeoutMillis}; a long body may take longer as long as it moves. A call that blocks waits where all
 * sessions are busy; one that returns a future fails with BUSY instead. What hangs on a future runs on the builder's executor, and may
 * block; cancelling one cancels the request, as far as the server has not carried it out.
 *
 * <p><b>Failing.</b> A call fails with {@link ObjmapperException}, and a future too: its {@link ObjmapperException#status status}, such as
 * PRECONDITION_FAILED, is what this documentation names in capitals. That there is no object is no failure. An argument outside its
 * range makes a call throw IllegalArgumentException, before anything is sent. After {@link #close} every call fails.
 *
 * <p><b>Trying again.</b> A call that only reads is tried again when the server answers that it is busy or stops, or when the connection
 * breaks, until its time is up. One that changes something is tried again only when it certainly had no effect; else it fails, with
 * {@link ObjmapperException#hadNoEffect} false, and the caller decides. Sessions are reopened as they are needed, with growing pauses.
 */
public final class ObjmapperClient implements AutoCloseable {
    private final ClientSettings settings;
    private final SessionPool pool;
    private final @Nullable ObjectCache cache;
    private final MappedBytes mappings;

    private ObjmapperClient(ClientSettings settings) {
        this.settings = settings;
        this.cache = settings.cache() == null ? null : new ObjectCache(settings.cache());
        this.pool = new SessionPool(settings, cache);
        this.mappings = new MappedBytes(settings.maxMappedBytes());
    }

    /** Begins a client of the server that listens at a path. */
    public static Builder builder(Path socket) {
        return new Builder(socket);
    }

    /** Gets an object; empty where there is none. The caller closes it. */
    public Optional<StoredObject> get(Key key) throws ObjmapperException {
        return get(key, new GetOptions());
    }

    /** Gets an object, a range of it, or the news that it is unchanged; empty where there is none. The caller closes it. */
    public Optional<StoredObject> get(Key key, GetOptions options) throws ObjmapperException {
        return lookup(key, options).object();
    }

    /** As {@link #get(Key, GetOptions)}, without waiting. Whoever takes the object out of the future closes it. */
    public CompletableFuture<Optional<StoredObject>> getAsync(Key key, GetOptions options) {
        StoredObject kept = kept(key, options);
        if (kept != null) {
            return CompletableFuture.completedFuture(Optional.of(kept));
        }
        Request request = Request.of(Operation.GET, key, options.encode(key, true));
        boolean keeps = options.isPlain();
        return submit(request, reply -> found(key, keeps, reply).object(), ObjmapperClient::closeUnwanted);
    }

    /** As {@link #get(Key, GetOptions)}, for a caller that fills a miss: it says what that takes. The caller closes it. */
    public Lookup lookup(Key key, GetOptions options) throws ObjmapperException {
        StoredObject kept = kept(key, options);
        if (kept != null) {
            return Lookup.hit(kept);
        }
        Request request = Request.of(Operation.GET, key, options.encode(key, true));
        return found(key, options.isPlain(), run(request));
    }

    /** As {@link #lookup}, without waiting. Whoever takes it out of the future closes it. */
    public CompletableFuture<Lookup> lookupAsync(Key key, GetOptions options) {
        StoredObject kept = kept(key, options);
        if (kept != null) {
            return CompletableFuture.completedFuture(Lookup.hit(kept));
        }
        Request request = Request.of(Operation.GET, key, options.encode(key, true));
        boolean keeps = options.isPlain();
        return submit(request, reply -> found(key, keeps, reply), lookup -> closeUnwanted(lookup.object()));
    }

    /** What the server keeps about an object; empty where there is none. */
    public Optional<ObjectMetadata> head(Key key) throws ObjmapperException {
        return head(key, new GetOptions());
    }

    /** What the server keeps about an object, changed or not; empty where there is none. */
    public Optional<ObjectMetadata> head(Key key, GetOptions options) throws ObjmapperException {
        Request request = Request.of(Operation.HEAD, key, options.encode(key, false));
        return description(request, run(request));
    }

    /** As {@link #head(Key, GetOptions)}, without waiting. */
    public CompletableFuture<Optional<ObjectMetadata>> headAsync(Key key, GetOptions options) {
        Request request = Request.of(Operation.HEAD, key, options.encode(key, false));
        return submit(request, reply -> description(request, reply), unused -> {});
    }

    /**
     * Stores an object in place of the one under the key, at once and whole. The answer carries its length, its generation, and checksums if the
     * server has them.
     */
    public ObjectMetadata put(Key key, Body body) throws ObjmapperException {
        return put(key, body, new PutOptions());
    }

    /**
     * Stores an object in place of the one under the key, at once and whole; nothing of the old one's metadata stays. A call that fails leaves
     * the old one as it was, unless {@link ObjmapperException#hadNoEffect} is false.
     */
    public ObjectMetadata put(Key key, Body body, PutOptions options) throws ObjmapperException {
        Request request =
                new Request(Operation.PUT, key, options.encode(key, true).encoded(), body);
        return changed(request, run(request));
    }

    /** As {@link #put(Key, Body, PutOptions)}, without waiting; a body that is not short or not in memory is read and sent on the executor. */
    public CompletableFuture<ObjectMetadata> putAsync(Key key, Body body, PutOptions options) {
        Request request =
                new Request(Operation.PUT, key, options.encode(key, true).encoded(), body);
        return submit(request, reply -> changed(request, reply), unused -> {});
    }

    /** Deletes an object with all its variants; false where there was none. */
    public boolean delete(Key key) throws ObjmapperException {
        return delete(key, new DeleteOptions());
    }

    /** Deletes an object with all its variants; false where there was none, and no generation was asked for. */
    public boolean delete(Key key, DeleteOptions options) throws ObjmapperException {
        Request request = Request.of(Operation.DELETE, key, options.encode(key));
        return found(request, run(request));
    }

    /** As {@link #delete(Key, DeleteOptions)}, without waiting. */
    public CompletableFuture<Boolean> deleteAsync(Key key, DeleteOptions options) {
        Request request = Request.of(Operation.DELETE, key, options.encode(key));
        return submit(request, reply -> found(request, reply), unused -> {});
    }

    /**
     * Changes the time to live and metadata of an object whose body stays: each kind that is given replaces what was there. The answer carries the
     * object's length and new generation; empty where there is no object, and no generation was asked for.
     */
    public Optional<ObjectMetadata> touch(Key key, PutOptions options) throws ObjmapperException {
        Request request = Request.of(Operation.TOUCH, key, options.encode(key, false));
        return description(request, run(request));
    }

    /** As {@link #touch}, without waiting. */
    public CompletableFuture<Optional<ObjectMetadata>> touchAsync(Key key, PutOptions options) {
        Request request = Request.of(Operation.TOUCH, key, options.encode(key, false));
        return submit(request, reply -> description(request, reply), unused -> {});
    }

    /** Removes objects, or makes them expire, durably; returns how many. */
    public long purge(Purge purge) throws ObjmapperException {
        Request request = Request.of(Operation.PURGE, null, purge.encode());
        return count(request, run(request));
    }

    /** As {@link #purge}, without waiting. */
    public CompletableFuture<Long> purgeAsync(Purge purge) {
        Request request = Request.of(Operation.PURGE, null, purge.encode());
        return submit(request, reply -> count(request, reply), unused -> {});
    }

    /**
     * Every object whose key begins with a prefix's UTF-8 bytes, in the order of their keys' first 400 bytes. Each iterator begins anew and
     * fetches pages while it moves, on one thread; a page that can't be fetched makes it throw UncheckedIOException. An object that is there
     * all the while comes exactly once; expired ones don't.
     */
    public Iterable<ListedObject> list(String prefix) {
        return () -> new Iterator<>() {
            private Iterator<ListedObject> page = Collections.emptyIterator();
            private byte @Nullable [] cursor;
            private boolean last;

            @Override
            public boolean hasNext() {
                while (!page.hasNext() && !last) {
                    turn();
                }
                return page.hasNext();
            }

            @Override
            public ListedObject next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return page.next();
            }

            private void turn() {
                try {
                    ListPage next = listPage(prefix, cursor, Limits.DEFAULT_LIST);
                    page = next.objects().iterator();
                    cursor = next.cursor().orElse(null);
                    last = cursor == null;
                } catch (ObjmapperException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }

    /**
     * One page of a listing, as {@link #list} has it: {@code limit} is 1 to 10,000 objects; the cursor is that of the page before, of the same
     * prefix, null for the first.
     */
    public ListPage listPage(String prefix, byte @Nullable [] cursor, int limit) throws ObjmapperException {
        Request request = listing(prefix, cursor, limit);
        return page(request, run(request));
    }

    /** As {@link #listPage}, without waiting. */
    public CompletableFuture<ListPage> listPageAsync(String prefix, byte @Nullable [] cursor, int limit) {
        Request request = listing(prefix, cursor, limit);
        return submit(request, reply -> page(request, reply), unused -> {});
    }

    /** The server's figures by name, in the server's order; docs/metrics.md says what they are. */
    public Map<String, Long> stat() throws ObjmapperException {
        Request request = Request.of(Operation.STAT, null, new Entries());
        return figures(request, run(request));
    }

    /** As {@link #stat}, without waiting. */
    public CompletableFuture<Map<String, Long>> statAsync() {
        Request request = Request.of(Operation.STAT, null, new Entries());
        return submit(request, reply -> figures(request, reply), unused -> {});
    }

    /** Returns when the server has answered; throws where it does not. */
    public void ping() throws ObjmapperException {
        Request request = Request.of(Operation.PING, null, new Entries());
        Reply reply = run(request);
        reply.discard();
        requireOk(request, reply);
    }

    /** As {@link #ping}, without waiting. */
    public CompletableFuture<Void> pingAsync() {
        Request request = Request.of(Operation.PING, null, new Entries());
        CompletableFuture<Boolean> answered = submit(
                request,
                reply -> {
                    reply.discard();
                    requireOk(request, reply);
                    return true;
                },
                unused -> {});
        return answered.thenAccept(unused -> {});
    }

    /** How many objects it keeps now, of which it need not ask the server; 0 without {@link Builder#cache}. */
    public int cachedObjects() {
        return cache == null ? 0 : cache.size();
    }

    /** Ends all sessions and fails the calls that are in flight. Objects that were fetched stay usable. */
    @Override
    public void close() {
        pool.close();
        if (cache != null) {
            cache.clear();
        }
    }

    private static Request listing(String prefix, byte @Nullable [] cursor, int limit) {
        if (limit < 1 || limit > Limits.MAX_LIST) {
            throw new IllegalArgumentException("a page has 1 to " + Limits.MAX_LIST + " objects, not " + limit);
        }
        return Request.of(
                Operation.LIST,
                null,
                new Entries()
                        .bytes(MetadataType.PREFIX, prefix.getBytes(StandardCharsets.UTF_8))
                        .bytes(MetadataType.CURSOR, cursor)
                        .u32(MetadataType.LIMIT, limit));
    }

    private Reply run(Request request) throws ObjmapperException {
        return run(request, null);
    }

    /** Sends a request until it is answered, or must not be sent again, or the future that it is for is over. */
    private Reply run(Request request, @Nullable CompletableFuture<?> asked) throws ObjmapperException {
        long deadline = System.nanoTime() + settings.timeoutNanos();
        for (long pause = SessionPool.firstPause(); ; pause = SessionPool.longer(pause)) {
            Session session = pool.take(request, asked, deadline);
            Call call = session.register(request, Reader.mayRead(), settings.timeoutNanos());
            if (asked != null) {
                cancelWith(asked, session, call);
            }
            session.send(call);
            try {
                Reply reply = await(session, call);
                if (reply.status == Status.BAD_DESCRIPTOR && call.passedFrom.isPresent()) {
                    reply.discard();
                    continue; // the session knows now, and sends the bytes
                }
                if (!mayRepeat(request, reply) || System.nanoTime() + pause - deadline > 0) {
                    return reply;
                }
                reply.discard();
            } catch (ObjmapperException e) {
                pool.requireOpen();
                if (call.spoiled || !mayRepeat(request, e) || System.nanoTime() + pause - deadline > 0) {
                    throw e;
                }
            }
            SessionPool.pause(pause, request);
        }
    }

    /** A future that its owner ends, by cancelling it or otherwise, takes its call with it. */
    private static void cancelWith(CompletableFuture<?> asked, Session session, Call call) {
        asked.whenComplete((result, failure) -> {
            if (!call.reply.isDone() && call.fail(new CancellationException())) {
                session.abandon(call);
            }
        });
    }

    private static Reply await(Session session, Call call) throws ObjmapperException {
        try {
            session.await(call);
            return call.reply.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            ObjmapperException interrupted = new ObjmapperException(
                    null, call.request.key(), false, call.request.what() + ": interrupted while waiting", e);
            if (call.fail(interrupted)) {
                session.abandon(call);
            } else {
                call.reply.whenComplete((reply, failure) -> {
                    if (reply != null) {
                        reply.discard();
                    }
                });
            }
            throw interrupted;
        } catch (ExecutionException e) {
            throw asOurs(call.request, e.getCause() == null ? e : e.getCause());
        }
    }

    private static boolean mayRepeat(Request request, Reply reply) {
        return request.repeatable()
                && switch (reply.status) {
                    case BUSY, SHUTTING_DOWN, TOO_MANY_SESSIONS -> true;
                    default -> false;
                };
    }

    private static boolean mayRepeat(Request request, ObjmapperException failure) {
        boolean transientFailure = failure.status().map(Status::retryable).orElse(true);
        return request.repeatable() && transientFailure && (request.reads() || failure.hadNoEffect());
    }

    /** Turns an answer into what the caller asked for. */
    private interface Reading<T> {
        T read(Reply reply) throws ObjmapperException;
    }

    /** What to do with a result that came after its future was cancelled. */
    private interface Unwanted<T> {
        void drop(T result);
    }

    private <T> CompletableFuture<T> submit(Request request, Reading<T> reading, Unwanted<T> unwanted) {
        Answer<T> future = new Answer<>(settings.executor(), answered -> settle(request, answered, reading, unwanted));
        boolean sendsLong = request.body() != null
                && !(request.body() instanceof Body.Bytes bytes && bytes.view().remaining() <= Session.DATA_BYTES);
        try {
            Session session = sendsLong ? null : pool.takeNow(request);
            if (session == null) {
                settings.executor().execute(() -> runLater(request, future, reading, unwanted));
            } else {
                sendNow(session, request, future);
            }
        } catch (ObjmapperException e) {
            future.completeExceptionally(e);
        }
        return future;
    }

    private <T> void sendNow(Session session, Request request, Answer<T> future) {
        Call call = session.register(request, false, settings.timeoutNanos());
        cancelWith(future, session, call);
        future.answeredBy(session, call);
        session.send(call);
    }

    /** Completes a future whose call is over, or sends its request again. */
    private <T> void settle(Request request, Answer<T> future, Reading<T> reading, Unwanted<T> unwanted) {
        Reply reply = null;
        Throwable failure = null;
        try {
            reply = future.reply();
        } catch (CompletionException e) {
            failure = e.getCause();
        } catch (CancellationException e) {
            failure = e;
        }
        if (reply != null && mayRepeat(request, reply)) {
            reply.discard();
            settings.executor().execute(() -> runLater(request, future, reading, unwanted));
        } else if (reply != null) {
            finish(reply, future, reading, unwanted);
        } else if (failure != null && !future.isDone()) {
            ObjmapperException ours = asOurs(request, failure);
            if (mayRepeat(request, ours)) {
                settings.executor().execute(() -> runLater(request, future, reading, unwanted));
            } else {
                future.completeExceptionally(ours);
            }
        }
    }

    private <T> void runLater(Request request, CompletableFuture<T> future, Reading<T> reading, Unwanted<T> unwanted) {
        if (future.isDone()) {
            return;
        }
        try {
            finish(run(request, future), future, reading, unwanted);
        } catch (ObjmapperException | RuntimeException e) {
            future.completeExceptionally(e);
        }
    }

    private static <T> void finish(Reply reply, CompletableFuture<T> future, Reading<T> reading, Unwanted<T> unwanted) {
        try {
            T result = reading.read(reply);
            if (!future.complete(result)) {
                unwanted.drop(result);
            }
        } catch (ObjmapperException | RuntimeException e) {
            future.completeExceptionally(e);
        }
    }

    private static ObjmapperException asOurs(Request request, Throwable failure) {
        return failure instanceof ObjmapperException known
                ? known
                : new ObjmapperException(null, request.key(), false, request.what() + ": " + failure, failure);
    }

    private static void closeUnwanted(Optional<StoredObject> object) {
        object.ifPresent(there -> {
            try {
                there.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** What the client has of a key itself, and knows to be current; null where it has to ask. */
    private @Nullable StoredObject kept(Key key, GetOptions options) {
        return cache == null || !options.isPlain() || pool.isClosed() ? null : cache.get(key);
    }

    private Lookup found(Key key, boolean keeps, Reply reply) throws ObjmapperException {
        if (reply.status == Status.OK || reply.status == Status.NOT_MODIFIED) {
            try {
                StoredObject object = new StoredObject(key, reply, mappings);
                if (keeps && cache != null) {
                    cache.keep(key, object, reply);
                }
                return Lookup.hit(object);
            } catch (IOException e) {
                reply.discard();
                throw new ObjmapperException(null, key, true, "GET " + key + ": " + e.getMessage(), e);
            }
        }
        reply.discard();
        if (reply.status == Status.NOT_FOUND) {
            return Lookup.miss(reply);
        }
        throw refusal("GET " + key, key, reply);
    }

    private static Optional<ObjectMetadata> description(Request request, Reply reply) throws ObjmapperException {
        reply.discard();
        return switch (reply.status) {
            case OK, NOT_MODIFIED -> Optional.of(new ObjectMetadata(reply.objectLength, reply.metadata));
            case NOT_FOUND -> Optional.empty();
            default -> throw refusal(request.what(), request.key(), reply);
        };
    }

    private static ObjectMetadata changed(Request request, Reply reply) throws ObjmapperException {
        reply.discard();
        requireOk(request, reply);
        return new ObjectMetadata(reply.objectLength, reply.metadata);
    }

    private static boolean found(Request request, Reply reply) throws ObjmapperException {
        reply.discard();
        if (reply.status == Status.NOT_FOUND) {
            return false;
        }
        requireOk(request, reply);
        return true;
    }

    private static long count(Request request, Reply reply) throws ObjmapperException {
        reply.discard();
        requireOk(request, reply);
        return reply.u64(MetadataType.COUNT).orElse(0);
    }

    private static ListPage page(Request request, Reply reply) throws ObjmapperException {
        ByteBuffer body = body(request, reply);
        List<ListedObject> objects = new ArrayList<>();
        try {
            while (body.hasRemaining()) {
                ListEntry entry = ListEntry.read(body);
                objects.add(new ListedObject(
                        Key.of(entry.key()),
                        entry.generation(),
                        entry.length(),
                        entry.createdMillis(),
                        entry.expiryMillis()));
            }
        } catch (MalformedFrame e) {
            throw new ObjmapperException(null, null, true, request.what() + ": " + e.getMessage(), e);
        }
        MetadataReader entries = reply.reader();
        return new ListPage(objects, entries.find(MetadataType.CURSOR) ? entries.bytes() : null);
    }

    private static Map<String, Long> figures(Request request, Reply reply) throws ObjmapperException {
        Map<String, Long> figures = new LinkedHashMap<>();
        for (String line : StandardCharsets.UTF_8
                .decode(body(request, reply))
                .toString()
                .lines()
                .toList()) {
            int space = line.lastIndexOf(' ');
            try {
                figures.put(line.substring(0, Math.max(0, space)), Long.parseLong(line.substring(space + 1)));
            } catch (NumberFormatException e) {
                throw new ObjmapperException(null, null, true, request.what() + ": no figure in '" + line + "'", e);
            }
        }
        return figures;
    }

    /** The body of an answer that is not an object's; a longer one than 4 MiB came by way of a file. */
    private static ByteBuffer body(Request request, Reply reply) throws ObjmapperException {
        try {
            requireOk(request, reply);
            ByteBuffer there = reply.body.inMemory();
            if (there == null) {
                there = ByteBuffer.allocate((int) reply.body.length());
                while (there.hasRemaining() && reply.body.file().read(there, there.position()) >= 0) {
                    continue;
                }
                there.flip();
            }
            return there.order(ByteOrder.LITTLE_ENDIAN);
        } catch (ObjmapperException e) {
            throw e;
        } catch (IOException e) {
            throw new ObjmapperException(null, null, true, request.what() + ": " + e.getMessage(), e);
        } finally {
            reply.discard();
        }
    }

    private static void requireOk(Request request, Reply reply) throws ObjmapperException {
        if (reply.status != Status.OK) {
            throw refusal(request.what(), request.key(), reply);
        }
    }

    private static ObjmapperException refusal(String what, @Nullable Key key, Reply reply) {
        boolean noEffect = reply.status != Status.IO_ERROR && reply.status != Status.INTERNAL;
        return new ObjmapperException(
                reply.status, key, noEffect, what + ": " + reply.status + ", " + reply.message(), null);
    }

    static void checkMode(Mode mode) {
        if (mode == Mode.INLINE) {
            throw new IllegalArgumentException("INLINE is for replies only: ask for FDPASS, COPY, SPLICE or AUTO");
        }
    }

    /** Sets up a client. Every setting has a default. Not thread-safe. */
    public static final class Builder {
        private final Path socket;
        private Mode mode = Mode.AUTO;
        private int poolSize = 2;
        private int maxRequests = Limits.MAX_REQUESTS_DEFAULT;
        private int inlineLimitBytes = Limits.INLINE_LIMIT_DEFAULT;
        private boolean sharedDescriptors;
        private long connectTimeoutMillis = 2_000;
        private long timeoutMillis = 30_000;
        private long maxMappedBytes = 1L << 30;
        private @Nullable CacheBounds cache;
        private String name = "java";
        private Executor executor = Completions.POOL;

        private Builder(Path socket) {
            this.socket = socket;
        }

        /**
         * How bodies of more than {@link #inlineLimitBytes} shall travel unless a call says otherwise. FDPASS: as a descriptor of the server's own
         * file, with no copy made; COPY: through the socket, by way of the server's memory; SPLICE: through the socket, inside the kernel; AUTO, the
         * default: as the server chooses, FDPASS as a rule. INLINE is for replies alone: IllegalArgumentException.
         */
        public Builder mode(Mode value) {
            checkMode(value);
            mode = value;
            return this;
        }

        /** The most sessions, each with a socket and a thread: 1 to 256, by default 2. They open when they are needed. */
        public Builder poolSize(int value) {
            poolSize = (int) within("poolSize", value, 1, 256);
            return this;
        }

        /** The most requests in flight on each session: 1 to 4,096, by default 64; the server may grant less. */
        public Builder maxRequests(int value) {
            maxRequests = (int) within("maxRequests", value, 1, Limits.MAX_REQUESTS_HIGHEST);
            return this;
        }

        /** Bodies up to so many bytes come in the reply itself: 0 to 65,536, by default 4,096; the server may grant less. */
        public Builder inlineLimitBytes(int value) {
            inlineLimitBytes = (int) within("inlineLimitBytes", value, 0, Limits.INLINE_LIMIT_HIGHEST);
            return this;
        }

        /**
         * Whether a descriptor may be one that other sessions of this process's user have too, by default false. It spares the server opening
         * one for each reply. All methods of {@link StoredObject} work as ever, but its {@link StoredObject#channel channel} then shares its
         * position with others: read it at positions, or by mappings, never by {@link FileChannel#read(ByteBuffer)}.
         */
        public Builder sharedDescriptors(boolean value) {
            sharedDescriptors = value;
            return this;
        }

        /** How long a call goes on trying to connect, pauses included: 1 ms to 10 min, by default 2 s. */
        public Builder connectTimeoutMillis(long value) {
            connectTimeoutMillis = within("connectTimeoutMillis", value, 1, 600_000);
            return this;
        }

        /** How long a call may go without any progress: 1 ms to 24 h, by default 30 s. */
        public Builder timeoutMillis(long value) {
            timeoutMillis = within("timeoutMillis", value, 1, 86_400_000);
            return this;
        }

        /** The most bytes that the client's objects may have mapped at one time: 0 and up, by default 1 GiB. */
        public Builder maxMappedBytes(long value) {
            maxMappedBytes = within("maxMappedBytes", value, 0, Long.MAX_VALUE / 2);
            return this;
        }

        /**
         * Keeps objects, and gives them again without asking the server as long as a table that it shares says that they are current: what was
         * overwritten, deleted or purged by then, or has expired, is never given. By default nothing is kept, nor where the server shares no such
         * table. It is for {@link ObjmapperClient#get}, {@link ObjmapperClient#lookup} and their like with plain options, graceAcceptedMillis aside; all others ask. Each object that was
         * given is closed on its own, and shares its descriptor with the others of its key: read its {@link StoredObject#channel channel} at positions,
         * or by mappings. What is kept counts among the process's descriptors.
         *
         * @param objects 1 to 1,000,000
         * @param bytes of bodies and metadata, in memory or in files: 1 and up
         * @param idleMillis how long one is kept that nobody asks for: 1 ms to 24 h
         */
        public Builder cache(int objects, long bytes, long idleMillis) {
            cache = new CacheBounds(
                    (int) within("cache objects", objects, 1, 1_000_000),
                    within("cache bytes", bytes, 1, Long.MAX_VALUE / 2),
                    within("cache idleMillis", idleMillis, 1, 86_400_000));
            return this;
        }

        /** What the server calls this client in its log: 1 to 64 bytes, by default {@code java}. */
        public Builder name(String value) {
            within("the length of name", value.getBytes(StandardCharsets.UTF_8).length, 1, 64);
            name = value;
            return this;
        }

        /**
         * Where what hangs on futures runs and long bodies are sent, by default a pool that all clients share, with as many threads as there are
         * processors. What hangs on a future may block, but then others may wait for it. The caller shuts down what is given here, after the
         * client.
         */
        public Builder executor(Executor value) {
            executor = value;
            return this;
        }

        /** Makes the client; it connects with its first call. */
        public ObjmapperClient build() {
            return new ObjmapperClient(new ClientSettings(
                    socket,
                    mode,
                    poolSize,
                    maxRequests,
                    inlineLimitBytes,
                    sharedDescriptors,
                    connectTimeoutMillis,
                    timeoutMillis,
                    maxMappedBytes,
                    cache,
                    name,
                    executor));
        }

        private static long within(String setting, long value, long lowest, long highest) {
            if (value < lowest || value > highest) {
                throw new IllegalArgumentException(
                        setting + " is " + value + "; it takes " + lowest + " to " + highest);
            }
            return value;
        }
    }
}
