package org.objmapper.server.store.tier;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * An order as it was at one moment, to be written bit by bit while it goes on changing. Takes 17 bytes for each object, less and less while
 * it is handed over. For one thread.
 */
public final class OrderCopy {
    private static final int ENTRY_BYTES = 2 * Long.BYTES + 1;
    private static final int PIECE_ENTRIES = 4_096;

    private final Deque<ByteBuffer> pieces = new ArrayDeque<>();

    /** Copies an order as it is now. */
    public OrderCopy(EvictionOrder order) {
        order.save(this::add);
        pieces.forEach(ByteBuffer::flip);
    }

    private void add(long hash, long bytes, byte state) {
        ByteBuffer last = pieces.peekLast();
        if (last == null || last.remaining() < ENTRY_BYTES) {
            last = ByteBuffer.allocate(PIECE_ENTRIES * ENTRY_BYTES);
            pieces.add(last);
        }
        last.putLong(hash).putLong(bytes).put(state);
    }

    /** Takes what {@link #handOver} tells. */
    public interface Taker<E extends Exception> {
        void next(long hash, long bytes, byte state) throws E;
    }

    /** Tells the next {@value #PIECE_ENTRIES}, or what is left; false where nothing was. */
    public <E extends Exception> boolean handOver(Taker<E> taker) throws E {
        ByteBuffer piece = pieces.poll();
        if (piece == null) {
            return false;
        }
        while (piece.hasRemaining()) {
            taker.next(piece.getLong(), piece.getLong(), piece.get());
        }
        return true;
    }
}
