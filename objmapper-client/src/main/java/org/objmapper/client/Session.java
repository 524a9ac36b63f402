package org.objmapper.client;

import java.io.EOFException;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXSocket;
import org.objmapper.protocol.Features;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/**
 * One connection: any thread sends, one at a time receives (see {@link Reader}). It stands on the socket's streams because those of a channel close
 * it, and with it everyone else's requests, when a thread that writes is interrupted.
 */
final class Session {
    /** A longer body goes out in frames of this size. */
    static final int DATA_BYTES = 128 << 10;

    /** How long who reads may not notice that it need not any more. */
    private static final int RECEIVE_MILLIS = 50;

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final ClientSettings settings;
    private final Connection connection;
    private final Inbox inbox;
    private final Outbox outbox;
    private final ConcurrentHashMap<Integer, Call> inFlight = new ConcurrentHashMap<>();
    private final AtomicInteger lastId = new AtomicInteger();
    private final Reader reader = new Reader(this);
    /** Devices whose files the server does not take as descriptors. */
    private final Set<Long> refusedDevices = ConcurrentHashMap.newKeySet();

    private Semaphore places = new Semaphore(0);
    /** By which the client knows whether what it keeps is current; null where the server shares none. */
    private @Nullable ValidityTable table;

    private boolean takesHits;

    /** Whether the server takes descriptors: one while another waits for its frame. */
    private boolean passes;

    /** Set when the session takes no more requests: by its end, or by the server's GOODBYE. */
    private volatile boolean closing;
    /** Set when the server said GOODBYE to an idle session: what was not answered then was never begun. */
    private volatile boolean saidIdle;

    private volatile @Nullable ObjmapperException end;

    /** Greets the server over a connected socket whose room for descriptors is set, and begins to receive. Closes the socket on failure. */
    static Session greet(
            AFUNIXSocket socket, ClientSettings settings, int messageDescriptors, @Nullable ObjectCache cache)
            throws ObjmapperException {
        Session session = null;
        try {
            session = new Session(socket, settings);
            session.hello(messageDescriptors, cache);
            session.reader.start();
            return session;
        } catch (IOException | MalformedFrame | RuntimeException e) {
            if (session == null) {
                Connection.close(socket);
            } else {
                session.close(session.failure(e));
            }
            throw e instanceof ObjmapperException known ? known : noGreeting(settings, e);
        }
    }

    private static ObjmapperException noGreeting(ClientSettings settings, Exception cause) {
        String why = cause instanceof SocketTimeoutException
                ? " within " + settings.connectTimeoutMillis() + " ms; the server is stopped, or overloaded"
                : ": " + cause.getMessage();
        return new ObjmapperException(null, null, true, "no greeting from " + settings.socket() + why, cause);
    }

    private Session(AFUNIXSocket socket, ClientSettings settings) throws IOException {
        this.settings = settings;
        this.connection = new Connection(socket);
        this.inbox = new Inbox(connection);
        this.outbox = new Outbox(connection.sending);
    }

    private void hello(int messageDescriptors, @Nullable ObjectCache cache) throws IOException, MalformedFrame {
        Entries terms = new Entries().u32(MetadataType.MODE, settings.mode().code());
        terms.versions();
        terms.u64(MetadataType.FEATURES, Features.ALL | (cache == null ? 0 : Features.VALIDITY | Features.HITS))
                .u32(MetadataType.MAX_REQUESTS, settings.maxRequests())
                .u32(MetadataType.MAX_MESSAGE_DESCRIPTORS, messageDescriptors)
                .u32(MetadataType.MAX_QUEUED_DESCRIPTORS, Inbox.MAX_MESSAGE_DESCRIPTORS)
                .u32(MetadataType.MAX_FRAME, Inbox.MAX_FRAME)
                .u32(MetadataType.INLINE_LIMIT, settings.inlineLimitBytes())
                .u32(MetadataType.SHARED_ACCEPTED, settings.sharedDescriptors() ? 1 : 0)
                .text(MetadataType.PEER_NAME, settings.name());
        outbox.add(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC, terms.encoded(), NOTHING);
        connection.receiving.setSoTimeout((int) Math.min(Integer.MAX_VALUE, settings.connectTimeoutMillis()));
        if (!inbox.next()) {
            throw new EOFException("the server closed the connection");
        }
        Frame frame = inbox.frame();
        MetadataReader metadata = inbox.metadata();
        if (frame.operation() == Operation.ERROR || frame.status() != Status.OK.code()) {
            Status status = Status.of(frame.status());
            throw new ObjmapperException(
                    status, null, true, "the server at " + settings.socket() + " refused: " + message(status), null);
        }
        if (frame.operation() != Operation.HELLO || frame.objectLength() != Limits.MAGIC) {
            throw new MalformedFrame("7.1", "no objmapper server answers there");
        }
        places = new Semaphore(metadata.find(MetadataType.MAX_REQUESTS) ? Math.max(1, metadata.u32()) : 1);
        passes = metadata.find(MetadataType.MAX_MESSAGE_DESCRIPTORS)
                && metadata.u32() >= 1
                && metadata.find(MetadataType.MAX_QUEUED_DESCRIPTORS)
                && metadata.u32() >= 2;
        takesHits = metadata.find(MetadataType.FEATURES) && (metadata.u64() & Features.HITS) != 0;
        connection.receiving.setSoTimeout(RECEIVE_MILLIS);
        if (cache != null && frame.descriptors() == 1) {
            try (FileInputStream file = inbox.claim()) {
                table = cache.adopt(file.getChannel());
            }
        }
    }

    boolean takesRequests() {
        return !closing;
    }

    /** Tells the server what was given without asking it; false where it does not want to know, or has too much to do. */
    boolean tellHits(ByteBuffer counts) {
        if (!takesHits || !tryTakePlace()) {
            return false;
        }
        sendUnattended(Request.of(Operation.HITS, null, new Entries()), counts);
        return true;
    }

    /** Sends what nobody waits for the answer of; it has to come all the same. */
    private void sendUnattended(Request request, ByteBuffer body) {
        Call call = register(request, false, settings.timeoutNanos());
        call.abandoned = true;
        try {
            outbox.add(request.operation(), 0, call.id, Status.OK, 0, request.metadata(), body);
            reader.handOver();
        } catch (IOException e) {
            close(failure(e));
        }
    }

    /** Takes a place in flight if one is free, for one {@link #send}. */
    boolean tryTakePlace() {
        return !closing && places.tryAcquire();
    }

    /** It is in flight no longer; false where that was so. */
    private boolean forget(Call call) {
        boolean there = inFlight.remove(call.id, call);
        if (there && !call.awaited) {
            reader.unattended(-1);
        }
        return there;
    }

    /** Waits until a call is over that was registered as one that is awaited; returns at once from another. */
    void await(Call call) throws InterruptedException {
        if (call.awaited) {
            reader.await(call);
        }
    }

    /** Waits until the call of a future is over, or something else must be seen to, and reads meanwhile if nobody else does. */
    void takePart(Call call) {
        flush();
        reader.takePart(call);
    }

    /** Lets nobody rely on threads that wait. */
    void readYourself() {
        flush();
        reader.readYourself();
    }

    /** Sends what was left for later. */
    void flush() {
        try {
            outbox.flush();
        } catch (IOException e) {
            close(failure(e));
        }
    }

    /** A thread that waits while nobody reads; null where there is none. */
    @Nullable
    Thread nextWaiter() {
        for (Call call : inFlight.values()) {
            if (call.waiter != null && !call.reply.isDone()) {
                return call.waiter;
            }
        }
        return null;
    }

    /** Sends a call, for which a place was taken; one that is over already is not sent. What goes wrong is told by the call. */
    void send(Call call) {
        Request request = call.request;
        try {
            if (call.reply.isDone()) {
                answered(call); // nothing was sent, so nothing will be answered
            } else if (request.body() == null && call.answer != null && reader.leavesReading()) {
                outbox.addLater(request.operation(), call.id, request.metadata());
                sent(call);
            } else if (request.body() == null) {
                outbox.add(request.operation(), 0, call.id, Status.OK, 0, request.metadata(), NOTHING);
                sent(call);
            } else {
                sendBody(call, request.body());
            }
        } catch (IOException e) {
            close(failure(e));
        } finally {
            if (request.body() != null) {
                release(call);
            }
        }
    }

    /** The request is on its way; whoever gave it up before left its CANCEL to be sent now. */
    private void sent(Call call) {
        call.sent = true;
        if (!call.awaited) {
            reader.handOver();
        }
        cancelIfAbandoned(call);
    }

    /** Gives a request its id; where it is awaited, one thread calls {@link #await} when it is sent. */
    Call register(Request request, boolean awaited, long timeoutNanos) {
        Call call;
        do {
            call = new Call(request, lastId.incrementAndGet(), awaited, timeoutNanos);
        } while (call.id == 0 || inFlight.putIfAbsent(call.id, call) != null);
        if (!awaited) {
            reader.unattended(1);
        }
        ObjmapperException over = end;
        if (over != null && forget(call)) {
            call.fail(over.about(request.key(), request.what()));
        }
        return call;
    }

    /** Sends a PUT: in one frame where the body is there and short, else in DATA frames. */
    private void sendBody(Call call, Body body) throws IOException {
        if (body instanceof Body.Bytes bytes && bytes.view().remaining() <= DATA_BYTES) {
            ByteBuffer view = bytes.view();
            outbox.add(Operation.PUT, 0, call.id, Status.OK, view.remaining(), call.request.metadata(), view);
            sent(call);
        } else if (!(body instanceof Body.PathBody file && pass(call, file))) {
            stream(call, body);
        }
    }

    /** Sends a file's descriptor; false where the server doesn't take it, or it is better read. */
    private boolean pass(Call call, Body.PathBody file) throws IOException {
        OptionalLong device = passes ? file.deviceToPassFrom() : OptionalLong.empty();
        if (device.isEmpty() || refusedDevices.contains(device.getAsLong())) {
            return false;
        }
        call.passedFrom = device;
        try (Body.PassedFile opened = file.openToPass()) {
            if (opened == null) {
                return false;
            }
            outbox.pass(opened.descriptor, call.id, opened.length, call.request.metadata());
        }
        sent(call);
        return true;
    }

    private void stream(Call call, Body body) throws IOException {
        boolean begun = false;
        boolean whole = false;
        try (Body.Source source = open(call, body)) {
            if (source == null) {
                return;
            }
            outbox.add(Operation.PUT, Frame.MORE, call.id, Status.OK, source.length, call.request.metadata(), NOTHING);
            begun = true;
            sent(call);
            whole = sendChunks(call, source);
        } finally {
            if (begun) {
                Status status = whole ? Status.OK : Status.CANCELLED;
                outbox.add(Operation.END, 0, call.id, status, 0, NOTHING, NOTHING);
            }
        }
    }

    /** False where the body can't be had whole, or nobody wants it any more. */
    private boolean sendChunks(Call call, Body.Source source) throws IOException {
        byte[] chunk = new byte[DATA_BYTES];
        long sent = 0;
        for (int count = readChunk(call, source, chunk); count >= 0; count = readChunk(call, source, chunk)) {
            if (call.reply.isDone()) {
                return false;
            }
            outbox.add(Operation.DATA, 0, call.id, Status.OK, 0, NOTHING, ByteBuffer.wrap(chunk, 0, count));
            sent += count;
            call.progressed();
        }
        if (source.length != Limits.UNKNOWN && sent != source.length) {
            spoil(call, new IOException("the body has " + sent + " bytes instead of " + source.length));
        }
        return !call.reply.isDone();
    }

    private Body.@Nullable Source open(Call call, Body body) {
        try {
            return body.open();
        } catch (IOException e) {
            spoil(call, e);
            answered(call); // nothing was sent, so nothing will be answered
            return null;
        }
    }

    private static int readChunk(Call call, Body.Source source, byte[] chunk) {
        try {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("the thread was interrupted");
            }
            return source.read(chunk, chunk.length);
        } catch (IOException | RuntimeException e) {
            spoil(call, e);
            return -1;
        }
    }

    /** The caller's source failed: the request is cancelled, the session goes on. */
    private static void spoil(Call call, Exception cause) {
        call.abandoned = true;
        call.spoiled = true;
        call.fail(new ObjmapperException(
                null,
                call.request.key(),
                true,
                call.request.what() + ": can't read the body: " + cause.getMessage() + "; the old object stays",
                cause));
    }

    /** Lets go of a call that nobody waits for any more; what its answer brings is closed. */
    void abandon(Call call) {
        call.abandoned = true;
        cancelIfAbandoned(call);
    }

    private void cancelIfAbandoned(Call call) {
        if (!call.cancel() || !inFlight.containsKey(call.id) || closing) {
            return;
        }
        Entries target = new Entries().u32(MetadataType.TARGET, call.id);
        sendUnattended(Request.of(Operation.CANCEL, null, target), NOTHING);
    }

    /** Ends the calls that made no progress in their time, and the session when it doesn't even answer what nobody waits for. */
    void expire(long nowNanos) {
        reader.watch();
        for (Call call : inFlight.values()) {
            if (!call.isLate(nowNanos)) {
                continue;
            }
            ObjmapperException late = new ObjmapperException(
                    Status.TIMEOUT,
                    call.request.key(),
                    false,
                    call.request.what() + ": no answer from " + settings.socket() + " within "
                            + settings.timeoutMillis() + " ms",
                    null);
            if (call.abandoned) {
                close(late);
                return;
            }
            call.progressed();
            call.fail(late);
            settings.executor().execute(() -> abandon(call));
        }
    }

    /** Takes in what has come, or comes within a short while. For one thread at a time, until the session is over. */
    void receive() {
        try {
            if (!inbox.next()) {
                close(failure(new EOFException("the server closed the connection")));
                return;
            }
            reader.received();
            do {
                dispatch(inbox.frame());
            } while (end == null && inbox.holdsFrame() && inbox.next());
        } catch (SocketTimeoutException e) {
            return; // nothing yet
        } catch (IOException | MalformedFrame | RuntimeException e) {
            close(failure(e));
        }
    }

    boolean isOver() {
        return end != null;
    }

    /** Closes the descriptors that no call has claimed; comes when nobody reads any more. */
    void dropDescriptors() {
        inbox.close();
    }

    private void dispatch(Frame frame) throws IOException, MalformedFrame {
        Status status = Status.of(frame.status());
        switch (frame.operation()) {
            case Operation.ERROR -> {
                endWithError(frame.requestId(), status);
                return;
            }
            case Operation.GOODBYE -> {
                saidIdle = status == Status.TIMEOUT;
                closing = true;
                closeIfDone();
                return;
            }
            default -> {}
        }
        Call call = inFlight.get(frame.requestId());
        if (call == null) {
            throw new MalformedFrame("4.7", "a reply to request " + frame.requestId() + ", which is not in flight");
        }
        call.progressed();
        switch (frame.operation()) {
            case Operation.DATA -> appendBody(call, begun(call));
            case Operation.END -> ended(call, status);
            default -> replied(call, frame, status);
        }
    }

    private void replied(Call call, Frame frame, Status status) throws IOException, MalformedFrame {
        if (frame.operation() != call.request.operation() || call.begun != null || frame.descriptors() > 1) {
            throw new MalformedFrame("4.7", Operation.nameOf(frame.operation()) + " answers " + call.request.what());
        }
        FileInputStream descriptor = frame.descriptors() == 0 ? null : inbox.claim();
        if (status == Status.BAD_DESCRIPTOR && call.passedFrom.isPresent()) {
            refusedDevices.add(call.passedFrom.getAsLong());
        }
        Reply reply = new Reply(
                status,
                frame.objectLength(),
                inbox.metadataBytes(),
                descriptor,
                new CopiedBody(),
                table,
                call.askedNanos);
        if (frame.hasMore()) {
            call.begun = reply;
            call.expectedBytes = expectedBytes(frame.objectLength());
            reply.body.expect(call.expectedBytes);
            appendBody(call, reply);
        } else {
            appendBody(call, reply);
            complete(call, reply);
        }
    }

    /** The bytes that the body of the reply that stands here must have; −1 where it doesn't say. */
    private long expectedBytes(long objectLength) {
        MetadataReader metadata = inbox.metadata();
        return metadata.find(MetadataType.RANGE) ? metadata.secondU64() : objectLength;
    }

    private void ended(Call call, Status status) throws MalformedFrame {
        Reply reply = begun(call).ended(status);
        call.begun = null;
        long expected = call.expectedBytes;
        if (status == Status.OK && !call.abandoned && expected >= 0 && expected != reply.body.length()) {
            reply.discard();
            throw new MalformedFrame("4.4", "a body of " + reply.body.length() + " bytes instead of " + expected);
        }
        complete(call, reply);
    }

    private static Reply begun(Call call) throws MalformedFrame {
        Reply reply = call.begun;
        if (reply == null) {
            throw new MalformedFrame("4.4", "a body without a reply for " + call.request.what());
        }
        return reply;
    }

    private void appendBody(Call call, Reply reply) throws IOException {
        if (inbox.frame().bodyLength() > 0 && !call.abandoned) {
            reply.body.append(inbox.body());
        }
    }

    private void complete(Call call, Reply reply) {
        answered(call);
        if (!call.complete(reply)) {
            reply.discard();
        } else if (call.answer != null && call.waiter == null) { // a thread that waits for a future settles it
            reader.answered(call.answer);
        }
        closeIfDone();
    }

    private void answered(Call call) {
        if (forget(call)) {
            release(call);
        }
    }

    private void release(Call call) {
        if (call.release()) {
            places.release();
        }
    }

    private void closeIfDone() {
        if (closing && inFlight.isEmpty()) {
            close(new ObjmapperException(Status.SHUTTING_DOWN, null, true, "the server ended the session", null));
        }
    }

    private void endWithError(int requestId, Status status) {
        String message = "the server ended the session: " + message(status);
        Call guilty = requestId == 0 ? null : inFlight.get(requestId);
        if (guilty != null && forget(guilty)) {
            guilty.fail(new ObjmapperException(
                    status, guilty.request.key(), false, guilty.request.what() + ": " + message, null));
        }
        close(new ObjmapperException(status, null, false, message, null));
    }

    private String message(Status status) {
        MetadataReader metadata = inbox.metadata();
        return metadata.find(MetadataType.MESSAGE) ? metadata.text() : status.sentence();
    }

    private ObjmapperException failure(Exception cause) {
        if (cause instanceof Inbox.DescriptorsLost) {
            return lost(null, "the session with " + settings.socket(), cause);
        }
        String why = cause instanceof MalformedFrame broken
                ? "the server broke clause " + broken.clause() + " of the protocol: " + broken.getMessage()
                : "the connection to " + settings.socket() + " broke: " + cause.getMessage();
        return new ObjmapperException(null, null, false, why, cause);
    }

    private static ObjmapperException lost(@Nullable Key key, String what, Exception cause) {
        return new ObjmapperException(
                Status.DESCRIPTORS_LOST,
                key,
                false,
                what + ": " + cause.getMessage()
                        + "; this process is at its descriptor limit: close objects, or raise it (ulimit -n)",
                cause);
    }

    /** Whether it ended because descriptors did not fit into this process. */
    boolean lostDescriptors() {
        ObjmapperException why = end;
        return why != null
                && why.status().filter(Status.DESCRIPTORS_LOST::equals).isPresent();
    }

    /** Ends the session and every call on it. Safe to call more than once, from any thread. */
    void close(ObjmapperException why) {
        Collection<Call> left;
        synchronized (this) {
            closing = true;
            if (end != null) {
                return;
            }
            end = saidIdle
                    ? new ObjmapperException(Status.SHUTTING_DOWN, null, true, "the server ended the idle session", why)
                    : why;
            left = inFlight.values();
        }
        outbox.fail(why);
        connection.end();
        for (Call call : left) {
            if (forget(call)) {
                call.fail(cause().about(call.request.key(), call.request.what()));
                Reply begun = call.begun;
                if (begun != null) {
                    begun.discard();
                }
            }
        }
        reader.handOver();
    }

    private ObjmapperException cause() {
        ObjmapperException known = end;
        return known == null ? new ObjmapperException(null, null, false, "the session ended", null) : known;
    }

    /** Waits until nobody reads it any more, and every descriptor that no call had claimed is closed. */
    void join() throws InterruptedException {
        reader.join();
    }
}
