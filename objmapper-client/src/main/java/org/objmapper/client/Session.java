package org.objmapper.client;

import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.FileDescriptorCast;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: any thread sends, one thread of its own receives. It stands on the socket's streams because those of a channel close
 * it, and with it everyone else's requests, when a thread that writes is interrupted.
 */
final class Session {
    /** What junixsocket receives in one message at most, whatever room it is given. */
    static final int MAX_MESSAGE_DESCRIPTORS = 60;
    /** Small enough to leave room for other requests' frames in between. */
    static final int MAX_FRAME = Limits.MAX_FRAME_LOWEST;

    private static final int CONTROL_BYTES = 1_024;
    /** A longer body goes out in frames of this size. */
    static final int DATA_BYTES = 128 << 10;

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    private final ClientSettings settings;
    private final AFUNIXSocket socket;
    private final InputStream in;
    private final Outbox outbox;
    private final ConcurrentHashMap<Integer, Call> inFlight = new ConcurrentHashMap<>();
    private final AtomicInteger lastId = new AtomicInteger();
    private final Thread reader;
    private Semaphore places = new Semaphore(0);

    private final ByteBuffer received = ByteBuffer.allocate(MAX_FRAME).order(ByteOrder.LITTLE_ENDIAN);
    private final Frame frame = new Frame();
    private final MetadataReader metadata = new MetadataReader();
    private final Queue<FileDescriptor> descriptors = new ArrayDeque<>();

    /** Set when the session takes no more requests: by its end, or by the server's GOODBYE. */
    private volatile boolean closing;
    /** Set when the server said GOODBYE to an idle session: what was not answered then was never begun. */
    private volatile boolean saidIdle;

    private volatile @Nullable ObjmapperException end;

    /** Greets the server over a connected socket whose room for descriptors is set, and begins to receive. Closes the socket on failure. */
    static Session greet(AFUNIXSocket socket, ClientSettings settings) throws ObjmapperException {
        Session session = null;
        try {
            session = new Session(socket, settings);
            session.hello();
            session.reader.start();
            return session;
        } catch (IOException | MalformedFrame | RuntimeException e) {
            if (session == null) {
                closeQuietly(socket);
            } else {
                session.close(session.failure(e));
            }
            throw e instanceof ObjmapperException known
                    ? known
                    : new ObjmapperException(
                            null, null, true, "no greeting from " + settings.socket() + ": " + e.getMessage(), e);
        }
    }

    private Session(AFUNIXSocket socket, ClientSettings settings) throws IOException {
        this.settings = settings;
        this.socket = socket;
        this.in = socket.getInputStream();
        this.outbox = new Outbox(socket.getOutputStream());
        this.reader = new Thread(this::receiveAll, "objmapper-session");
        reader.setDaemon(true);
        received.limit(0);
    }

    /** The room that a message's descriptors need; set before the first read, or they vanish without a word. */
    static void prepare(AFUNIXSocket socket) {
        socket.ensureAncillaryReceiveBufferSize(CONTROL_BYTES);
    }

    private void hello() throws IOException, MalformedFrame {
        Entries terms = new Entries().u32(MetadataType.MODE, settings.mode().code());
        terms.versions();
        terms.u32(MetadataType.MAX_REQUESTS, settings.maxRequests())
                .u32(MetadataType.MAX_MESSAGE_DESCRIPTORS, MAX_MESSAGE_DESCRIPTORS)
                .u32(MetadataType.MAX_QUEUED_DESCRIPTORS, MAX_MESSAGE_DESCRIPTORS)
                .u32(MetadataType.MAX_FRAME, MAX_FRAME)
                .u32(MetadataType.INLINE_LIMIT, settings.inlineLimitBytes())
                .text(MetadataType.PEER_NAME, settings.name());
        outbox.add(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC, terms.encoded(), NOTHING);
        socket.setSoTimeout((int) Math.min(Integer.MAX_VALUE, settings.connectTimeoutMillis()));
        if (!receiveFrame()) {
            throw new EOFException("the server closed the connection");
        }
        if (frame.operation() == Operation.ERROR || frame.status() != Status.OK.code()) {
            Status status = Status.of(frame.status());
            throw new ObjmapperException(
                    status, null, true, "the server at " + settings.socket() + " refused: " + message(status), null);
        }
        if (frame.operation() != Operation.HELLO || frame.objectLength() != Limits.MAGIC) {
            throw new MalformedFrame("7.1", "no objmapper server answers there");
        }
        places = new Semaphore(metadata.find(MetadataType.MAX_REQUESTS) ? Math.max(1, metadata.u32()) : 1);
        received.position(received.position() + frame.length());
        socket.setSoTimeout(0);
    }

    boolean takesRequests() {
        return !closing;
    }

    /** Takes a place in flight if one is free; {@link #start} uses it. */
    boolean tryTakePlace() {
        return !closing && places.tryAcquire();
    }

    /** Sends a request, for which a place was taken. What goes wrong is told by the call. */
    Call start(Request request, long timeoutNanos) {
        Call call = register(request, timeoutNanos);
        try {
            if (request.body() == null) {
                outbox.add(request.operation(), 0, call.id, Status.OK, 0, request.metadata(), NOTHING);
            } else {
                sendBody(call, request.body());
            }
        } catch (IOException e) {
            close(failure(e));
        }
        return call;
    }

    private Call register(Request request, long timeoutNanos) {
        Call call;
        do {
            call = new Call(request, lastId.incrementAndGet(), timeoutNanos);
        } while (call.id == 0 || inFlight.putIfAbsent(call.id, call) != null);
        ObjmapperException over = end;
        if (over != null && inFlight.remove(call.id, call)) {
            call.reply.completeExceptionally(over.about(request.key(), request.what()));
        }
        return call;
    }

    /** Sends a PUT: in one frame where the body is there and short, else in DATA frames. */
    private void sendBody(Call call, Body body) throws IOException {
        Request request = call.request;
        try {
            if (body instanceof Body.Bytes bytes && bytes.view().remaining() <= DATA_BYTES) {
                ByteBuffer view = bytes.view();
                outbox.add(Operation.PUT, 0, call.id, Status.OK, view.remaining(), request.metadata(), view);
            } else {
                stream(call, body);
            }
        } finally {
            release(call);
        }
    }

    private void stream(Call call, Body body) throws IOException {
        boolean begun = false;
        try (Body.Source source = open(call, body)) {
            if (source == null) {
                return;
            }
            outbox.add(Operation.PUT, Frame.MORE, call.id, Status.OK, source.length, call.request.metadata(), NOTHING);
            begun = true;
            byte[] chunk = new byte[DATA_BYTES];
            long sent = 0;
            while (!call.reply.isDone()) {
                int count = readChunk(call, source, chunk);
                if (count < 0) {
                    break;
                }
                outbox.add(Operation.DATA, 0, call.id, Status.OK, 0, NOTHING, ByteBuffer.wrap(chunk, 0, count));
                sent += count;
                call.progressed();
            }
            if (!call.reply.isDone() && source.length != Limits.UNKNOWN && sent != source.length) {
                spoil(call, new IOException("the body has " + sent + " bytes instead of " + source.length));
            }
        } finally {
            if (begun) {
                Status status = call.reply.isDone() ? Status.CANCELLED : Status.OK;
                outbox.add(Operation.END, 0, call.id, status, 0, NOTHING, NOTHING);
            }
        }
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
            return source.read(chunk, chunk.length);
        } catch (IOException e) {
            spoil(call, e);
            return -1;
        }
    }

    /** The caller's source failed: the request is cancelled, the session goes on. */
    private static void spoil(Call call, IOException cause) {
        call.abandoned = true;
        call.reply.completeExceptionally(new ObjmapperException(
                null,
                call.request.key(),
                true,
                call.request.what() + ": can't read the body: " + cause.getMessage() + "; the old object stays",
                cause));
    }

    /** Lets go of a call that nobody waits for any more; what its answer brings is closed. */
    void abandon(Call call) {
        call.abandoned = true;
        if (!inFlight.containsKey(call.id) || closing) {
            return;
        }
        Entries target = new Entries().u32(MetadataType.TARGET, call.id);
        if (tryTakePlace()) {
            Call cancel = register(Request.of(Operation.CANCEL, null, target), settings.timeoutNanos());
            cancel.abandoned = true;
            try {
                outbox.add(Operation.CANCEL, 0, cancel.id, Status.OK, 0, cancel.request.metadata(), NOTHING);
            } catch (IOException e) {
                close(failure(e));
            }
        }
    }

    /** Ends the calls that made no progress in their time, and the session when it doesn't even answer what nobody waits for. */
    void expire(long nowNanos) {
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
            call.reply.completeExceptionally(late);
            settings.executor().execute(() -> abandon(call));
        }
    }

    private void receiveAll() {
        try {
            while (receiveFrame()) {
                dispatch();
                received.position(received.position() + frame.length());
            }
            close(failure(new EOFException("the server closed the connection")));
        } catch (IOException | MalformedFrame | RuntimeException e) {
            close(failure(e));
        } finally {
            closeAll(descriptors);
        }
    }

    /** Waits for one whole frame, which then stands at the position; false at the end of the connection between two frames. */
    private boolean receiveFrame() throws IOException, MalformedFrame {
        if (!receive(Limits.HEADER)) {
            return false;
        }
        frame.wrap(received, received.position()).validate(MAX_FRAME);
        if (!frame.isReply()) {
            throw new MalformedFrame("2.3", "a frame of the server has no REPLY flag");
        }
        if (frame.descriptors() > descriptors.size()) {
            throw new MalformedFrame(
                    "1.5", "a frame claims " + frame.descriptors() + " descriptors, " + descriptors.size() + " came");
        }
        int length = frame.length();
        if (!receive(length)) {
            throw new EOFException("the connection ended inside a frame");
        }
        frame.wrap(received, received.position());
        metadata.wrap(received, frame.metadataOffset(), frame.metadataLength());
        return true;
    }

    private boolean receive(int bytes) throws IOException, MalformedFrame {
        if (received.remaining() >= bytes) {
            return true;
        }
        received.compact();
        try {
            while (received.position() < bytes) {
                int count = in.read(received.array(), received.position(), received.remaining());
                if (count < 0) {
                    if (received.position() == 0) {
                        return false;
                    }
                    throw new EOFException("the connection ended inside a frame");
                }
                received.position(received.position() + count);
                takeDescriptors();
            }
        } finally {
            received.flip();
        }
        return true;
    }

    private void takeDescriptors() throws IOException, MalformedFrame {
        FileDescriptor[] arrived = socket.getReceivedFileDescriptors();
        if (arrived == null || arrived.length == 0) {
            return;
        }
        descriptors.addAll(Arrays.asList(arrived));
        if (descriptors.size() > MAX_MESSAGE_DESCRIPTORS) {
            throw new MalformedFrame(
                    "1.5",
                    descriptors.size() + " descriptors are queued, " + MAX_MESSAGE_DESCRIPTORS + " were granted");
        }
    }

    private void dispatch() throws IOException, MalformedFrame {
        Status status = Status.of(frame.status());
        switch (frame.operation()) {
            case Operation.ERROR -> {
                endWithError(status);
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
            case Operation.DATA -> data(call);
            case Operation.END -> ended(call, status);
            default -> replied(call, status);
        }
    }

    private void replied(Call call, Status status) throws IOException, MalformedFrame {
        if (frame.operation() != call.request.operation() || call.begun != null || frame.descriptors() > 1) {
            throw new MalformedFrame("4.7", Operation.nameOf(frame.operation()) + " answers " + call.request.what());
        }
        byte[] entries = new byte[frame.metadataLength()];
        received.get(frame.metadataOffset(), entries);
        FileInputStream descriptor = frame.descriptors() == 0 ? null : claim();
        Reply reply = new Reply(status, frame.objectLength(), entries, descriptor, new CopiedBody());
        if (frame.hasMore()) {
            reply.body.expect(expectedBytes(reply));
        }
        appendBody(call, reply);
        if (frame.hasMore()) {
            call.begun = reply;
        } else {
            complete(call, reply);
        }
    }

    private void data(Call call) throws IOException, MalformedFrame {
        appendBody(call, begun(call));
    }

    private void ended(Call call, Status status) throws MalformedFrame {
        Reply reply = begun(call).ended(status);
        call.begun = null;
        long expected = expectedBytes(reply);
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
        if (frame.bodyLength() > 0 && !call.abandoned) {
            reply.body.append(received.slice(frame.bodyOffset(), frame.bodyLength()));
        }
    }

    /** The bytes that a body must have; −1 where the reply doesn't say. */
    private static long expectedBytes(Reply reply) {
        MetadataReader entries = reply.reader();
        return entries.find(MetadataType.RANGE) ? entries.secondU64() : reply.objectLength;
    }

    private void complete(Call call, Reply reply) {
        answered(call);
        if (!call.reply.complete(reply)) {
            reply.discard();
        }
        closeIfDone();
    }

    /** A descriptor of our own: junixsocket closes those that it received together with the socket. */
    private FileInputStream claim() throws IOException {
        FileDescriptor original = descriptors.remove();
        try {
            return FileDescriptorCast.duplicating(original).as(FileInputStream.class);
        } finally {
            close(original);
        }
    }

    private void answered(Call call) {
        if (inFlight.remove(call.id, call)) {
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

    private void endWithError(Status status) {
        String message = "the server ended the session: " + message(status);
        Call guilty = frame.requestId() == 0 ? null : inFlight.remove(frame.requestId());
        if (guilty != null) {
            guilty.reply.completeExceptionally(new ObjmapperException(
                    status, guilty.request.key(), false, guilty.request.what() + ": " + message, null));
        }
        close(new ObjmapperException(status, null, false, message, null));
    }

    private String message(Status status) {
        return metadata.find(MetadataType.MESSAGE) ? metadata.text() : status.sentence();
    }

    private ObjmapperException failure(Exception cause) {
        String why = cause instanceof MalformedFrame broken
                ? "the server broke clause " + broken.clause() + " of the protocol: " + broken.getMessage()
                : "the connection to " + settings.socket() + " broke: " + cause.getMessage()
                        + (cause instanceof EOFException
                                ? ""
                                : " (at this process's descriptor limit, received descriptors are lost: raise it)");
        return new ObjmapperException(null, null, false, why, cause);
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
        closeQuietly(socket);
        for (Call call : left) {
            if (inFlight.remove(call.id, call)) {
                call.reply.completeExceptionally(cause().about(call.request.key(), call.request.what()));
                Reply begun = call.begun;
                if (begun != null) {
                    begun.discard();
                }
            }
        }
    }

    private ObjmapperException cause() {
        ObjmapperException known = end;
        return known == null ? new ObjmapperException(null, null, false, "the session ended", null) : known;
    }

    /** Waits until the reader is gone, and with it every descriptor that no call had claimed. */
    void join() throws InterruptedException {
        if (Thread.currentThread() != reader) {
            reader.join();
        }
    }

    private static void closeAll(Queue<FileDescriptor> queued) {
        for (FileDescriptor next = queued.poll(); next != null; next = queued.poll()) {
            close(next);
        }
    }

    private static void close(FileDescriptor descriptor) {
        if (!descriptor.valid()) {
            return; // went with the socket
        }
        try {
            FileDescriptorCast.using(descriptor).as(FileInputStream.class).close();
        } catch (IOException e) {
            LOG.debug("a received descriptor could not be closed", e);
        }
    }

    private static void closeQuietly(AFUNIXSocket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.debug("a socket could not be closed", e);
        }
    }
}
