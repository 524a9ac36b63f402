package org.objmapper.server.exchange;

import java.nio.ByteBuffer;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/**
 * One request being answered. Lives on its session's loop: every method is called there. {@link #decode} is called once, then {@link #run}
 * until it says that all is answered; in between an exchange waits for room, for the store, or for its body.
 */
public abstract class Exchange {
    private static final int MESSAGE_ROOM = 1_024 + 256;

    protected final Peer peer;
    protected final Output output;
    protected int operation;
    protected int requestId;
    /** XXH3 of the key; 0 where there is no single key. */
    protected long keyHash;

    private boolean cancelled;
    private boolean abandoned;

    protected Exchange(Peer peer, Output output) {
        this.peer = peer;
        this.output = output;
    }

    /** Reads the request out of the frame, which is gone when this returns. */
    public abstract void decode(Frame frame, MetadataReader metadata) throws MalformedFrame;

    /** Goes on as far as it can; true when the request is answered and nothing is held any more. */
    public abstract boolean run();

    /** Remembers what every request has. */
    protected final void begin(Frame frame) {
        operation = frame.operation();
        requestId = frame.requestId();
        keyHash = 0;
        cancelled = false;
        abandoned = false;
    }

    public final int requestId() {
        return requestId;
    }

    public final int operation() {
        return operation;
    }

    /** Whether the request must wait for one before it that is not answered yet (protocol-spec.md 4.3). */
    public final boolean conflictsWith(Exchange earlier) {
        if (isBarrier() || earlier.isBarrier()) {
            return changes() || earlier.changes();
        }
        return keyHash != 0 && keyHash == earlier.keyHash && (changes() || earlier.changes());
    }

    /** Whether it changes objects. */
    public boolean changes() {
        return false;
    }

    /** Whether it touches many keys. */
    public boolean isBarrier() {
        return false;
    }

    /** Whether frames of the request's body are still to come. */
    public boolean wantsBody() {
        return false;
    }

    /** Takes bytes of the body; returns how many. Fewer than offered: it calls {@link Peer#roomForBody} when it can go on. */
    public int body(ByteBuffer from, int offset, int length) {
        return length;
    }

    /** The body's END has come. */
    public void endOfBody(Status status) {}

    /** Takes over a descriptor that came with the request; who has no use for it closes it off the loop. */
    public void descriptor(int fd) {
        peer.discard(fd);
    }

    /** A piece of the file that was promised could not be read. */
    public void bodyFailed() {}

    /** The client wants no answer any more. */
    public void cancel() {
        cancelled = true;
    }

    protected final boolean cancelled() {
        return cancelled;
    }

    /** The session is gone: lets go of all that is held, now or when what is under way comes back. */
    public void abandon() {
        abandoned = true;
    }

    protected final boolean abandoned() {
        return abandoned;
    }

    /** Answers with a status alone, and a sentence unless it is OK; done. */
    protected final boolean answer(Status status, String message) {
        return answer(status, message, 0);
    }

    protected final boolean answer(Status status, String message, long objectLength) {
        FrameWriter frame = output.frame(MESSAGE_ROOM);
        frame.begin(operation, Frame.REPLY, requestId, status, objectLength);
        if (status != Status.OK) {
            frame.message(message.isEmpty() ? status.sentence() : message);
        }
        output.end(null);
        return true;
    }

    /** Refuses metadata that only a server may set, or that a later version says must not be skipped. */
    protected final boolean refuses(MetadataReader metadata, StringBuilder why) {
        int type = metadata.type();
        MetadataType known = MetadataType.of(type);
        if (known == null && type < 49_152 && (type & MetadataType.MUST_UNDERSTAND) != 0) {
            why.append("metadata type ").append(type).append(" is unknown here and must be understood");
            return true;
        }
        if (known != null && known.setByServer()) {
            why.append(known).append(" is set by the server");
            return true;
        }
        return false;
    }

    /** The key in the current frame as bytes of its own. */
    protected static byte[] copyOf(ByteBuffer buffer, int offset, int length) {
        byte[] key = new byte[length];
        buffer.get(offset, key);
        return key;
    }

    /** A key for messages: as text where it is plain, cut where it is long. */
    public static String show(byte[] key) {
        int shown = Math.min(key.length, 80);
        StringBuilder text = new StringBuilder(shown + 8).append('\'');
        for (int i = 0; i < shown; i++) {
            int c = key[i] & 0xff;
            if (c >= 0x20 && c < 0x7f) {
                text.append((char) c);
            } else {
                text.append("\\x").append(Character.forDigit(c >> 4, 16)).append(Character.forDigit(c & 15, 16));
            }
        }
        return text.append(shown < key.length ? "…'" : "'").toString();
    }
}
