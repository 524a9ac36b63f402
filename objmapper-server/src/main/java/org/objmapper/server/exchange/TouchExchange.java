package org.objmapper.server.exchange;

import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.store.Result;
import org.objmapper.server.store.Store;

/** TOUCH (protocol-spec.md 5.8). */
public final class TouchExchange extends ChangeExchange {
    public TouchExchange(Peer peer, Output output, Store store) {
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
        return store.touch(theKey(), objectMetadata, ttlMillis, ifGeneration, durable, this);
    }

    @Override
    protected void writeResult(FrameWriter frame, Result told) {
        frame.u64(MetadataType.GENERATION, told.generation());
    }
}
