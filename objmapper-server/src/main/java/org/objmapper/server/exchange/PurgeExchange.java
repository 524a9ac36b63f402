package org.objmapper.server.exchange;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.Result;
import org.objmapper.server.store.Store;

/** PURGE by key, prefix or tag (protocol-spec.md 5.7); this server has no bans. */
public final class PurgeExchange extends ChangeExchange {
    private byte @Nullable [] prefix;
    private byte @Nullable [] tag;
    private boolean ban;
    private boolean soft;

    public PurgeExchange(Peer peer, Output output, Store store) {
        super(peer, output, store);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        super.decode(frame, metadata);
        refuseBody(frame);
        int targets = (key == null ? 0 : 1) + (prefix == null ? 0 : 1) + (tag == null ? 0 : 1) + (ban ? 1 : 0);
        if (targets != 1) {
            refuse(
                    Status.BAD_REQUEST,
                    "PURGE takes exactly one of KEY, PREFIX, PURGE_TAG and BAN; this has " + targets);
        } else if (ban) {
            refuse(Status.UNSUPPORTED, "this server has no bans");
        }
    }

    @Override
    protected void decodeParameter(MetadataType type, MetadataReader metadata) {
        switch (type) {
            case PREFIX -> prefix = metadata.bytes();
            case PURGE_TAG -> tag = metadata.bytes();
            case BAN -> ban = true;
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
        if (byPrefix != null) {
            return store.purgePrefix(byPrefix, soft, this::took);
        }
        return byTag != null ? store.purgeTag(byTag, soft, this::took) : store.purgeKey(theKey(), soft, this::took);
    }

    @Override
    protected void writeResult(FrameWriter frame, Result told) {
        frame.u64(MetadataType.COUNT, told.count());
    }
}
