package org.objmapper.server.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.HitCount;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.Store;

/** HITS (protocol-spec.md 5.14): what a client gave of its own. Whoever may GET may say so. */
public final class HitsExchange extends PromptExchange {
    private final Store store;
    private final List<HitCount> counts = new ArrayList<>();

    public HitsExchange(Peer peer, Output output, Store store) {
        super(peer, output);
        this.store = store;
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        remember(frame);
        counts.clear();
        if (!peer.allows(Operation.GET)) {
            refuse(Status.DENIED, "HITS is not allowed on this socket, as GET is not");
        }
        decodeEntries(metadata);
        if (!peer.terms().takesHits()) {
            refuse(Status.UNSUPPORTED, "HITS was not granted with HELLO");
        } else if (frame.hasMore()) {
            refuse(Status.BAD_REQUEST, "HITS with MORE; it has its body in one frame");
        } else if (frame.bodyLength() == 0) {
            refuse(Status.BAD_REQUEST, "HITS without an entry");
        } else {
            decodeCounts(metadata.buffer().slice(frame.bodyOffset(), frame.bodyLength()));
        }
    }

    private void decodeCounts(ByteBuffer body) {
        body.order(ByteOrder.LITTLE_ENDIAN);
        try {
            while (body.hasRemaining()) {
                counts.add(HitCount.read(body));
            }
        } catch (MalformedFrame e) {
            refuse(Status.BAD_REQUEST, String.valueOf(e.getMessage()));
        }
    }

    @Override
    protected void reply() {
        for (HitCount count : counts) {
            store.servedByClient(count.key(), count.hits());
        }
        counts.clear();
        answer(Status.OK, "");
    }
}
