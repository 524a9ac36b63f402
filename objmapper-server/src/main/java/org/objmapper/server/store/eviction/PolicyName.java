package org.objmapper.server.store.eviction;

import java.util.function.Supplier;

/** The policies, by the names that the configuration has for them. */
public enum PolicyName {
    LRU(Lru::new),
    LFU(Lfu::new),
    FIFO(Fifo::new),
    SIEVE(Sieve::new),
    TINYLFU(TinyLfu::new);

    private final Supplier<Policy> maker;

    PolicyName(Supplier<Policy> maker) {
        this.maker = maker;
    }

    /** A new policy that orders nothing yet. */
    public Policy create() {
        return maker.get();
    }
}
