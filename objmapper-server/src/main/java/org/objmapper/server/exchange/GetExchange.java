package org.objmapper.server.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
import org.objmapper.server.store.StoreException;
import org.objmapper.server.store.StoredObject;

/**
 * How a GET works, and a HEAD, which is a GET without its body. The steps stand below in the order in which they are taken; each is a
 * method that returns the next one. A step that has to wait, for the index or for room in the output, returns itself after having said
 * who will run the exchange again.
 */
public final class GetExchange extends StoreExchange implements Store.Lookup {
    /** The way of a GET. What can't be served leaves it early, for RELEASE or ACCOUNT; what is not there, by way of MISS. */
    enum Step {
        DECODE,
        AUTHORIZE,
        LOOKUP,
        MISS,
        PIN,
        CHOOSE,
        ANSWER,
        DELIVER,
        RELEASE,
        ACCOUNT
    }

    /** A body's DATA frames are at most this long, so that other replies come between them. */
    private static final int SLICE = 256 * 1024;

    private static final int REPLY_ROOM = 256;

    private Step step = Step.DECODE;

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

    // What the index says, on a thread of its own.
    private boolean indexAsked;
    private volatile boolean indexAnswered;
    private volatile @Nullable StoredObject fromIndex;
    private volatile @Nullable StoreException indexFailure;

    // The answer.
    private @Nullable StoredObject object;
    private Mode mode = Mode.INLINE;
    private long position;
    private long end;
    private boolean failed;

    public GetExchange(Peer peer, Output output, Store store) {
        super(peer, output, store);
    }

    @Override
    public boolean run() {
        while (true) {
            Step at = step;
            step = switch (at) {
                case DECODE -> Step.DECODE; // the session brings the frame
                case AUTHORIZE -> authorize();
                case LOOKUP -> lookup();
                case MISS -> miss();
                case PIN -> pin();
                case CHOOSE -> choose();
                case ANSWER -> answerHeader();
                case DELIVER -> deliver();
                case RELEASE -> release();
                case ACCOUNT -> account();
            };
            if (step == Step.DECODE) {
                return true;
            }
            if (step == at) {
                return false;
            }
        }
    }

    /** DECODE: the frame becomes a request; what is wrong with it is answered at the next step. */
    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        keyLength = 0;
        hasRange = false;
        hasGenerationNot = false;
        etagNot = null;
        graceAccepted = 0;
        modeAsked = null;
        indexAsked = false;
        object = null;
        failed = false;
        refuseBody(frame);
        decodeEntries(metadata);
        if (keyLength == 0) {
            refuse(Status.BAD_REQUEST, Operation.nameOf(operation) + " without KEY");
        } else {
            keyHash = store.hash(keyBuffer, keyOffset, keyLength);
        }
        step = Step.AUTHORIZE;
    }

    @Override
    protected void decodeEntry(@Nullable MetadataType type, MetadataReader metadata) {
        if (type == null) {
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
            case MODE -> decodeMode(Integer.toUnsignedLong(metadata.u32()));
            default -> {
                // of no use here
            }
        }
    }

    private void decodeMode(long code) {
        modeAsked = Mode.of(code);
        if (modeAsked == null || modeAsked == Mode.INLINE) {
            refuse(Status.BAD_REQUEST, "mode " + code + " is none of fdpass (1), copy (2), splice (3), auto (4)");
        }
    }

    @Override
    protected void keepRequest() {
        keyBuffer = ByteBuffer.wrap(key()).order(ByteOrder.LITTLE_ENDIAN);
        keyOffset = 0;
    }

    private byte[] key() {
        byte[] key = new byte[keyLength];
        keyBuffer.get(keyOffset, key);
        return key;
    }

    /** May this peer do this, and does the request make sense? */
    private Step authorize() {
        if (isRefused()) {
            answerRefusal();
            return Step.ACCOUNT;
        }
        return Step.LOOKUP;
    }

    /** The table in memory first; what is not in it is the index queue's work, and this step waits for that. */
    private Step lookup() {
        if (indexAsked) {
            return indexAnswered ? indexAnswer() : Step.LOOKUP;
        }
        object = store.hot(keyHash, keyBuffer, keyOffset, keyLength);
        if (object != null) {
            return Step.PIN;
        }
        indexAnswered = false;
        fromIndex = null;
        indexFailure = null;
        indexAsked = store.lookup(key(), keyHash, this);
        if (!indexAsked) {
            answer(Status.BUSY, "the index's queue is full");
            return Step.ACCOUNT;
        }
        return Step.LOOKUP;
    }

    /** The index has answered; on one of its threads. */
    @Override
    public void found(@Nullable StoredObject found, @Nullable StoreException failure) {
        fromIndex = found;
        indexFailure = failure;
        indexAnswered = true;
        peer.resume(this);
    }

    private Step indexAnswer() {
        object = fromIndex;
        fromIndex = null;
        StoreException failure = indexFailure;
        if (abandoned()) {
            return Step.RELEASE;
        }
        if (cancelled()) {
            answer(Status.CANCELLED, "");
            return Step.RELEASE;
        }
        if (failure != null) {
            answer(failure.status(), "cannot look the object up: " + failure.getMessage());
            return Step.ACCOUNT;
        }
        return object == null ? Step.MISS : Step.PIN;
    }

    /** There is no such object, or none any more. */
    private Step miss() {
        answer(Status.NOT_FOUND, "");
        return Step.RELEASE;
    }

    /** The object came pinned: it can't go while we deliver it. One that is expired, or that the client has, goes no further. */
    private Step pin() {
        StoredObject found = pinned();
        if (isExpired(found)) {
            return Step.MISS;
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
        StoredObject found = pinned();
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
        if (cancelled()) {
            answer(Status.CANCELLED, "");
            return Step.RELEASE;
        }
        if (output.full()) {
            output.awaitRoom(this);
            return Step.ANSWER;
        }
        StoredObject found = pinned();
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
        StoredObject found = pinned();
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
        answerEnd(position < end && !failed ? Status.CANCELLED : failed ? Status.IO_ERROR : Status.OK);
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

    /** What the figures say of it; done, and ready for the next request. */
    private Step account() {
        count();
        return Step.DECODE;
    }

    /** In time until the last of the body is on its way. */
    @Override
    public boolean cancel() {
        boolean inTime =
                switch (step) {
                    case AUTHORIZE, LOOKUP, ANSWER -> true;
                    case DELIVER -> position < end && !failed;
                    case DECODE, MISS, PIN, CHOOSE, RELEASE, ACCOUNT -> false; // never waited at
                };
        return inTime && cancelInTime();
    }

    @Override
    public void abandon() {
        super.abandon();
        if (step == Step.LOOKUP && indexAsked && !indexAnswered) {
            return; // the index comes back, and indexAnswer lets go
        }
        StoredObject late = fromIndex;
        fromIndex = null;
        if (late != null) {
            late.unpin();
        }
        release();
        step = Step.DECODE;
    }

    private StoredObject pinned() {
        StoredObject found = object;
        if (found == null) {
            throw new IllegalStateException("no object at " + step);
        }
        return found;
    }
}
