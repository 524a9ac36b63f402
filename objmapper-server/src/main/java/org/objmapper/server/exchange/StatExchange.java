package org.objmapper.server.exchange;

import java.nio.charset.StandardCharsets;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.Store;

/** STAT: the server's figures, one a line. */
public final class StatExchange extends Exchange {
    private static final int ROOM = 256;

    private final Store store;

    public StatExchange(Peer peer, Output output, Store store) {
        super(peer, output);
        this.store = store;
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        begin(frame);
        decodeEntries(metadata);
        refuseBody(frame);
    }

    @Override
    public boolean run() {
        if (isRefused()) {
            return answerRefusal();
        }
        byte[] text = store.metrics().text().getBytes(StandardCharsets.UTF_8);
        FrameWriter frame = output.frame(ROOM + text.length);
        frame.begin(operation, Frame.REPLY, requestId, Status.OK, text.length)
                .body()
                .put(text);
        output.end(null);
        return true;
    }
}
