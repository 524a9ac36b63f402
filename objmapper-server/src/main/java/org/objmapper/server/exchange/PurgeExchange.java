package org.objmapper.server.exchange;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.Result;
import org.objmapper.server.store.Store;

/** PURGE by key, prefix, tag or ban (protocol-spec.md 5.7). */
public final class PurgeExchange extends ChangeExchange {
    private byte @Nullable [] prefix;
    private byte @Nullable [] tag;
    private byte @Nullable [] ban;
    private boolean soft;

    public PurgeExchange(Peer peer, Output output, Store store) {
        super(peer, output, store);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        super.decode(frame, metadata);
        refuseBody(frame);
        int targets = (key == null ? 0 : 1) + (prefix == null ? 0 : 1) + (tag == null ? 0 : 1) + (ban == null ? 0 : 1);
        if (targets != 1) {
            refuse(
                    Status.BAD_REQUEST,
                    "PURGE takes exactly one of KEY, PREFIX, PURGE_TAG and BAN; this has " + targets);
        } else if (ban != null && !peer.terms().hasBans()) {
            refuse(Status.UNSUPPORTED, "this session was not granted bans");
        }
    }

    @Override
    protected void decodeParameter(MetadataType type, MetadataReader metadata) {
        switch (type) {
            case PREFIX -> prefix = metadata.bytes();
            case PURGE_TAG -> tag = metadata.bytes();
            case BAN -> ban = metadata.bytes();
            case SOFT -> soft = true;
            default -> super.decodeParameter(type, metadata);
        }
    }

    @Override
    public boolean isBarrier() {
        return true;
    }

    @Override
    protected boolean start() {
        byte[] byPrefix = prefix;
        byte[] byTag = tag;
        byte[] byBan = ban;
        if (byBan != null) {
            return store.ban(byBan, soft, this);
        }
        if (byPrefix != null) {
            return store.purgePrefix(byPrefix, soft, this);
        }
        return byTag != null ? store.purgeTag(byTag, soft, this) : store.purgeKey(theKey(), soft, this);
    }

    @Override
    protected void writeResult(FrameWriter frame, Result told) {
        frame.u64(MetadataType.COUNT, told.count());
    }
}
