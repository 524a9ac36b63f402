package org.objmapper.server.exchange;

import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.server.store.Result;
import org.objmapper.server.store.Store;

/** DELETE (protocol-spec.md 5.5). */
public final class DeleteExchange extends ChangeExchange {
    public DeleteExchange(Peer peer, Output output, Store store) {
        super(peer, output, store);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        super.decode(frame, metadata);
        refuseBody(frame);
        refuseWithoutKey();
    }

    @Override
    protected boolean start() {
        return store.delete(theKey(), ifGeneration, durable, this);
    }

    @Override
    protected void writeResult(FrameWriter frame, Result told) {}
}
