package org.objmapper.server.store.eviction;

/** First in, first out, however often it is asked for. */
final class Fifo extends QueuePolicy {
    @Override
    public void hit(int slot) {}
}
