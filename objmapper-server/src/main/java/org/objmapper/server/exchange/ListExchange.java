package org.objmapper.server.exchange;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.ListEntry;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreException;

/** LIST (protocol-spec.md 5.6): asks the store for a page, and sends it as the client takes it. */
public final class ListExchange extends StoreExchange implements Store.Listing {
    private static final int SLICE = 64 * 1024;

    private record Page(
            List<ListEntry> entries,
            byte @Nullable [] cursor,
            @Nullable StoreException failure) {}

    private byte[] prefix = {};
    private byte @Nullable [] cursor;
    private int limit = Limits.DEFAULT_LIST;
    private boolean asked;
    private boolean begun;
    private boolean streamed;
    private int next;
    private volatile @Nullable Page page;

    public ListExchange(Peer peer, Output output, Store store) {
        super(peer, output, store);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        refuseBody(frame);
        decodeEntries(metadata);
    }

    @Override
    protected void decodeEntry(@Nullable MetadataType type, MetadataReader metadata) {
        if (type == MetadataType.PREFIX) {
            prefix = metadata.bytes();
        } else if (type == MetadataType.CURSOR) {
            cursor = metadata.bytes();
        } else if (type == MetadataType.LIMIT) {
            limit = metadata.u32();
            if (limit < 1 || limit > Limits.MAX_LIST) {
                refuse(
                        Status.BAD_REQUEST,
                        "a limit of " + Integer.toUnsignedString(limit) + "; it takes 1 to " + Limits.MAX_LIST);
            }
        }
    }

    @Override
    public boolean isBarrier() {
        return true;
    }

    @Override
    public boolean cancel() {
        Page there = page;
        boolean allSent = begun && there != null && next == there.entries().size();
        return !allSent && cancelInTime();
    }

    @Override
    public boolean run() {
        Page there = page;
        if (there == null) {
            return asked ? abandoned() : ask();
        }
        if (abandoned()) {
            return true;
        }
        StoreException failure = there.failure();
        if (failure != null) {
            return done(failure.status(), String.valueOf(failure.getMessage()));
        }
        if (!begun) {
            if (cancelled()) {
                return done(Status.CANCELLED, "");
            }
            begun = true;
            beginReply(there);
        }
        return !streamed ? account() : send(there.entries());
    }

    private boolean ask() {
        if (isRefused()) {
            answerRefusal();
            return account();
        }
        asked = true;
        return !store.list(prefix, cursor, limit, this) && done(Status.BUSY, "the index's queue is full");
    }

    /** The index has answered; on one of the store's threads. */
    @Override
    public void page(List<ListEntry> entries, byte @Nullable [] cursorBehind, @Nullable StoreException failure) {
        page = new Page(entries, cursorBehind, failure);
        peer.resume(this);
    }

    private void beginReply(Page there) {
        List<ListEntry> entries = there.entries();
        byte[] behind = there.cursor();
        int size = size(entries, 0, entries.size());
        streamed = size > SLICE;
        int room = (behind == null ? 0 : MetadataReader.sizeOf(behind.length)) + (streamed ? 0 : size);
        FrameWriter frame = beginReply(room, streamed ? Frame.MORE : 0, size);
        if (behind != null) {
            frame.bytes(MetadataType.CURSOR, behind);
        }
        frame.u64(MetadataType.COUNT, entries.size());
        if (!streamed) {
            write(frame.body(), entries, 0, entries.size());
            next = entries.size();
        }
        output.end(null);
    }

    private boolean send(List<ListEntry> entries) {
        while (next < entries.size() && !cancelled()) {
            if (output.full()) {
                output.awaitRoom(this);
                return false;
            }
            int until = sliceFrom(entries, next);
            FrameWriter frame = output.frame(REPLY_ROOM + size(entries, next, until));
            frame.begin(Operation.DATA, Frame.REPLY, requestId, Status.OK, 0);
            write(frame.body(), entries, next, until);
            output.end(null);
            next = until;
        }
        answerEnd(next < entries.size() ? Status.CANCELLED : Status.OK);
        return account();
    }

    private boolean done(Status status, String message) {
        answer(status, message);
        return account();
    }

    private boolean account() {
        count();
        return true;
    }

    private static int sliceFrom(List<ListEntry> entries, int from) {
        int until = from;
        int size = 0;
        while (until < entries.size()
                && (until == from || size + entries.get(until).size() <= SLICE)) {
            size += entries.get(until++).size();
        }
        return until;
    }

    private static int size(List<ListEntry> entries, int from, int until) {
        int size = 0;
        for (int i = from; i < until; i++) {
            size += entries.get(i).size();
        }
        return size;
    }

    private static void write(ByteBuffer into, List<ListEntry> entries, int from, int until) {
        for (int i = from; i < until; i++) {
            entries.get(i).write(into);
        }
    }
}
