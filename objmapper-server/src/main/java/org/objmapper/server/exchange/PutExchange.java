package org.objmapper.server.exchange;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.BodyWriter;
import org.objmapper.server.store.Put;
import org.objmapper.server.store.Result;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreException;

/**
 * PUT (protocol-spec.md 5.4). The body comes in the frame, in DATA frames, or as a descriptor, and is taken as it comes, even before
 * the request's turn; when it is whole, and the turn has come, the store is asked. A body that is not wanted any more is read to its
 * END and dropped.
 */
public final class PutExchange extends ChangeExchange {
    /** Of a request that is refused for want of one. */
    private static final byte[] NO_KEY = {};

    private boolean ifAbsent;
    private byte @Nullable [] expectedSha256;
    private @Nullable Long expectedXxh3;
    private byte @Nullable [] fillToken;
    private long objectLength;
    /** Bytes of the body that its first frame still owes. */
    private int leftInFrame;
    /** DATA frames and END are still to come. */
    private boolean open;
    /** The store had no room for the bytes that came last. */
    private boolean starved;

    private int descriptor = -1;
    private @Nullable BodyWriter writer;

    public PutExchange(Peer peer, Output output, Store store) {
        super(peer, output, store);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        objectLength = frame.objectLength();
        leftInFrame = frame.bodyLength();
        open = frame.hasMore();
        super.decode(frame, metadata);
        refuseWithoutKey();
        if (frame.descriptors() > 0 && (open || leftInFrame > 0)) {
            refuse(Status.BAD_REQUEST, "a PUT has a descriptor or a body, not both");
        }
        if (objectLength < 0 && objectLength != Limits.UNKNOWN) {
            refuse(Status.TOO_LARGE, "a body of " + Long.toUnsignedString(objectLength) + " bytes");
        }
    }

    @Override
    protected void decodeParameter(MetadataType type, MetadataReader metadata) {
        switch (type) {
            case IF_ABSENT -> ifAbsent = true;
            case EXPECTED_SHA256 -> expectedSha256 = metadata.bytes();
            case EXPECTED_XXH3 -> expectedXxh3 = metadata.u64();
            case FILL_TOKEN -> takeFillToken(metadata.bytes());
            default -> super.decodeParameter(type, metadata);
        }
    }

    private void takeFillToken(byte[] token) {
        if (peer.terms().givesFillTokens()) {
            fillToken = token;
        } else {
            refuse(Status.STALE_FILL, "this session was not granted fill tokens");
        }
    }

    // ---- the body

    @Override
    public boolean wantsBody() {
        return open;
    }

    @Override
    public void descriptor(int fd) {
        if (fd < 0) {
            refuse(Status.BAD_DESCRIPTOR, "the passed descriptor can't be taken: it is no regular file");
        }
        descriptor = fd;
    }

    @Override
    public int body(ByteBuffer from, int offset, int length) {
        int taken = settled() ? length : writer().write(from, offset, length);
        leftInFrame -= Math.min(leftInFrame, taken);
        starved = taken < length;
        if (!settled() && (isWhole() || writer().failure() != null)) {
            peer.resume(this);
        }
        return taken;
    }

    @Override
    public void endOfBody(Status status) {
        open = false;
        if (status != Status.OK && !settled()) {
            refuse(Status.CANCELLED, "the client ended the body with " + status);
        }
    }

    private boolean isWhole() {
        return !open && leftInFrame == 0;
    }

    private BodyWriter writer() {
        BodyWriter into = writer;
        if (into == null) {
            into = store.receive(
                    key == null ? NO_KEY : key, peer.uploads().share, objectLength, () -> peer.resume(this));
            writer = into;
        }
        return into;
    }

    // ---- the change

    @Override
    protected boolean proceed() {
        if (descriptor >= 0) {
            return ask();
        }
        StoreException failure = writer().failure();
        if (failure != null) {
            failedOn(failure.device());
            refuse(failure.status(), String.valueOf(failure.getMessage()));
            return run();
        }
        if (isWhole()) {
            return ask();
        }
        resumeBody();
        return false;
    }

    /** Has the session offer once more what there was no room for. */
    @Override
    public void resumeBody() {
        if (starved) {
            starved = false;
            peer.roomForBody();
        }
    }

    @Override
    protected boolean start() {
        Put put = new Put(
                        theKey(),
                        objectMetadata,
                        ttlMillis == null ? -1 : ttlMillis,
                        ifAbsent,
                        ifGeneration,
                        expectedSha256,
                        expectedXxh3,
                        durable)
                .filling(fillToken);
        if (descriptor >= 0) {
            int passed = descriptor;
            descriptor = -1;
            store.putDescriptor(put, passed, objectLength, peer.uid(), this);
        } else {
            BodyWriter whole = writer();
            writer = null;
            whole.finish(put, this);
        }
        return true;
    }

    @Override
    protected void letGo() {
        BodyWriter into = writer;
        writer = null;
        if (into != null) {
            into.discard();
        }
        if (descriptor >= 0) {
            peer.discard(descriptor);
            descriptor = -1;
        }
    }

    @Override
    public void abandon() {
        super.abandon();
        letGo();
    }

    @Override
    protected void writeResult(FrameWriter frame, Result told) {
        frame.u64(MetadataType.GENERATION, told.generation());
        byte[] sha256 = told.sha256();
        if (sha256 != null) {
            frame.bytes(MetadataType.SHA256, sha256);
        }
        Long xxh3 = told.xxh3();
        if (xxh3 != null) {
            frame.u64(MetadataType.XXH3, xxh3);
        }
    }
}
