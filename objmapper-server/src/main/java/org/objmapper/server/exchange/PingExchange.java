package org.objmapper.server.exchange;

import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.Status;

/** PING: the body comes back. */
public final class PingExchange extends PromptExchange {
    private final byte[] echo = new byte[Limits.MAX_PING];
    private int echoLength;

    public PingExchange(Peer peer, Output output) {
        super(peer, output);
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        decodeEntries(metadata);
        echoLength = frame.bodyLength();
        if (echoLength > Limits.MAX_PING) {
            refuse(Status.BAD_REQUEST, "a PING of " + echoLength + " bytes; it takes " + Limits.MAX_PING);
        } else if (frame.hasMore()) {
            refuse(Status.BAD_REQUEST, "a PING with MORE; it has its body in one frame");
        } else {
            metadata.buffer().get(frame.bodyOffset(), echo, 0, echoLength);
        }
    }

    @Override
    protected void reply() {
        beginReply(echoLength, 0, 0).body().put(echo, 0, echoLength);
        output.end(null);
    }
}
