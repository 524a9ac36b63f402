package org.objmapper.server.exchange;

import org.objmapper.protocol.Frame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** CANCEL: another request of the session need not be answered any more. */
public final class CancelExchange extends Exchange {
    private boolean hasTarget;
    private int target;

    public CancelExchange(Peer peer, Output output) {
        super(peer, output);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        hasTarget = metadata.find(MetadataType.TARGET);
        target = hasTarget ? metadata.u32() : 0;
    }

    @Override
    public boolean run() {
        if (!peer.allows(operation)) {
            return answer(Status.DENIED, Operation.nameOf(operation) + " is not allowed on this socket");
        }
        if (!hasTarget) {
            return answer(Status.BAD_REQUEST, "CANCEL without TARGET");
        }
        boolean found = target != requestId && peer.cancel(target);
        return found
                ? answer(Status.OK, "")
                : answer(Status.NOT_FOUND, "request " + Integer.toUnsignedString(target) + " is not in flight");
    }
}
