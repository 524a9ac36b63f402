package org.objmapper.server.exchange;

import org.objmapper.protocol.Frame;
import org.objmapper.protocol.MetadataReader;

/** A request that is answered as soon as its turn has come: it waits for nothing, so it can't be cancelled. */
abstract class PromptExchange extends Exchange {
    PromptExchange(Peer peer, Output output) {
        super(peer, output);
    }

    /** Reads a request without a body; who has more to read calls this first. */
    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        decodeEntries(metadata);
        refuseBody(frame);
    }

    @Override
    public final boolean run() {
        if (isRefused()) {
            answerRefusal();
        } else {
            reply();
        }
        return true;
    }

    /** Answers a request that was not refused. */
    protected abstract void reply();
}
