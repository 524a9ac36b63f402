package org.objmapper.server.exchange;

import java.nio.charset.StandardCharsets;
import org.objmapper.server.store.Store;

/** STAT: the server's figures, one a line. */
public final class StatExchange extends PromptExchange {
    private final Store store;

    public StatExchange(Peer peer, Output output, Store store) {
        super(peer, output);
        this.store = store;
    }

    @Override
    protected void reply() {
        byte[] text = store.metrics().text().getBytes(StandardCharsets.UTF_8);
        beginReply(text.length, 0, text.length).body().put(text);
        output.end(null);
    }
}
