package org.objmapper.server.exchange;

import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** GOODBYE: no more is read from here on; when all else is answered, this is too, and the session closes. */
public final class GoodbyeExchange extends Exchange {
    private static final int ROOM = 256;

    private int givenUp;

    public GoodbyeExchange(Peer peer, Output output) {
        super(peer, output);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        decodeEntries(metadata);
        refuseBody(frame);
        givenUp = isRefused() ? 0 : peer.finishAndClose();
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
        if (isRefused()) {
            return answerRefusal();
        }
        FrameWriter frame = output.frame(ROOM);
        frame.begin(operation, Frame.REPLY, requestId, Status.OK, 0).u64(MetadataType.COUNT, givenUp);
        output.end(null);
        return true;
    }
}
