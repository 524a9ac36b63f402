package org.objmapper.server.exchange;

import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** GOODBYE: waits until all else is answered, answers, and the session closes. */
public final class GoodbyeExchange extends Exchange {
    private static final int ROOM = 256;

    public GoodbyeExchange(Peer peer, Output output) {
        super(peer, output);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
    }

    /** It comes after everything before it. */
    @Override
    public boolean isBarrier() {
        return true;
    }

    @Override
    public boolean changes() {
        return true;
    }

    @Override
    public boolean run() {
        FrameWriter frame = output.frame(ROOM);
        frame.begin(operation, Frame.REPLY, requestId, Status.OK, 0).u64(MetadataType.COUNT, 0);
        output.end(null);
        peer.finishAndClose();
        return true;
    }
}
