package org.objmapper.server.exchange;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** CANCEL (protocol-spec.md 5.11): acts as soon as it is read; only its answer may have to wait, where answers go in order. */
public final class CancelExchange extends PromptExchange {
    private int target;
    private boolean targetCame;
    private boolean inTime;

    public CancelExchange(Peer peer, Output output) {
        super(peer, output);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        super.decode(frame, metadata);
        if (!targetCame) {
            refuse(Status.BAD_REQUEST, "CANCEL without TARGET");
        } else if (target == 0) {
            refuse(Status.BAD_REQUEST, "TARGET is 0, which is no request's id; it names a request in flight");
        }
        inTime = !isRefused() && peer.cancel(target);
    }

    @Override
    protected void decodeEntry(@Nullable MetadataType type, MetadataReader metadata) {
        if (type == MetadataType.TARGET) {
            target = metadata.u32();
            targetCame = true;
        }
    }

    @Override
    protected void reply() {
        if (inTime) {
            answer(Status.OK, "");
        } else {
            answer(
                    Status.NOT_FOUND,
                    "request " + Integer.toUnsignedString(target) + " is not in flight, or too far on to be cancelled");
        }
    }
}
