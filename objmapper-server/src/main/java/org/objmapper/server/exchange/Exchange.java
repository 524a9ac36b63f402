package org.objmapper.server.exchange;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/**
 * One request being answered. Lives on its session's loop: every method is called there. {@link #decode} is called once, then, when its
 * turn has come, {@link #run} until it says that all is answered; in between an exchange waits for room, for the store, or for its body.
 */
public abstract class Exchange {
    /** Bytes that a reply takes at most beside its body, the object's metadata, and a message. */
    protected static final int REPLY_ROOM = 256;

    private static final int MESSAGE_ROOM = REPLY_ROOM + 1_024 + 256;

    protected final Peer peer;
    protected final Output output;
    protected int operation;
    protected int requestId;
    /** XXH3 of the key; 0 where there is no single key. */
    protected long keyHash;

    private int metadataBytes;
    private @Nullable Status refusedWith;
    private String refusal = "";
    private boolean held;
    private int countedBytes;
    private boolean cancelled;
    private boolean abandoned;

    protected Exchange(Peer peer, Output output) {
        this.peer = peer;
        this.output = output;
    }

    // ---- the request

    /** Reads the request out of the frame, which is gone when this returns and the exchange has run, or is held. */
    public abstract void decode(Frame frame, MetadataReader metadata) throws MalformedFrame;

    /** Starts a request, and refuses at once what the peer may not do. */
    protected final void begin(Frame frame) {
        remember(frame);
        authorize();
    }

    /** Remembers what every request has, and forgets what the one before it had. */
    protected final void remember(Frame frame) {
        operation = frame.operation();
        requestId = frame.requestId();
        metadataBytes = frame.metadataLength();
        keyHash = 0;
        refusedWith = null;
        refusal = "";
        held = false;
        cancelled = false;
        abandoned = false;
    }

    /** May this peer do this? If not, it is refused. */
    protected final void authorize() {
        if (!peer.allows(operation)) {
            refusedWith = Status.DENIED; // whatever else is wrong with it
            refusal = Operation.nameOf(operation) + " is not allowed on this socket";
        }
    }

    /** How much memory the request takes until it is answered: its metadata, whether it is copied already or not. */
    public int keptBytes() {
        return metadataBytes;
    }

    /** How much of it the session counts among what the server holds; {@link #keptBytes} may change, this doesn't. */
    public final int countedBytes() {
        return countedBytes;
    }

    public final void setCountedBytes(int bytes) {
        countedBytes = bytes;
    }

    protected final void refuseBody(Frame frame) {
        if (frame.bodyLength() != 0 || frame.hasMore()) {
            refuse(Status.BAD_REQUEST, Operation.nameOf(operation) + " takes no body");
        }
    }

    /** Gives each entry to {@link #decodeEntry}, up to one that is to be refused. */
    protected final void decodeEntries(MetadataReader metadata) {
        metadata.rewind();
        while (refusedWith == null && metadata.next()) {
            int code = metadata.type();
            MetadataType type = MetadataType.of(code);
            if (type != null && type.setByServer()) {
                refuse(Status.BAD_REQUEST, type + " is set by the server");
            } else if (MetadataType.mustBeUnderstood(code)) {
                refuse(Status.UNSUPPORTED, "metadata type " + code + " is unknown here and must be understood");
            } else {
                decodeEntry(type, metadata);
            }
        }
    }

    /** Takes the current entry, of an unknown type where that is null; one that is of no use is passed over. */
    protected void decodeEntry(@Nullable MetadataType type, MetadataReader metadata) {}

    /** The request is answered so, unless it was refused for another reason before. */
    protected final void refuse(Status status, String why) {
        if (refusedWith == null) {
            refusedWith = status;
            refusal = why;
        }
    }

    protected final boolean isRefused() {
        return refusedWith != null;
    }

    public final int requestId() {
        return requestId;
    }

    public final int operation() {
        return operation;
    }

    /** XXH3 of the key; 0 where there is no single key. The same from {@link #decode} on. */
    public final long keyHash() {
        return keyHash;
    }

    // ---- its turn

    /** Whether the request must wait for one before it that is not answered yet (protocol-spec.md 4.3). */
    public final boolean conflictsWith(Exchange earlier) {
        if (takesTurns() && earlier.takesTurns()) {
            return true;
        }
        if (keyHash == 0 && !isBarrier()) {
            return false;
        }
        boolean meet = isBarrier() || earlier.isBarrier() || keyHash == earlier.keyHash;
        return meet && (changes() || earlier.changes());
    }

    /** Whether it changes objects. */
    public boolean changes() {
        return false;
    }

    /** Whether a session has only one such request under way, and the others wait for it. */
    public boolean takesTurns() {
        return false;
    }

    /** Whether it touches many keys. */
    public boolean isBarrier() {
        return false;
    }

    /** Its turn has not come: it is not run before {@link #takeTurn}. */
    public final void hold() {
        held = true;
        keepRequest();
    }

    /** Copies what {@link #run} needs of the frame. */
    protected void keepRequest() {}

    /** Its turn has come. */
    public final void takeTurn() {
        held = false;
    }

    public final boolean isHeld() {
        return held;
    }

    /** Goes on as far as it can; true when the request is answered and nothing is held any more. */
    public abstract boolean run();

    // ---- its body

    /** Whether frames of the request's body are still to come. */
    public boolean wantsBody() {
        return false;
    }

    /** Whether the answer is written already, though frames of the body may still come. */
    public boolean isAnswered() {
        return false;
    }

    /** Takes bytes of the body; returns how many. Fewer than offered: it calls {@link Peer#roomForBody} when it can go on. */
    public int body(ByteBuffer from, int offset, int length) {
        return length;
    }

    /** While the exchange is held: the store may have room again for the body. */
    public void resumeBody() {}

    /** The body's END has come. */
    public void endOfBody(Status status) {}

    /** Takes over a descriptor that came with the request, -1 for one of no file; who has no use for it closes it off the loop. */
    public void descriptor(int fd) {
        peer.discard(fd);
    }

    // ---- its early end

    /** A piece of a file that it gave to the output is sent, or dropped. */
    public void pieceDone() {}

    /** A piece of the file that was promised could not be read; true when an END is still to come that says so. */
    public boolean bodyFailed() {
        return false;
    }

    /**
     * The client wants no answer any more. True when that came in time: the next {@link #run} answers CANCELLED. What is answered
     * without waiting for anything, once its turn has come, can't be cancelled.
     */
    public boolean cancel() {
        return false;
    }

    /** What {@link #cancel} does where it comes in time. */
    protected final boolean cancelInTime() {
        cancelled = true;
        refusedWith = Status.CANCELLED;
        refusal = "";
        return true;
    }

    protected final boolean cancelled() {
        return cancelled;
    }

    /** The session is gone: lets go of all that is held, now or when what is under way comes back. */
    public void abandon() {
        abandoned = true;
    }

    public final boolean abandoned() {
        return abandoned;
    }

    /** Whether nobody else knows of it once it is answered, so that it may {@link #decode} another request. */
    public boolean isReusable() {
        return false;
    }

    // ---- answers

    /** Answers what was refused. */
    protected final void answerRefusal() {
        answer(refusedWith == null ? Status.INTERNAL : refusedWith, refusal);
    }

    /** Answers with a status alone, and a sentence unless it is OK. */
    protected final void answer(Status status, String message) {
        answer(status, message, 0);
    }

    protected final void answer(Status status, String message, long objectLength) {
        beginAnswer(status, message, objectLength);
        output.end(null);
    }

    /** Starts an answer with what {@link #answer} writes, for more entries; {@link Output#end} ends it. */
    protected final FrameWriter beginAnswer(Status status, String message, long objectLength) {
        FrameWriter frame = output.frame(MESSAGE_ROOM);
        frame.begin(operation, Frame.REPLY, requestId, status, objectLength);
        explain(frame, status, message);
        return frame;
    }

    /** Starts the answer OK, with room for so many bytes beside {@link #REPLY_ROOM}; {@link Output#end} ends it. */
    protected final FrameWriter beginReply(int bytes, int flags, long objectLength) {
        return output.frame(REPLY_ROOM + bytes)
                .begin(operation, Frame.REPLY | flags, requestId, Status.OK, objectLength);
    }

    /** Ends a body that came in DATA frames. */
    protected final void answerEnd(Status status) {
        FrameWriter frame = output.frame(MESSAGE_ROOM);
        frame.begin(Operation.END, Frame.REPLY, requestId, status, 0);
        explain(frame, status, "");
        output.end(null);
    }

    /** Writes what every reply carries whose status is not OK. */
    protected void explain(FrameWriter frame, Status status, String message) {
        if (status != Status.OK && message.isEmpty()) {
            frame.message(status);
        } else if (status != Status.OK) {
            frame.message(message);
        }
    }
}
