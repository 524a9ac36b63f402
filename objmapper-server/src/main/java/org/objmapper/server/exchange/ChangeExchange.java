package org.objmapper.server.exchange;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.ObjectMetadata;
import org.objmapper.server.store.Result;
import org.objmapper.server.store.Store;

/**
 * What all requests have in common that change objects: parameters are read, the store is asked once, its result is the answer. A
 * change that the store took on happens, even if the client cancels it or is gone.
 */
abstract class ChangeExchange extends Exchange {
    private static final int REPLY_ROOM = 1_024 + 512;

    protected final Store store;
    protected byte @Nullable [] key;
    protected @Nullable Long ifGeneration;
    protected boolean durable;
    protected @Nullable Long ttlMillis;
    protected final ObjectMetadata objectMetadata = new ObjectMetadata();

    private @Nullable Status refusedWith;
    private String refusal = "";
    private boolean asked;
    private boolean answered;
    private volatile @Nullable Result result;

    ChangeExchange(Peer peer, Output output, Store store) {
        super(peer, output);
        this.store = store;
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        metadata.rewind();
        while (metadata.next() && refusedWith == null) {
            decodeEntry(metadata);
        }
        if (key == null && needsKey()) {
            refuse(Status.BAD_REQUEST, Operation.nameOf(operation) + " without KEY");
        }
        if (operation != Operation.PUT && (frame.bodyLength() != 0 || frame.hasMore())) {
            refuse(Status.BAD_REQUEST, Operation.nameOf(operation) + " takes no body");
        }
        decoded(frame);
    }

    private void decodeEntry(MetadataReader metadata) {
        int code = metadata.type();
        MetadataType type = MetadataType.of(code);
        StringBuilder why = new StringBuilder();
        if (refuses(metadata, why)) {
            refuse(type == null ? Status.UNSUPPORTED : Status.BAD_REQUEST, why.toString());
        } else if (MetadataType.isObjectMetadata(code)) {
            objectMetadata.add(code, metadata.bytes());
        } else if (type != null) {
            decodeParameter(type, metadata);
        }
    }

    /** Takes a parameter; those that the operation has no use for are passed over. */
    protected void decodeParameter(MetadataType type, MetadataReader metadata) {
        switch (type) {
            case KEY -> {
                key = metadata.bytes();
                keyHash = store.hash(metadata.buffer(), metadata.offset(), metadata.length());
            }
            case IF_GENERATION -> ifGeneration = metadata.u64();
            case TTL -> ttlMillis = metadata.u64();
            case DURABILITY -> {
                durable = metadata.u32() == 1;
                if (metadata.u32() != 0 && metadata.u32() != 1) {
                    refuse(
                            Status.BAD_REQUEST,
                            "durability " + Integer.toUnsignedString(metadata.u32())
                                    + " is neither relaxed (0) nor durable (1)");
                }
            }
            default -> {
                // of no use here
            }
        }
    }

    /** Whether the request makes no sense without a key. */
    protected boolean needsKey() {
        return true;
    }

    /** All metadata is read. */
    protected void decoded(Frame frame) {}

    /** The request is answered so, unless it was refused for another reason before. */
    protected final void refuse(Status status, String why) {
        if (refusedWith == null) {
            refusedWith = status;
            refusal = why;
        }
    }

    /** The key, where {@link #needsKey}. */
    protected final byte[] theKey() {
        byte[] there = key;
        if (there == null) {
            throw new IllegalStateException("no key in " + Operation.nameOf(operation));
        }
        return there;
    }

    @Override
    public boolean changes() {
        return true;
    }

    @Override
    public boolean run() {
        if (answered) {
            return !wantsBody();
        }
        Status refused = refusedWith;
        Result there = result;
        if (there != null) {
            return reply(there);
        }
        if (asked || abandoned()) {
            return abandoned();
        }
        if (!peer.allows(operation)) {
            refused = Status.DENIED;
            refusal = Operation.nameOf(operation) + " is not allowed on this socket";
        } else if (cancelled()) {
            refused = Status.CANCELLED;
            refusal = "";
        }
        if (refused != null) {
            letGo();
            return replied(refused, refusal);
        }
        return proceed();
    }

    /** Goes on to the point where the store can be asked; true when the request is answered. */
    protected boolean proceed() {
        return ask();
    }

    /** Lets go of what came with the request: nothing comes of it. */
    protected void letGo() {}

    /** Asks the store; it answers to {@link #took}. False when too much waits already. */
    protected abstract boolean start();

    /** Asks the store, once. */
    protected final boolean ask() {
        asked = true;
        if (!start()) {
            return replied(Status.BUSY, "the store's queue is full");
        }
        return false;
    }

    /** Whether the store was asked: the change happens. */
    protected final boolean asked() {
        return asked;
    }

    protected final boolean answered() {
        return answered;
    }

    /** The store has answered; on one of its threads. */
    protected final void took(Result told) {
        result = told;
        peer.resume(this);
    }

    /** Answers without the store. */
    protected final boolean replied(Status status, String message) {
        answered = true;
        answer(status, message);
        store.figures().count(operation);
        return !wantsBody();
    }

    private boolean reply(Result told) {
        answered = true;
        if (abandoned()) {
            return true;
        }
        FrameWriter frame = output.frame(REPLY_ROOM);
        frame.begin(operation, Frame.REPLY, requestId, told.status(), 0);
        if (told.status() == Status.OK) {
            writeResult(frame, told);
        } else {
            frame.message(told.message().isEmpty() ? told.status().sentence() : told.message());
            if (told.status() == Status.PRECONDITION_FAILED && told.generation() != 0) {
                frame.u64(MetadataType.GENERATION, told.generation());
            }
        }
        output.end(null);
        store.figures().count(operation);
        return !wantsBody();
    }

    /** Writes what a reply with OK carries. */
    protected abstract void writeResult(FrameWriter frame, Result told);
}
