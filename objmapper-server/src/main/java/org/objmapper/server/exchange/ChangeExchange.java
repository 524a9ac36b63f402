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
 * change that the store took on happens: it can't be cancelled any more, and goes on if the client is gone.
 */
abstract class ChangeExchange extends StoreExchange implements Result.Outcome {
    protected byte @Nullable [] key;
    protected @Nullable Long ifGeneration;
    protected boolean durable;
    protected @Nullable Long ttlMillis;
    protected final ObjectMetadata objectMetadata = new ObjectMetadata();

    /** Memory that an entry of object metadata takes beside its bytes. */
    private static final int ENTRY_BYTES = 48;

    private boolean asked;
    private boolean answered;
    private volatile @Nullable Result result;

    ChangeExchange(Peer peer, Output output, Store store) {
        super(peer, output, store);
    }

    /** Reads what every change may have; who has more calls this first. */
    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        decodeEntries(metadata);
        String problem = objectMetadata.variantProblem();
        if (problem != null) {
            refuseVariant(Status.BAD_REQUEST, problem);
        }
    }

    /** Only a PUT and a TOUCH have any use for one. */
    private void refuseVariant(Status status, String why) {
        if (operation == Operation.PUT || operation == Operation.TOUCH) {
            refuse(status, why);
        }
    }

    @Override
    protected void decodeEntry(@Nullable MetadataType type, MetadataReader metadata) {
        if (MetadataType.isObjectMetadata(metadata.type())) {
            decodeObjectMetadata(type, metadata);
        } else if (type != null) {
            decodeParameter(type, metadata);
        }
    }

    private void decodeObjectMetadata(@Nullable MetadataType type, MetadataReader metadata) {
        if (type == MetadataType.EVICTABLE) {
            decodeChoice(metadata, "evictable", "kept", "evictable");
        }
        if (type == MetadataType.VARIANT && !peer.terms().hasVariants()) {
            refuseVariant(Status.UNSUPPORTED, "this session was not granted variants");
        }
        objectMetadata.add(metadata.type(), metadata.bytes());
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
            case DURABILITY -> durable = decodeChoice(metadata, "durability", "relaxed", "durable");
            default -> {
                // of no use here
            }
        }
    }

    /** Whether the second of two choices is taken; what is neither is refused. */
    private boolean decodeChoice(MetadataReader metadata, String what, String zero, String one) {
        int value = metadata.u32();
        if (value != 0 && value != 1) {
            refuse(
                    Status.BAD_REQUEST,
                    what + " " + Integer.toUnsignedString(value) + " is neither " + zero + " (0) nor " + one + " (1)");
        }
        return value == 1;
    }

    protected final void refuseWithoutKey() {
        if (key == null) {
            refuse(Status.BAD_REQUEST, Operation.nameOf(operation) + " without KEY");
        }
    }

    /** The key of a request that was not {@link #refuseWithoutKey refused without}. */
    protected final byte[] theKey() {
        byte[] there = key;
        if (there == null) {
            throw new IllegalStateException("no key in " + Operation.nameOf(operation));
        }
        return there;
    }

    @Override
    public int keptBytes() {
        return super.keptBytes() + objectMetadata.size() * ENTRY_BYTES;
    }

    @Override
    public boolean changes() {
        return true;
    }

    @Override
    public boolean isAnswered() {
        return answered;
    }

    @Override
    public boolean cancel() {
        return !asked && !answered && cancelInTime();
    }

    @Override
    public boolean run() {
        if (answered) {
            return !wantsBody();
        }
        Result told = result;
        if (told != null) {
            return reply(told);
        }
        if (asked || abandoned()) {
            return abandoned();
        }
        if (isRefused()) {
            letGo();
            answerRefusal();
            return answered();
        }
        return proceed();
    }

    /** Goes on to the point where the store can be asked; true when the request is answered. */
    protected boolean proceed() {
        return ask();
    }

    /** Lets go of what came with the request: nothing comes of it. */
    protected void letGo() {}

    /** Asks the store; it tells this what becomes of it. False when too much waits already. */
    protected abstract boolean start();

    /** Asks the store, once. */
    protected final boolean ask() {
        asked = true;
        if (!start()) {
            answer(Status.BUSY, "the store's queue is full");
            return answered();
        }
        return false;
    }

    @Override
    public final void done(Result told) {
        result = told;
        peer.resume(this);
    }

    @Override
    public final void doneWithOthers(Result told) {
        result = told;
        peer.resumeOnceAwake(this);
    }

    @Override
    public final void allDone() {
        peer.wake();
    }

    /** Whether nothing of the request can be changed any more: the store has it, or it is answered. */
    protected final boolean settled() {
        return asked || answered || abandoned() || isRefused();
    }

    private boolean reply(Result told) {
        if (abandoned()) {
            answered = true;
            return true;
        }
        FrameWriter frame = beginAnswer(told.status(), told.message(), told.length());
        if (told.status() == Status.OK) {
            writeResult(frame, told);
        } else if (told.status() == Status.PRECONDITION_FAILED && told.generation() != 0) {
            frame.u64(MetadataType.GENERATION, told.generation());
        }
        output.end(null);
        return answered();
    }

    /** The answer is written; true unless frames of the body are still to be passed over. */
    private boolean answered() {
        answered = true;
        count();
        return !wantsBody();
    }

    /** Writes what a reply with OK carries. */
    protected abstract void writeResult(FrameWriter frame, Result told);
}
