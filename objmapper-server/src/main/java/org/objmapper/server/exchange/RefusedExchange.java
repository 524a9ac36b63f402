package org.objmapper.server.exchange;

import org.objmapper.protocol.Frame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.Status;

/** A request that is answered with an error whatever it says; its body, if it has one, goes unread. */
public final class RefusedExchange extends Exchange {
    private final Status status;
    private final String reason;
    private boolean bodyOpen;
    private boolean answered;

    public RefusedExchange(Peer peer, Output output, Status status, String reason) {
        super(peer, output);
        this.status = status;
        this.reason = reason;
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        bodyOpen = frame.hasMore();
    }

    @Override
    public boolean run() {
        if (!answered) {
            answered = true;
            answer(status, reason);
        }
        return !bodyOpen;
    }

    @Override
    public boolean wantsBody() {
        return bodyOpen;
    }

    @Override
    public boolean isAnswered() {
        return answered;
    }

    @Override
    public void endOfBody(Status end) {
        bodyOpen = false;
    }
}
