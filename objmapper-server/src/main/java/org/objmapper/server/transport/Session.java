package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.exchange.Exchange;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.exchange.Held;
import org.objmapper.server.exchange.Output;
import org.objmapper.server.exchange.Peer;
import org.objmapper.server.exchange.RefusedExchange;
import org.objmapper.server.exchange.SentFile;
import org.objmapper.server.exchange.SentTable;
import org.objmapper.server.exchange.Terms;
import org.objmapper.server.exchange.Uploads;

/** One connection, on one loop: cuts the bytes that arrive into frames, and gives each to the exchange that answers it. */
final class Session implements Peer, Output {
    private static final Terms BEFORE_HELLO =
            new Terms(Mode.AUTO, 1, 0, 0, Limits.MAX_FRAME_DEFAULT, 0, false, false, 0);
    private static final int ERROR_ROOM = 2_048;
    /** How often one that is at rest is looked at: what it was handed may outstay while it is. */
    private static final long REST_MILLIS = 1_000;

    final int socket;
    /** By which of the loop's entrances it came in. */
    final int door;

    final int slot;
    final OutputQueue output;
    /** Where its client runs. */
    final ClientProcessor client = new ClientProcessor();

    final Work work = new Work();
    /** The socket may have more than was read. */
    boolean unread;
    /** In the loop's list of sessions with output. */
    boolean dirty;
    /** The socket took less than was offered; it says when it has room. */
    boolean blocked;
    /** The engine was asked to say so. */
    boolean watched;
    /** Bytes that this turn brought and that still wait in the socket. */
    int peeked;
    /** In the sender's list of those that wait for the next tick. */
    boolean parked;
    /** The sender's turn in which it last had a large body to send. */
    long lastLargeBody;
    /** Descriptors that were sent and, for all that is known, not read yet. */
    int descriptorsInFlight;

    private final Loop loop;
    private final ListenerRules rules;
    private final Exchanges exchanges;
    private final int uid;
    private final Frame frame = new Frame();
    private final MetadataReader metadata = new MetadataReader();
    private final KeptInput kept;
    private final Uploads uploads;
    private final Held held;
    private final RequestsInFlight inFlight;
    private final ArrayDeque<Integer> descriptors = new ArrayDeque<>();

    private Terms terms = BEFORE_HELLO;
    /** What it was granted with HELLO; null for nothing. */
    private @Nullable SentTable table;

    private int maxMessageDescriptors;
    private boolean greeted;
    private boolean ended;
    /** No new request is taken; the session closes when all that it has begun is answered. */
    private boolean draining;

    private boolean closing;
    private boolean closed;
    /** What arrives is left unused until a body, or the order of the answers, has room for it. */
    private boolean waiting;

    /** Bytes of a body that the frame still owes. */
    private int bodyLeft;

    private final long connectedMillis;
    private long lastInputMillis;
    private long lastOutputMillis;

    /** One that begins. */
    Session(Loop loop, int door, ListenerRules rules, Exchanges exchanges, int socket, int slot, int uid, int pid) {
        this(loop, door, rules, exchanges, socket, slot, uid, exchanges.newUploads(), exchanges.newHeld(uid, pid));
    }

    /** One that goes on, on another loop than before: all that the earlier one {@link #hasLeft left} is this one's. */
    Session(Session before, Loop loop, Exchanges exchanges, int slot) {
        this(loop, before.door, before.rules, exchanges, before.socket, slot, before.uid, before.uploads, before.held);
        agree(before.terms);
        this.table = before.table;
        this.descriptorsInFlight = before.descriptorsInFlight;
        work.goesOn(before.work);
    }

    private Session(
            Loop loop,
            int door,
            ListenerRules rules,
            Exchanges exchanges,
            int socket,
            int slot,
            int uid,
            Uploads uploads,
            Held held) {
        this.loop = loop;
        this.door = door;
        this.rules = rules;
        this.exchanges = exchanges;
        this.socket = socket;
        this.slot = slot;
        this.uid = uid;
        this.output = new OutputQueue(loop.outputBuffers());
        this.kept = new KeptInput(loop, this);
        this.uploads = uploads;
        this.held = held;
        this.inFlight = new RequestsInFlight(loop.inputMemory());
        this.connectedMillis = loop.nowMillis();
        this.lastInputMillis = connectedMillis;
        this.lastOutputMillis = connectedMillis;
    }

    // ---- input

    /** Bytes and descriptors have arrived; the bytes are the loop's again when this returns. */
    void received(ByteBuffer arena, int offset, int length, ByteBuffer event, int eventAt, int flags) {
        int count = event.getInt(eventAt + NativeIo.EVENT_DESCRIPTOR_COUNT);
        for (int i = 0; i < count; i++) {
            descriptors.addLast(fileOrNone(event.getInt(eventAt + NativeIo.EVENT_DESCRIPTORS + 4 * i)));
        }
        if ((flags & NativeIo.FLAG_LOST) != 0) {
            fail(Status.DESCRIPTORS_LOST, "1.6", 0, "descriptors were lost: the server has as many open as it may");
            return;
        }
        if (length > 0) {
            lastInputMillis = loop.nowMillis();
            if (kept.isEmpty()) {
                int used = consume(arena, offset, offset + length);
                keep(arena, used, offset + length);
            } else {
                keep(arena, offset, offset + length);
                consumeKept();
            }
        }
        checkDescriptors(event.getInt(eventAt + NativeIo.EVENT_LARGEST_MESSAGE));
        if ((flags & NativeIo.FLAG_ENDED) != 0) {
            ended = true;
        }
    }

    /** What is no file is closed at once, and -1 stands for it: the session's own socket, kept here, would keep the session alive. */
    private int fileOrNone(int descriptor) {
        if (NativeIo.isRegularFile(descriptor)) {
            return descriptor;
        }
        exchanges.discard(descriptor, uid);
        return -1;
    }

    /** Descriptors have arrived after the session's end. */
    void discardDescriptors(ByteBuffer event, int eventAt) {
        int count = event.getInt(eventAt + NativeIo.EVENT_DESCRIPTOR_COUNT);
        for (int i = 0; i < count; i++) {
            exchanges.discard(event.getInt(eventAt + NativeIo.EVENT_DESCRIPTORS + 4 * i), uid);
        }
    }

    /** Ends the session that passed more descriptors than it was granted; what waits here may still claim those that are queued. */
    private void checkDescriptors(int inOneMessage) {
        ServerLimits granted = loop.limits();
        if (inOneMessage > granted.maxMessageDescriptors()) {
            failForDescriptors(inOneMessage + " descriptors came in one message", granted.maxMessageDescriptors());
        } else if (!waiting && descriptors.size() > granted.maxQueuedDescriptors()) {
            failForDescriptors(descriptors.size() + " descriptors are queued", granted.maxQueuedDescriptors());
        }
    }

    private void failForDescriptors(String what, int granted) {
        fail(Status.MALFORMED, "1.5", 0, what + "; " + granted + " were granted");
    }

    /** What could not be used for want of room, or of an answer, is tried again. */
    void takeUpInput() {
        if (!closed && waiting) {
            waiting = false;
            consumeKept();
        }
    }

    /** Whether nothing more may be received now. */
    boolean paused() {
        return closed || closing || waiting || output.isCrowded();
    }

    /** Bodies and what waits here are received at once: they would only fill the socket. */
    byte inputMode() {
        if (paused()) {
            return NativeIo.MODE_PAUSED;
        }
        return kept.isEmpty() && bodyLeft == 0 ? NativeIo.MODE_PEEK : NativeIo.MODE_RECEIVE;
    }

    private void consumeKept() {
        ByteBuffer bytes = kept.bytes();
        if (bytes == null) {
            return;
        }
        int used = consume(bytes, 0, bytes.position());
        if (!closed && !closing) { // else it is dropped already
            kept.used(used);
        }
    }

    private void keep(ByteBuffer from, int offset, int end) {
        if (offset < end && !closed && !closing) {
            kept.add(from, offset, end - offset);
        }
    }

    /** How many bytes of memory would be free if it were ended for its input: nothing where it ends anyway. */
    long heldInput() {
        return closing ? 0 : kept.heldBytes() + inFlight.keptBytes();
    }

    /** Whether it rather than another session should end when memory for input is short. */
    boolean endsBefore(Session other) {
        if (waiting != other.waiting) {
            return other.waiting; // what waits for the server has less blame than half a frame
        }
        return heldInput() != other.heldInput()
                ? heldInput() > other.heldInput()
                : lastInputMillis < other.lastInputMillis;
    }

    /** Ends, so that others have memory for their input. */
    void giveUpInput() {
        fail(
                Status.BUSY,
                "",
                0,
                "the server's memory for requests that wait is full, and this session holds " + heldInput()
                        + " bytes of it; try again later (MAX_HELD_INPUT)");
    }

    /** Uses up whole frames and what there is of bodies; returns where it stopped. */
    private int consume(ByteBuffer buffer, int offset, int end) {
        int at = offset;
        while (at < end && !closed && !closing) {
            int used = bodyLeft > 0 ? consumeBody(buffer, at, end) : consumeFrame(buffer, at, end);
            if (used == 0) {
                break;
            }
            at += used;
        }
        return closed || closing ? end : at;
    }

    private int consumeBody(ByteBuffer buffer, int at, int end) {
        int offered = Math.min(bodyLeft, end - at);
        int used = inFlight.body(buffer, at, offered);
        bodyLeft -= used;
        noteWork();
        waiting = used < offered;
        return used;
    }

    private int consumeFrame(ByteBuffer buffer, int at, int end) {
        if (end - at < Limits.HEADER) {
            return 0;
        }
        frame.wrap(buffer, at);
        try {
            frame.validate(greeted ? terms.maxFrame() : Limits.MAX_FRAME_DEFAULT);
            checkStart();
            int echoed = frame.operation() == Operation.PING && frame.bodyLength() <= Limits.MAX_PING
                    ? frame.bodyLength()
                    : 0;
            int needed = Limits.HEADER + frame.metadataLength() + echoed;
            if (end - at < needed) {
                return 0;
            }
            if (greeted && frame.descriptors() > descriptors.size()) {
                throw new MalformedFrame(
                        "1.5",
                        "the frame claims " + frame.descriptors() + " descriptors; " + descriptors.size() + " came");
            }
            metadata.wrap(buffer, frame.metadataOffset(), frame.metadataLength());
            inFlight.setBodyOf(null);
            if (!dispatch()) {
                return 0;
            }
            bodyLeft = frame.bodyLength() - echoed; // taken as it comes, or passed over; never waited for
            return needed;
        } catch (MalformedFrame e) {
            fail(Status.MALFORMED, e.clause(), frame.requestId(), String.valueOf(e.getMessage()));
            return 0;
        }
    }

    /** What the header alone can have wrong beyond its own form. */
    private void checkStart() throws MalformedFrame {
        if (!greeted && (frame.operation() != Operation.HELLO || frame.objectLength() != Limits.MAGIC)) {
            throw new MalformedFrame("7.1", "the session does not begin with a HELLO of this protocol");
        }
        if (frame.isReply()) {
            throw new MalformedFrame("2.3", "a client's frame has the flag REPLY");
        }
        if (frame.descriptors() > 1) {
            throw new MalformedFrame(
                    "1.5", "the frame claims " + frame.descriptors() + " descriptors; a client's may claim one");
        }
        if (frame.descriptors() == 1 && frame.operation() != Operation.PUT) {
            throw new MalformedFrame("1.5", Operation.nameOf(frame.operation()) + " takes no descriptor");
        }
    }

    /** Gives the frame to whom it belongs; false where it has to wait for requests before it. */
    private boolean dispatch() throws MalformedFrame {
        int operation = frame.operation();
        if (!greeted) {
            greet();
        } else if (operation == Operation.DATA || operation == Operation.END) {
            bodyFrame(operation);
        } else if (operation == Operation.HELLO || operation == Operation.ERROR) {
            throw new MalformedFrame("5.1", Operation.nameOf(operation) + " inside a session");
        } else {
            return request(operation);
        }
        return true;
    }

    private void greet() throws MalformedFrame {
        agree(Greeting.terms(metadata, this, loop.limits()));
        if (!greeted) {
            closeWhenSent();
            return;
        }
        if (terms.hasValidity()) {
            table = terms.takesDescriptors() ? exchanges.handValidity() : null;
            terms = table == null ? terms.withoutValidity() : terms;
        }
        Greeting.grant(this, terms, loop.limits(), table);
    }

    /** What was agreed on with HELLO holds from here on; terms without a request are a refusal. */
    private void agree(Terms agreed) {
        terms = agreed;
        maxMessageDescriptors = Math.min(
                loop.descriptorShare(), Math.min(agreed.maxMessageDescriptors(), agreed.maxQueuedDescriptors()));
        inFlight.setOrdered(agreed.ordered());
        greeted = agreed.maxRequests() > 0;
    }

    private void bodyFrame(int operation) throws MalformedFrame {
        Exchange exchange = inFlight.find(frame.requestId());
        if (exchange == null || !exchange.wantsBody()) {
            throw new MalformedFrame(
                    "5.1",
                    Operation.nameOf(operation) + " for request " + Integer.toUnsignedString(frame.requestId())
                            + ", which has no open body");
        }
        if (operation == Operation.DATA) {
            inFlight.setBodyOf(exchange);
        } else {
            inFlight.endOfBody(exchange, Status.of(frame.status()));
        }
    }

    private boolean request(int operation) throws MalformedFrame {
        int id = frame.requestId();
        if (id == 0 || inFlight.find(id) != null) {
            throw new MalformedFrame("4.1", "request id " + Integer.toUnsignedString(id) + " is 0 or in flight");
        }
        // A CANCEL makes room rather than take it, where it can be answered at once.
        boolean tooMany = inFlight.size() >= terms.maxRequests() && (operation != Operation.CANCEL || terms.ordered());
        if (inFlight.size() >= 2 * terms.maxRequests()) {
            throw new MalformedFrame(
                    "4.2", inFlight.size() + " requests are open, though " + terms.maxRequests() + " were granted");
        }
        Exchange exchange = exchangeFor(operation, tooMany);
        exchange.decode(frame, metadata);
        if (tooMany && !exchange.wantsBody() && inFlight.mustWait(exchange)) {
            waiting = true; // for its place in the order of the answers: nothing is queued beyond what was granted
            return false;
        }
        client.heard(frame.processor());
        noteWork();
        if (frame.descriptors() == 1) {
            exchange.descriptor(descriptors.removeFirst());
        }
        int bytes = exchange.keptBytes();
        if (!inFlight.add(exchange) && loop.countInput(this, bytes)) {
            inFlight.counted(exchange, bytes);
        }
        return true;
    }

    private void noteWork() {
        work.asked();
        loop.note(this);
    }

    private Exchange exchangeFor(int operation, boolean tooMany) {
        if (draining && operation != Operation.CANCEL && operation != Operation.GOODBYE) {
            return new RefusedExchange(
                    this, this, Status.SHUTTING_DOWN, "the server stops; ask the one that comes next");
        }
        if (tooMany) {
            return new RefusedExchange(
                    this, this, Status.BUSY, inFlight.size() + " requests are in flight, as many as were granted");
        }
        Exchange spare = operation == Operation.GET || operation == Operation.HEAD ? inFlight.pollSpareGet() : null;
        return spare == null ? exchanges.create(operation, this, this) : spare;
    }

    // ---- Peer

    @Override
    public int uid() {
        return uid;
    }

    @Override
    public Terms terms() {
        return terms;
    }

    @Override
    public boolean allows(int operation) {
        return rules.allows(operation);
    }

    @Override
    public Uploads uploads() {
        return uploads;
    }

    @Override
    public Held held() {
        return held;
    }

    @Override
    public boolean cancel(int requestId) {
        return inFlight.cancel(requestId);
    }

    @Override
    public void resume(Exchange exchange) {
        resumeOnceAwake(exchange);
        wake();
    }

    @Override
    public void resumeOnceAwake(Exchange exchange) {
        loop.executeOnceAwake(this, () -> {
            if (inFlight.resume(exchange)) {
                takeUpInput();
                finishIfDone();
            }
        });
    }

    @Override
    public void wake() {
        loop.wake();
    }

    @Override
    public void roomForBody() {
        takeUpInput();
        loop.readAgain(this);
    }

    @Override
    public void discard(int descriptor) {
        if (descriptor >= 0) {
            exchanges.discard(descriptor, uid);
        }
    }

    @Override
    public int finishAndClose() {
        closing = true;
        kept.drop();
        return inFlight.abandonUnfinishedBodies(bodyLeft > 0);
    }

    // ---- Output

    @Override
    public boolean full() {
        return output.full();
    }

    @Override
    public void awaitRoom(Exchange exchange) {
        inFlight.awaitRoom(exchange);
    }

    @Override
    public FrameWriter frame(int bytes) {
        return output.frame(bytes);
    }

    @Override
    public void end(@Nullable SentFile descriptorOf) {
        output.end(descriptorOf, maxMessageDescriptors);
        loop.hasOutput(this);
    }

    @Override
    public void endWithFile(SentFile file, long offset, int length, boolean inKernel, Exchange exchange) {
        output.endWithFile(file, offset, length, inKernel, exchange);
        loop.hasOutput(this);
    }

    @Override
    public void endBody(int requestId, Exchange exchange) {
        output.endBody(requestId, exchange);
        loop.hasOutput(this);
    }

    /** Some output was sent: those who waited for room go on. */
    void sentSome() {
        lastOutputMillis = loop.nowMillis();
        inFlight.useRoom(output);
        takeUpInput();
        finishIfDone();
    }

    /** A piece of a file can't be read: where no END can say so, the session ends inside the frame that promised it. */
    void pieceFailed(Segment piece) {
        SentFile file = piece.file;
        if (file != null) {
            file.unreadable();
        }
        if (!output.pieceFailed(piece)) {
            loop.close(this, "a body inside its reply can't be read");
        }
    }

    /** The socket can't be written to any more. */
    void sendFailed(int errno) {
        loop.close(this, "send: " + Errno.nameOf(errno));
    }

    // ---- going on elsewhere

    /** Whether nothing of it is under way: no request, no answer, and nothing that came and is not used. */
    boolean isAtRest() {
        boolean goesOn = greeted && !ended && !draining && !paused();
        boolean allIsUsed = !unread && !isOwed() && descriptors.isEmpty();
        return goesOn && isAnswered() && allIsUsed && !blocked && !parked;
    }

    /** It is at rest, and goes on as another one. */
    void hasLeft() {
        closed = true;
    }

    // ---- the end

    /** Answers a fatal error and closes. */
    void fail(Status status, String clause, int requestId, String message) {
        if (closed || closing) {
            return;
        }
        FrameWriter writer = output.frame(ERROR_ROOM);
        writer.begin(Operation.ERROR, Frame.REPLY, requestId, status, 0).message(message);
        if (status == Status.MALFORMED || status == Status.DESCRIPTORS_LOST) {
            writer.text(MetadataType.CLAUSE, clause);
        }
        end(null);
        closeWhenSent();
    }

    /** The server stops: says so, finishes what is begun, and refuses what comes anew. */
    void drain() {
        if (closed || closing) {
            return;
        }
        draining = true;
        if (greeted) {
            output.frame(ERROR_ROOM)
                    .begin(Operation.GOODBYE, Frame.REPLY, 0, Status.SHUTTING_DOWN, 0)
                    .message("the server stops");
            end(null);
        }
        finishIfDone();
    }

    /** How many requests have no answer yet. */
    int unanswered() {
        return inFlight.unanswered();
    }

    private void closeWhenSent() {
        closing = true;
        kept.drop();
        inFlight.abandon();
        finishIfDone();
    }

    /** Closes once all is answered and sent. */
    void finishIfDone() {
        if (closed) {
            return;
        }
        boolean allIsUsed = ended && !waiting; // what is kept then is half a frame
        if (allIsUsed && !inFlight.isEmpty()) {
            inFlight.abandonUnfinishedBodies(bodyLeft > 0);
        }
        boolean answered = isAnswered();
        if (answered && closing) {
            loop.close(this, "done");
        } else if (answered && allIsUsed) {
            loop.close(this, "the client left");
        } else if (draining && output.isEmpty() && inFlight.unanswered() == 0) {
            loop.close(this, "the server stops");
        }
    }

    /** Whether each request has its answer, and that is sent. */
    private boolean isAnswered() {
        return inFlight.isEmpty() && output.isEmpty();
    }

    /** What takes too long ends here; called by the loop every so often. */
    void checkTimeouts() {
        if (closed) {
            return;
        }
        ServerLimits limits = loop.limits();
        long now = loop.nowMillis();
        String overHeld = closing ? null : held.whyToEnd(now);
        if (overHeld != null) {
            fail(Status.BUSY, "", 0, overHeld);
        } else if (!output.isEmpty()) {
            if (blocked && now - lastOutputMillis > limits.replyTimeoutMillis()) {
                loop.close(this, "the client does not read");
            }
        } else if (closing) {
            finishIfDone();
        } else if (!greeted) {
            if (now - connectedMillis > limits.helloTimeoutMillis()) {
                fail(Status.TIMEOUT, "8", 0, "no whole HELLO within " + limits.helloTimeoutMillis() + " ms");
            }
        } else if (isOwed()) {
            if (!waiting && now - lastInputMillis > limits.frameTimeoutMillis()) {
                fail(
                        Status.TIMEOUT,
                        "8",
                        0,
                        "a frame or body made no progress for " + limits.frameTimeoutMillis() + " ms");
            }
        } else if (limits.idleTimeoutMillis() > 0
                && inFlight.isEmpty()
                && now - Math.max(lastInputMillis, lastOutputMillis) > limits.idleTimeoutMillis()) {
            output.frame(ERROR_ROOM)
                    .begin(Operation.GOODBYE, Frame.REPLY, 0, Status.TIMEOUT, 0)
                    .message("nothing was asked or answered for " + limits.idleTimeoutMillis() + " ms");
            end(null);
            closeWhenSent();
        }
    }

    /** Until when nothing of it can take too long, if nothing happens with it; it is to be asked again then. */
    long restsUntilMillis() {
        long now = loop.nowMillis();
        if (!isAtRest() || held.isOver()) {
            return now;
        }
        long idleTimeout = loop.limits().idleTimeoutMillis();
        long timesOut = idleTimeout > 0 ? Math.max(lastInputMillis, lastOutputMillis) + idleTimeout : Long.MAX_VALUE;
        return Math.min(timesOut, now + Math.min(REST_MILLIS, held.mayRestMillis()));
    }

    /** Whether the client has begun a frame or a body and not sent it whole. */
    private boolean isOwed() {
        return !kept.isEmpty() || bodyLeft > 0 || inFlight.hasOpenBody();
    }

    /** Lets go of all that the session holds, but the socket, which is the loop's. */
    void release() {
        if (closed) {
            return;
        }
        closed = true;
        letGoOfStore();
        kept.drop();
        for (int descriptor : descriptors) {
            discard(descriptor);
        }
        descriptors.clear();
        try {
            output.clear();
        } finally {
            inFlight.abandon();
        }
    }

    /** Lets go of what the store keeps for it. */
    void letGoOfStore() {
        held.end();
        if (table != null) {
            table.letGo();
        }
    }

    boolean isClosed() {
        return closed;
    }
}
