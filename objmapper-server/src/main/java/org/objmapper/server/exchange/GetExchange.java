package org.objmapper.server.exchange;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.delivery.Choice;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoredObject;

/**
 * How a GET works, and a HEAD, which is a GET without its body. The steps stand below in the order in which they are taken; each is a
 * method that returns the next one. A step that has to wait, for the index or for room in the output, returns itself or the one to
 * come back at after having said who will run the exchange again.
 */
public final class GetExchange extends Exchange implements Store.Lookup {
    /** The way of a GET. */
    enum Step {
        AUTHORIZE,
        LOOKUP,
        AWAIT_INDEX,
        PIN,
        CHOOSE,
        ANSWER,
        DELIVER,
        RELEASE,
        ACCOUNT,
        DONE
    }

    /** A body's DATA frames are at most this long, so that other replies come between them. */
    private static final int SLICE = 256 * 1024;

    private static final int REPLY_ROOM = 256;

    private final Store store;
    private final StringBuilder refusal = new StringBuilder();
    private Step step = Step.DONE;

    // The request.
    private ByteBuffer keyBuffer = ByteBuffer.allocate(0);
    private int keyOffset;
    private int keyLength;
    private boolean hasRange;
    private long rangeOffset;
    private long rangeLength;
    private boolean hasGenerationNot;
    private long generationNot;
    private byte @Nullable [] etagNot;
    private long graceAccepted;
    private @Nullable Mode modeAsked;

    // The answer.
    private volatile @Nullable StoredObject fromIndex;
    private volatile @Nullable IOException indexFailure;
    private volatile boolean indexAnswered;
    private @Nullable StoredObject object;
    private Mode mode = Mode.INLINE;
    private long position;
    private long end;
    private boolean failed;

    public GetExchange(Peer peer, Output output, Store store) {
        super(peer, output);
        this.store = store;
    }

    /** DECODE: frame to request. */
    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        refusal.setLength(0);
        keyLength = 0;
        hasRange = false;
        hasGenerationNot = false;
        etagNot = null;
        graceAccepted = 0;
        modeAsked = null;
        object = null;
        failed = false;
        step = Step.AUTHORIZE;
        if (frame.bodyLength() != 0 || frame.hasMore()) {
            refusal.append(Operation.nameOf(operation)).append(" takes no body");
        }
        metadata.rewind();
        while (metadata.next() && refusal.length() == 0) {
            decodeEntry(metadata);
        }
        if (keyLength == 0 && refusal.length() == 0) {
            refusal.append(Operation.nameOf(operation)).append(" without KEY");
        }
        keyHash = store.hash(keyBuffer, keyOffset, keyLength);
    }

    private void decodeEntry(MetadataReader metadata) {
        MetadataType type = MetadataType.of(metadata.type());
        if (type == null) {
            refuses(metadata, refusal);
            return;
        }
        switch (type) {
            case KEY -> {
                keyBuffer = metadata.buffer();
                keyOffset = metadata.offset();
                keyLength = metadata.length();
            }
            case RANGE -> {
                hasRange = true;
                rangeOffset = metadata.u64();
                rangeLength = metadata.secondU64();
            }
            case IF_GENERATION_NOT -> {
                hasGenerationNot = true;
                generationNot = metadata.u64();
            }
            case IF_ETAG_NOT -> etagNot = metadata.bytes();
            case GRACE_ACCEPTED -> graceAccepted = metadata.u64();
            case MODE -> {
                modeAsked = Mode.of(Integer.toUnsignedLong(metadata.u32()));
                if (modeAsked == null || modeAsked == Mode.INLINE) {
                    refusal.append("mode ")
                            .append(Integer.toUnsignedLong(metadata.u32()))
                            .append(" is none of fdpass (1), copy (2), splice (3), auto (4)");
                }
            }
            default -> refuses(metadata, refusal);
        }
    }

    @Override
    public boolean run() {
        while (true) {
            Step at = step;
            step = switch (at) {
                case AUTHORIZE -> authorize();
                case LOOKUP -> lookup();
                case AWAIT_INDEX -> indexAnswered ? indexAnswer() : Step.AWAIT_INDEX;
                case PIN -> pin();
                case CHOOSE -> choose();
                case ANSWER -> answerHeader();
                case DELIVER -> deliver();
                case RELEASE -> release();
                case ACCOUNT -> account();
                case DONE -> Step.DONE;
            };
            if (step == Step.DONE) {
                return true;
            }
            if (step == at) {
                return false;
            }
        }
    }

    /** May this peer do this? */
    private Step authorize() {
        if (refusal.length() > 0) {
            answer(Status.BAD_REQUEST, refusal.toString());
            return Step.ACCOUNT;
        }
        if (!peer.allows(operation)) {
            answer(Status.DENIED, Operation.nameOf(operation) + " is not allowed on this socket");
            return Step.ACCOUNT;
        }
        return Step.LOOKUP;
    }

    /** The table in memory first; what is not in it is the index queue's work. */
    private Step lookup() {
        object = store.hot(keyHash, keyBuffer, keyOffset, keyLength);
        if (object != null) {
            return Step.PIN;
        }
        indexAnswered = false;
        fromIndex = null;
        indexFailure = null;
        if (!store.lookup(copyOf(keyBuffer, keyOffset, keyLength), keyHash, this)) {
            answer(Status.BUSY, "the index's queue is full");
            return Step.ACCOUNT;
        }
        return Step.AWAIT_INDEX;
    }

    /** The index has answered; on one of its threads. */
    @Override
    public void found(@Nullable StoredObject found, @Nullable IOException failure) {
        fromIndex = found;
        indexFailure = failure;
        indexAnswered = true;
        peer.resume(this);
    }

    private Step indexAnswer() {
        object = fromIndex;
        fromIndex = null;
        IOException failure = indexFailure;
        if (abandoned()) {
            return Step.RELEASE;
        }
        if (failure != null) {
            answer(Status.IO_ERROR, "cannot look the object up: " + failure.getMessage());
            return Step.ACCOUNT;
        }
        return Step.PIN;
    }

    /** The object came pinned: it can't go while we deliver it. What is not there, expired, or known to the client ends here. */
    private Step pin() {
        StoredObject found = object;
        if (cancelled()) {
            answer(Status.CANCELLED, "");
            return Step.RELEASE;
        }
        if (found == null || isExpired(found)) {
            answer(Status.NOT_FOUND, "");
            return Step.RELEASE;
        }
        if ((hasGenerationNot && generationNot == found.generation()) || hasEtag(found)) {
            FrameWriter frame = output.frame(REPLY_ROOM + found.metadata().limit());
            frame.begin(operation, Frame.REPLY, requestId, Status.NOT_MODIFIED, found.length());
            frame.encoded(found.metadata(), 0, found.metadata().limit());
            output.end(null);
            return Step.RELEASE;
        }
        return Step.CHOOSE;
    }

    private boolean isExpired(StoredObject found) {
        if (found.expiryMillis() == Long.MAX_VALUE) {
            return false;
        }
        long past = System.currentTimeMillis() - found.expiryMillis();
        return past >= 0
                && (past > found.graceMillis() || Long.compareUnsigned(past, graceAccepted) > 0 || graceAccepted == 0);
    }

    private boolean hasEtag(StoredObject found) {
        byte[] wanted = etagNot;
        if (wanted == null) {
            return false;
        }
        MetadataReader stored =
                new MetadataReader().trust(found.metadata(), 0, found.metadata().limit());
        return stored.find(MetadataType.ETAG) && Arrays.equals(stored.bytes(), wanted);
    }

    /** Which bytes, and how they travel: from what the session asked, the object's size, and where it is. */
    private Step choose() {
        StoredObject found = held();
        position = 0;
        end = found.length();
        if (hasRange && !cutRange(found.length())) {
            answer(
                    Status.RANGE_NOT_SATISFIABLE,
                    "the range " + Long.toUnsignedString(rangeOffset) + "+" + Long.toUnsignedString(rangeLength)
                            + " lies outside the object's " + found.length() + " bytes",
                    found.length());
            return Step.RELEASE;
        }
        Terms terms = peer.terms();
        Mode wanted = modeAsked == null ? terms.mode() : modeAsked;
        mode = operation == Operation.HEAD
                ? Mode.INLINE
                : Choice.of(
                        wanted,
                        end - position,
                        found.inlineBody() != null,
                        terms.inlineLimit(),
                        terms.takesDescriptors());
        if (mode == Mode.FDPASS && found.ensureDescriptor() < 0) {
            mode = Mode.COPY;
        }
        return Step.ANSWER;
    }

    /** Cuts the range at the object's end; false where nothing is left of it. */
    private boolean cutRange(long length) {
        if (rangeLength == 0) {
            return false;
        }
        if (rangeOffset == Limits.UNKNOWN) { // the last bytes
            position = Long.compareUnsigned(rangeLength, length) >= 0 ? 0 : length - rangeLength;
            return length > 0;
        }
        if (Long.compareUnsigned(rangeOffset, length) >= 0) {
            return false;
        }
        position = rangeOffset;
        end = Long.compareUnsigned(rangeLength, length - position) >= 0 ? length : position + rangeLength;
        return true;
    }

    /** Header and metadata; the body too, where it goes in the same frame or as a descriptor. */
    private Step answerHeader() {
        if (output.full()) {
            output.awaitRoom(this);
            return Step.ANSWER;
        }
        StoredObject found = held();
        boolean inline = mode == Mode.INLINE && operation == Operation.GET;
        boolean streamed = mode == Mode.COPY || mode == Mode.SPLICE;
        ByteBuffer body = found.inlineBody();
        int here = inline ? (int) (end - position) : 0;
        FrameWriter frame = output.frame(REPLY_ROOM + found.metadata().limit() + here);
        frame.begin(operation, Frame.REPLY | (streamed ? Frame.MORE : 0), requestId, Status.OK, found.length());
        if (operation == Operation.GET) {
            if (hasRange) {
                frame.pair(MetadataType.RANGE, position, end - position);
            }
            frame.u32(MetadataType.MODE, mode.code());
            if (mode == Mode.FDPASS) {
                frame.pair(MetadataType.DESCRIPTOR_RANGE, position, end - position);
            }
        }
        frame.encoded(found.metadata(), 0, found.metadata().limit());
        if (here > 0 && body != null) {
            ByteBuffer into = frame.body();
            into.put(into.position(), body, (int) position, here);
            into.position(into.position() + here);
            output.end(null);
        } else if (here > 0) {
            frame.body();
            output.endWithFile(found, position, here, false, this);
        } else {
            output.end(mode == Mode.FDPASS ? found : null);
        }
        return streamed ? Step.DELIVER : Step.RELEASE;
    }

    /** The body in slices, as the client takes them. */
    private Step deliver() {
        StoredObject found = held();
        while (position < end && !cancelled() && !failed) {
            if (output.full()) {
                output.awaitRoom(this);
                return Step.DELIVER;
            }
            int length =
                    (int) Math.min(end - position, Math.min(SLICE, peer.terms().maxFrame() - Limits.HEADER));
            deliverSlice(found, length);
            position += length;
        }
        // A slice may still fail while it is sent: the output stays full until it is, and END waits for that.
        if (output.full()) {
            output.awaitRoom(this);
            return Step.DELIVER;
        }
        FrameWriter frame = output.frame(REPLY_ROOM);
        Status status = failed ? Status.IO_ERROR : position < end ? Status.CANCELLED : Status.OK;
        frame.begin(Operation.END, Frame.REPLY, requestId, status, 0);
        if (status != Status.OK) {
            frame.message(status.sentence());
        }
        output.end(null);
        return Step.RELEASE;
    }

    private void deliverSlice(StoredObject found, int length) {
        ByteBuffer body = found.inlineBody();
        FrameWriter frame = output.frame(body == null ? REPLY_ROOM : REPLY_ROOM + length);
        frame.begin(Operation.DATA, Frame.REPLY, requestId, Status.OK, 0);
        ByteBuffer into = frame.body();
        if (body == null) {
            output.endWithFile(found, position, length, mode == Mode.SPLICE, this);
        } else {
            into.put(into.position(), body, (int) position, length);
            into.position(into.position() + length);
            output.end(null);
        }
    }

    @Override
    public void bodyFailed() {
        failed = true;
    }

    /** Unpins the object; the output holds pins of its own for what it has not sent yet. */
    private Step release() {
        StoredObject found = object;
        object = null;
        if (found != null) {
            found.unpin();
        }
        return Step.ACCOUNT;
    }

    /** What the figures say of it. */
    private Step account() {
        store.figures().count(operation);
        return Step.DONE;
    }

    @Override
    public void abandon() {
        super.abandon();
        if (step == Step.AWAIT_INDEX && !indexAnswered) {
            return; // the index comes back, and indexAnswer lets go
        }
        StoredObject late = fromIndex;
        fromIndex = null;
        if (late != null) {
            late.unpin();
        }
        release();
        step = Step.DONE;
    }

    private StoredObject held() {
        StoredObject found = object;
        if (found == null) {
            throw new IllegalStateException("no object at " + step);
        }
        return found;
    }
}
