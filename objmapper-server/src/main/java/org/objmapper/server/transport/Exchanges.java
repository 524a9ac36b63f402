package org.objmapper.server.transport;

import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.exchange.CancelExchange;
import org.objmapper.server.exchange.DeleteExchange;
import org.objmapper.server.exchange.Exchange;
import org.objmapper.server.exchange.GetExchange;
import org.objmapper.server.exchange.GoodbyeExchange;
import org.objmapper.server.exchange.ListExchange;
import org.objmapper.server.exchange.Output;
import org.objmapper.server.exchange.Peer;
import org.objmapper.server.exchange.PingExchange;
import org.objmapper.server.exchange.PurgeExchange;
import org.objmapper.server.exchange.PutExchange;
import org.objmapper.server.exchange.RefusedExchange;
import org.objmapper.server.exchange.StatExchange;
import org.objmapper.server.exchange.TouchExchange;
import org.objmapper.server.store.Store;

/** Which class answers which operation. */
final class Exchanges {
    private final Store store;

    Exchanges(Store store) {
        this.store = store;
    }

    Store store() {
        return store;
    }

    Exchange create(int operation, Peer peer, Output output) {
        return switch (operation) {
            case Operation.GET, Operation.HEAD -> new GetExchange(peer, output, store);
            case Operation.PUT -> new PutExchange(peer, output, store);
            case Operation.DELETE -> new DeleteExchange(peer, output, store);
            case Operation.LIST -> new ListExchange(peer, output, store);
            case Operation.PURGE -> new PurgeExchange(peer, output, store);
            case Operation.TOUCH -> new TouchExchange(peer, output, store);
            case Operation.STAT -> new StatExchange(peer, output, store);
            case Operation.PING -> new PingExchange(peer, output);
            case Operation.CANCEL -> new CancelExchange(peer, output);
            case Operation.GOODBYE -> new GoodbyeExchange(peer, output);
            default -> new RefusedExchange(peer, output, Status.UNSUPPORTED, "");
        };
    }
}
