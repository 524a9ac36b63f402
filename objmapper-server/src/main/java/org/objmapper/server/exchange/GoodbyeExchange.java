package org.objmapper.server.exchange;

import org.objmapper.protocol.Frame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

/** GOODBYE: no more is read from here on; when all else is answered, this is too, and the session closes. */
public final class GoodbyeExchange extends PromptExchange {
    private int givenUp;

    public GoodbyeExchange(Peer peer, Output output) {
        super(peer, output);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        super.decode(frame, metadata);
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
    protected void reply() {
        beginReply(0, 0, 0).u64(MetadataType.COUNT, givenUp);
        output.end(null);
    }
}
