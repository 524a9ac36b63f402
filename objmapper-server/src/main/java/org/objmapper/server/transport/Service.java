package org.objmapper.server.transport;

import java.util.List;
import java.util.function.Supplier;
import org.objmapper.server.exchange.Exchanges;

/**
 * Listeners whose sessions are answered from the same store. Several share the loops of a server.
 *
 * @param exchanges gives each loop its own
 */
public record Service(List<Listener> listeners, Supplier<Exchanges> exchanges) {
    public Service {
        listeners = List.copyOf(listeners);
    }
}
