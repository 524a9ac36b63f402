package org.objmapper.server.exchange;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.ListEntry;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.ListedPage;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreException;

/**
 * LIST (protocol-spec.md 5.6): asks the store for a page once there is room to send it, and a session's LISTs one after another. So a
 * client that does not read makes the server hold no page for it but the one on its way out.
 */
public final class ListExchange extends StoreExchange implements Store.Listing {
    private byte[] prefix = {};
    private byte @Nullable [] cursor;
    private int limit = Limits.DEFAULT_LIST;
    private boolean asked;
    private volatile @Nullable ListedPage page;

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
    public boolean takesTurns() {
        return true;
    }

    @Override
    public boolean cancel() {
        return cancelInTime();
    }

    @Override
    public boolean run() {
        ListedPage there = page;
        if (there == null) {
            return asked ? abandoned() : ask();
        }
        try (there) {
            return abandoned() || answer(there);
        }
    }

    private boolean ask() {
        if (isRefused()) {
            answerRefusal();
            return account();
        }
        if (output.full()) {
            output.awaitRoom(this);
            return false;
        }
        asked = true;
        return !store.list(prefix, cursor, limit, this) && done(Status.BUSY, "too many listings are under way");
    }

    /** The index has answered; on one of the store's threads. */
    @Override
    public void listed(ListedPage listed) {
        page = listed;
        peer.resume(this);
    }

    private boolean answer(ListedPage there) {
        StoreException failure = there.failure();
        if (failure != null) {
            return done(failure.status(), String.valueOf(failure.getMessage()));
        }
        if (cancelled()) {
            return done(Status.CANCELLED, "");
        }
        send(there);
        return account();
    }

    private void send(ListedPage there) {
        byte[] behind = there.cursor();
        int room = (behind == null ? 0 : MetadataReader.sizeOf(behind.length)) + there.size();
        FrameWriter frame = beginReply(room, 0, there.size());
        if (behind != null) {
            frame.bytes(MetadataType.CURSOR, behind);
        }
        frame.u64(MetadataType.COUNT, there.entries().size());
        ByteBuffer body = frame.body();
        for (ListEntry entry : there.entries()) {
            entry.write(body);
        }
        output.end(null);
    }

    private boolean done(Status status, String message) {
        answer(status, message);
        return account();
    }

    private boolean account() {
        count();
        return true;
    }
}
