package org.objmapper.server.exchange;

import java.nio.ByteBuffer;
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
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.ThreadCounters;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreException;
import org.objmapper.server.store.StoredObject;
import org.objmapper.server.store.Variants;

/**
 * How a GET works, and a HEAD, which is a GET without its body. The steps stand below in the order in which they are taken; each is a
 * method that returns the next one. A step that has to wait, for the index or for room in the output, returns itself after having said
 * who will run the exchange again.
 */
public final class GetExchange extends StoreExchange implements Store.Lookup, Store.Opening {
    /**
     * The way of a GET. What can't be served leaves it early, for RELEASE or ACCOUNT; what is not there, by way of MISS. It begins and ends
     * at DECODE: there an exchange stands that has no request.
     */
    enum Step {
        DECODE,
        AUTHORIZE,
        LOOKUP,
        MISS,
        CHECK,
        CHOOSE,
        OPEN,
        ANSWER,
        DELIVER,
        RELEASE,
        ACCOUNT
    }

    /** A body's DATA frames are at most this long, so that other replies come between them. */
    private static final int SLICE = 256 * 1024;
    /** Each header is a message of its own there, which wakes the client. */
    private static final int SLICE_BY_SPLICE = 512 * 1024;

    private final StoredFiles files;
    private final ThreadCounters counters;
    private final GetRequest request = new GetRequest();
    private Step step = Step.DECODE;

    /** The moment before the look-up, for the token of a miss. */
    private long fillTime;

    private final byte[] fillToken = new byte[Store.FILL_TOKEN_BYTES];

    // The words of the validity table from before the look-up.
    private long epoch;
    private long word;

    // What the index says, on a thread of its own.
    private boolean indexAsked;
    private volatile boolean indexAnswered;
    private volatile @Nullable StoredObject fromIndex;
    private volatile @Nullable StoreException indexFailure;

    // What the device of the object opens, on a thread of its own.
    private boolean openAsked;
    private volatile boolean openAnswered;
    private volatile int fromDevice;

    // The answer: the object, and which of its bytes are still to go, by which way.
    private @Nullable StoredObject object;
    private StoredFiles.@Nullable StoredFile file;
    private @Nullable Mode modeAsked;
    private Mode mode = Mode.INLINE;
    private long position;
    private long end;
    private boolean failed;
    /** Pieces of the file that the output has not sent yet. */
    private int piecesUnderWay;
    /** END follows them. */
    private boolean endIsQueued;

    /** A piece of the file went with the answer itself: it is read when the exchange is done. */
    private boolean sentBehindAnswer;

    GetExchange(Peer peer, Output output, Store store, StoredFiles files, ThreadCounters counters) {
        super(peer, output, store);
        this.files = files;
        this.counters = counters;
    }

    @Override
    public boolean run() {
        while (step != Step.DECODE) { // there already: it was abandoned after what it waited for was on its way
            Step at = step;
            step = switch (at) {
                case DECODE -> throw new AssertionError();
                case AUTHORIZE -> authorizeOrRefuse();
                case LOOKUP -> lookup();
                case MISS -> miss();
                case CHECK -> check();
                case CHOOSE -> choose();
                case OPEN -> open();
                case ANSWER -> answerHeader();
                case DELIVER -> deliver();
                case RELEASE -> release();
                case ACCOUNT -> account();
            };
            if (step == at) {
                return false;
            }
        }
        return true;
    }

    /** DECODE: the session brings a frame, which becomes a request; what is wrong with it is answered at the next step. */
    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        remember(frame);
        request.begin();
        modeAsked = null;
        indexAsked = false;
        openAsked = false;
        object = null;
        failed = false;
        piecesUnderWay = 0;
        endIsQueued = false;
        sentBehindAnswer = false;
        refuseBody(frame);
        decodeEntries(metadata);
        if (request.hasKey()) {
            keyHash = store.hash(request.keyBuffer(), request.keyOffset(), request.keyLength());
        } else {
            refuse(Status.BAD_REQUEST, Operation.nameOf(operation) + " without KEY");
        }
        step = Step.AUTHORIZE;
    }

    @Override
    protected void decodeEntry(@Nullable MetadataType type, MetadataReader metadata) {
        if (type == MetadataType.MODE) {
            decodeMode(Integer.toUnsignedLong(metadata.u32()));
        } else if (type == MetadataType.REQUEST_HEADER && !peer.terms().hasVariants()) {
            return; // 7.5
        } else if (type != null) {
            request.take(type, metadata);
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
        request.keep();
    }

    /** AUTHORIZE: may this peer do this? What it may not do, and what made no sense as it was decoded, is answered here. */
    private Step authorizeOrRefuse() {
        authorize();
        if (isRefused()) {
            answerRefusal();
            return Step.ACCOUNT;
        }
        return Step.LOOKUP;
    }

    /**
     * LOOKUP: the tables in memory first; what has to be opened, and what only the index knows, is a queue's work, and this step waits for
     * that. What is found comes pinned, so that it can't go while we deliver it.
     */
    private Step lookup() {
        if (indexAsked) {
            return indexAnswered ? takeIndexAnswer() : Step.LOOKUP;
        }
        fillTime = store.fillTime();
        if (peer.terms().hasValidity()) {
            epoch = store.validityEpoch();
            word = store.validityWord(keyHash);
        }
        object = store.hot(keyHash, request.keyBuffer(), request.keyOffset(), request.keyLength(), request.headers());
        if (object != null) {
            return Step.CHECK;
        }
        if (request.headers().unmatched() != null) {
            return Step.MISS;
        }
        boolean absent = store.isAbsent(request.keyBuffer(), request.keyOffset(), request.keyLength());
        return absent ? Step.MISS : askIndex();
    }

    private Step askIndex() {
        indexAnswered = false;
        fromIndex = null;
        indexFailure = null;
        request.headers().keep();
        indexAsked = store.lookup(request.key(), keyHash, request.headers(), this);
        if (!indexAsked) {
            answer(Status.BUSY, "the queue of the index, or of the device that has the object, is full");
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

    private Step takeIndexAnswer() {
        object = fromIndex;
        fromIndex = null;
        StoreException failure = indexFailure;
        if (abandoned()) {
            return Step.RELEASE;
        }
        if (cancelled()) {
            return answerCancelled();
        }
        if (failure != null) {
            failedOn(failure.device());
            answer(failure.status(), "cannot look the object up: " + failure.getMessage());
            return Step.ACCOUNT;
        }
        return object == null ? Step.MISS : Step.CHECK;
    }

    private Step answerCancelled() {
        answer(Status.CANCELLED, "");
        return Step.RELEASE;
    }

    /**
     * MISS: there is no such object, or none any more; a client that fills it in is given the token for that, and the names of the headers
     * that it would have to give to get one of those that are there.
     */
    private Step miss() {
        counters.count(Metric.STORE_MISSES);
        Variants there = peer.terms().hasVariants() ? missed() : null;
        FrameWriter frame = output.frame(REPLY_ROOM + (there == null ? 0 : there.namesBytes()));
        frame.begin(operation, Frame.REPLY, requestId, Status.NOT_FOUND, 0);
        if (peer.terms().givesFillTokens()) {
            store.fillToken(fillTime, fillToken);
            frame.bytes(MetadataType.FILL_TOKEN, fillToken);
        }
        if (there != null) {
            there.writeNames(frame);
        }
        explain(frame, Status.NOT_FOUND, "");
        output.end(null);
        return Step.RELEASE;
    }

    /** What stands under the key; null where nothing with a variant does. */
    private @Nullable Variants missed() {
        StoredObject expired = object;
        return expired == null ? request.headers().unmatched() : expired.variants();
    }

    /** CHECK: an object that is expired is none, and one that the client has already goes no further. */
    private Step check() {
        StoredObject found = pinned();
        if (found.mayExpire() && request.findsExpired(found, store.nowMillis())) {
            return Step.MISS;
        }
        counters.count(Metric.STORE_HITS);
        store.found(found);
        if (!request.isAnsweredBy(found)) {
            return Step.CHOOSE;
        }
        FrameWriter frame = output.frame(REPLY_ROOM + found.metadata().limit());
        frame.begin(operation, Frame.REPLY, requestId, Status.NOT_MODIFIED, found.length());
        describeValidity(frame, found);
        frame.encoded(found.metadata(), 0, found.metadata().limit());
        output.end(null);
        return Step.RELEASE;
    }

    /** CHOOSE: which bytes, and how they travel: from what the session asked, the object's size, and where it is. */
    private Step choose() {
        StoredObject found = pinned();
        if (!request.cutRange(found.length())) {
            answer(
                    Status.RANGE_NOT_SATISFIABLE,
                    "the range (" + request.range() + ") lies outside the object's " + found.length() + " bytes",
                    found.length());
            return Step.RELEASE;
        }
        position = request.position();
        end = request.end();
        mode = operation == Operation.HEAD ? Mode.INLINE : chooseMode(found);
        return mode == Mode.FDPASS && found.mayHang() ? Step.OPEN : Step.ANSWER;
    }

    private Mode chooseMode(StoredObject found) {
        Terms terms = peer.terms();
        Mode chosen = Choice.of(
                modeAsked == null ? terms.mode() : modeAsked,
                end - position,
                found.inlineBody() == null && !found.mayHang(),
                terms.inlineLimit(),
                terms.takesDescriptors());
        boolean mayHold = chosen != Mode.FDPASS || !peer.held().share.isOver() && hasDescriptor(found);
        return mayHold ? chosen : Mode.COPY;
    }

    private boolean hasDescriptor(StoredObject found) {
        int descriptor = found.ensureDescriptor();
        store.makeRoomFor(descriptor);
        return descriptor >= 0;
    }

    /** OPEN: where the object's file system may hang, its device opens the descriptor that is passed, and this step waits for that. */
    private Step open() {
        if (openAsked) {
            return openAnswered ? takeOpened() : Step.OPEN;
        }
        openAnswered = false;
        request.keep();
        openAsked = store.openAnew(pinned(), this);
        if (!openAsked) {
            answer(Status.BUSY, "the queue of the object's device is full");
            return Step.RELEASE;
        }
        return Step.OPEN;
    }

    /** The device has answered; on one of its threads. */
    @Override
    public void opened(int descriptor) {
        fromDevice = descriptor;
        openAnswered = true;
        peer.resume(this);
    }

    private Step takeOpened() {
        StoredObject found = pinned();
        int descriptor = fromDevice;
        if (descriptor >= 0) {
            fileOf(found).opened(descriptor);
        } else if (found.isOffline() && !abandoned()) {
            release(); // its device may have it, where that was a cache; or else the look-up says what is wrong
            openAsked = false;
            return askIndex();
        } else {
            mode = Mode.COPY;
        }
        return abandoned() ? Step.RELEASE : Step.ANSWER;
    }

    /** ANSWER: header and metadata; the body too, where it goes in the same frame or as a descriptor. */
    private Step answerHeader() {
        if (cancelled()) {
            return answerCancelled();
        }
        if (output.full()) {
            output.awaitRoom(this);
            return Step.ANSWER;
        }
        StoredObject found = pinned();
        boolean streamed = mode == Mode.COPY || mode == Mode.SPLICE;
        int here = mode == Mode.INLINE && operation == Operation.GET ? (int) (end - position) : 0;
        FrameWriter frame = beginReply(found.metadata().limit() + here, streamed ? Frame.MORE : 0, found.length());
        if (operation == Operation.GET) {
            describeBody(frame, found);
        }
        describeValidity(frame, found);
        frame.encoded(found.metadata(), 0, found.metadata().limit());
        if (here > 0) {
            endWithBody(frame, found, here);
        } else {
            output.end(mode == Mode.FDPASS ? fileOf(found) : null);
        }
        if (isWholeBySplice(found)) {
            fileOf(found).beginWholeBody();
        }
        return streamed ? Step.DELIVER : Step.RELEASE;
    }

    private void describeBody(FrameWriter frame, StoredObject found) {
        if (request.hasRange()) {
            frame.pair(MetadataType.RANGE, position, end - position);
        }
        frame.u32(MetadataType.MODE, mode.code());
        if (mode == Mode.FDPASS) {
            peer.held().share.handed(found);
            frame.pair(MetadataType.DESCRIPTOR_RANGE, position, end - position);
            if (peer.terms().sharesDescriptors() && share(fileOf(found))) {
                frame.u32(MetadataType.SHARED, 1);
            }
        }
    }

    /** How the client will know whether this answer is still right (protocol-spec.md 11); nothing where it changed while it was looked up. */
    private void describeValidity(FrameWriter frame, StoredObject found) {
        if (peer.terms().hasValidity() && (epoch & 1) == 0 && (word & 1) == 0) {
            long deadline = found.expiryMillis() == Long.MAX_VALUE ? Limits.UNKNOWN : found.expiryMillis();
            frame.validity(epoch, store.validitySlot(keyHash), word, deadline);
        }
    }

    private boolean share(SentFile sent) {
        boolean shared = sent.share(peer.uid());
        if (shared) {
            store.makeRoomFor(sent.passedDescriptor());
        }
        return shared;
    }

    /** DELIVER: the body in slices, as the client takes them. One may still fail while it is sent: END goes out again then, and says so. */
    private Step deliver() {
        StoredObject found = pinned();
        int slice = Math.min(
                mode == Mode.SPLICE ? SLICE_BY_SPLICE : SLICE, peer.terms().maxFrame() - Limits.HEADER);
        while (position < end && !cancelled() && !failed) {
            if (output.full()) {
                output.awaitRoom(this);
                return Step.DELIVER;
            }
            int length = (int) Math.min(end - position, slice);
            FrameWriter frame = output.frame(REPLY_ROOM + (found.inlineBody() == null ? 0 : length));
            frame.begin(Operation.DATA, Frame.REPLY, requestId, Status.OK, 0);
            endWithBody(frame, found, length);
        }
        if (piecesUnderWay > 0) {
            if (position == end && !failed && !endIsQueued) {
                output.endBody(requestId, this);
                endIsQueued = true;
            }
            output.awaitRoom(this);
            return Step.DELIVER;
        }
        if (position == end && !failed && isWholeBySplice(found)) {
            fileOf(found).endWholeBody();
        }
        if (!endIsQueued) {
            answerEnd(failed ? Status.IO_ERROR : position < end ? Status.CANCELLED : Status.OK);
        }
        return Step.RELEASE;
    }

    private boolean isWholeBySplice(StoredObject found) {
        return mode == Mode.SPLICE && found.inlineBody() == null && end - request.position() == found.length();
    }

    /** Ends a frame with the next bytes of the body: from memory where they stand there, or else from the object's file. */
    private void endWithBody(FrameWriter frame, StoredObject found, int length) {
        ByteBuffer inMemory = found.inlineBody();
        ByteBuffer into = frame.body();
        if (inMemory == null) {
            sentBehindAnswer = mode == Mode.INLINE;
            piecesUnderWay++;
            output.endWithFile(fileOf(found), position, length, mode == Mode.SPLICE, this);
        } else {
            into.put(into.position(), inMemory, (int) position, length);
            into.position(into.position() + length);
            output.end(null);
        }
        position += length;
    }

    /** Not if the index may still come back to it, or a piece of a file that goes out behind its answer. */
    @Override
    public boolean isReusable() {
        return !indexAsked && !openAsked && !cancelled() && !sentBehindAnswer;
    }

    private StoredFiles.StoredFile fileOf(StoredObject found) {
        StoredFiles.StoredFile there = file;
        if (there == null) {
            there = files.of(found);
            file = there;
        }
        return there;
    }

    @Override
    public void pieceDone() {
        piecesUnderWay--;
    }

    @Override
    public boolean bodyFailed() {
        failed = true;
        endIsQueued = false;
        return mode != Mode.INLINE;
    }

    /** RELEASE: unpins the object; the output holds pins of its own for what it has not sent yet. */
    private Step release() {
        SentFile sent = file;
        StoredObject found = object;
        file = null;
        object = null;
        if (sent != null) {
            sent.unpin(); // it has the object's pin
        } else if (found != null) {
            found.unpin();
        }
        return Step.ACCOUNT;
    }

    /** ACCOUNT: what the figures say of it; done, and ready for the next request. */
    private Step account() {
        counters.count(operation == Operation.GET ? Metric.REQUESTS_GET : Metric.REQUESTS_HEAD);
        return Step.DECODE;
    }

    // ---- its early end

    /** In time until the last of the body is on its way. */
    @Override
    public boolean cancel() {
        boolean inTime =
                switch (step) {
                    case AUTHORIZE, LOOKUP, OPEN, ANSWER -> true;
                    case DELIVER -> position < end && !failed;
                    case DECODE, MISS, CHECK, CHOOSE, RELEASE, ACCOUNT -> false; // never waited at
                };
        return inTime && cancelInTime();
    }

    @Override
    public void abandon() {
        super.abandon();
        if (step == Step.LOOKUP && indexAsked && !indexAnswered) {
            return; // the index comes back, and takeIndexAnswer lets go
        }
        if (step == Step.OPEN && openAsked) {
            return; // the device comes back, and takeOpened lets go
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
