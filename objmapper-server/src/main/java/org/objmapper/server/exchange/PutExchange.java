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
 * PUT (protocol-spec.md 5.4). The body comes in the frame, in DATA frames, or as a descriptor; when it is whole the store is asked. A
 * body that is not wanted any more is read to its END and dropped.
 */
public final class PutExchange extends ChangeExchange {
    private boolean ifAbsent;
    private byte @Nullable [] expectedSha256;
    private @Nullable Long expectedXxh3;
    private long objectLength;
    private int leftInFrame;
    private boolean bodyOpen;
    private int descriptor = -1;
    private @Nullable BodyWriter writer;
    private boolean bodyEnded;
    private boolean starved;

    public PutExchange(Peer peer, Output output, Store store) {
        super(peer, output, store);
    }

    @Override
    protected void decodeParameter(MetadataType type, MetadataReader metadata) {
        switch (type) {
            case IF_ABSENT -> ifAbsent = true;
            case EXPECTED_SHA256 -> expectedSha256 = metadata.bytes();
            case EXPECTED_XXH3 -> expectedXxh3 = metadata.u64();
            case FILL_TOKEN -> refuse(Status.STALE_FILL, "this server gave out no such fill token since it started");
            default -> super.decodeParameter(type, metadata);
        }
    }

    @Override
    protected void decoded(Frame frame) {
        objectLength = frame.objectLength();
        bodyOpen = frame.hasMore();
        leftInFrame = frame.bodyLength();
        if (frame.descriptors() > 0 && (bodyOpen || leftInFrame > 0)) {
            refuse(Status.BAD_REQUEST, "a PUT has a descriptor or a body, not both");
        }
        if (objectLength < 0 && objectLength != Limits.UNKNOWN) {
            refuse(Status.TOO_LARGE, "a body of " + Long.toUnsignedString(objectLength) + " bytes");
        }
    }

    @Override
    public boolean wantsBody() {
        return bodyOpen;
    }

    @Override
    public void descriptor(int fd) {
        descriptor = fd;
    }

    @Override
    protected boolean proceed() {
        BodyWriter into = writer;
        if (descriptor >= 0) {
            return ask();
        }
        if (into == null) {
            into = store.receive(objectLength, () -> peer.resume(this));
            writer = into;
        }
        StoreException failure = into.failure();
        if (failure != null) {
            letGo();
            return replied(failure.status(), String.valueOf(failure.getMessage()));
        }
        if (bodyEnded || (!bodyOpen && leftInFrame == 0)) {
            return ask();
        }
        if (starved) {
            starved = false;
            peer.roomForBody();
        }
        return false;
    }

    @Override
    public int body(ByteBuffer from, int offset, int length) {
        BodyWriter into = writer;
        if (into == null || answered() || asked()) {
            leftInFrame -= Math.min(leftInFrame, length);
            return length;
        }
        int taken = into.write(from, offset, length);
        leftInFrame -= Math.min(leftInFrame, taken);
        starved = taken < length;
        if (into.failure() != null || (!bodyOpen && leftInFrame == 0)) {
            peer.resume(this);
        }
        return taken;
    }

    @Override
    public void endOfBody(Status status) {
        bodyOpen = false;
        bodyEnded = true;
        if (status != Status.OK && !asked()) {
            refuse(Status.CANCELLED, "the client ended the body with " + status);
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
                durable);
        if (descriptor >= 0) {
            return startFromDescriptor(put);
        }
        BodyWriter into = writer;
        writer = null;
        if (into != null) {
            into.finish(put, this::took);
        }
        return into != null;
    }

    private boolean startFromDescriptor(Put put) {
        int passed = descriptor;
        descriptor = -1;
        if (store.putDescriptor(put, passed, objectLength, peer.uid(), this::took)) {
            return true;
        }
        peer.discard(passed);
        return false;
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
