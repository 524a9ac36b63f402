package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The chunks in which bodies wait for the device: a bounded number, made as they are needed and kept. One that a body has filled in
 * part is its own only until another body wants one and all are in use: then it is written out, and comes back. Safe on any thread.
 */
final class ChunkPool {
    static final int CHUNK_BYTES = 256 * 1024;

    private final Deque<ByteBuffer> idle = new ArrayDeque<>();
    /** Bodies that have filled a chunk in part, the longest ago first. */
    private final Set<BodyWriter> filling = new LinkedHashSet<>();

    private final Set<BodyWriter> waiting = new LinkedHashSet<>();
    private final int mostWaiting;
    private final int few;
    private int left;
    /** Somebody was told to call {@link #writeOut}. */
    private boolean asked;

    /** What a body that wants a chunk gets. */
    enum Grant {
        TAKEN,
        /** All are in use; {@link BodyWriter#roomAgain} is called when one has come back. */
        WAITS,
        /** As {@link #WAITS}, and {@link #writeOut} has to be called where it may block. */
        WAITS_FOR_WRITING_OUT,
        /** Too many wait already. */
        BUSY
    }

    /** A pool of so many chunks, for which so many bodies may wait. */
    ChunkPool(int most, int mostWaiting) {
        this.left = most;
        this.few = most / 2;
        this.mostWaiting = mostWaiting;
    }

    /** Gives a body a chunk, if one is free, through {@link BodyWriter#fill}. The body is locked by the caller. */
    synchronized Grant take(BodyWriter body) {
        ByteBuffer chunk = idle.poll();
        if (chunk == null && left > 0) {
            chunk = ByteBuffer.allocateDirect(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            left--;
        }
        if (chunk != null) {
            waiting.remove(body);
            filling.add(body);
            body.fill(chunk);
            return Grant.TAKEN;
        }
        if (waiting.size() >= mostWaiting && !waiting.contains(body)) {
            return Grant.BUSY;
        }
        waiting.add(body);
        if (asked || filling.isEmpty()) {
            return Grant.WAITS;
        }
        asked = true;
        return Grant.WAITS_FOR_WRITING_OUT;
    }

    /** {@link #writeOut} could not be called; the next body that wants a chunk is to try again. */
    synchronized void notWrittenOut() {
        asked = false;
    }

    /** Whether so few are left that a body which has one on its way to the device should leave them to others. */
    synchronized boolean isShort() {
        return idle.size() + left < few;
    }

    /** The chunk that a body was filling is on its way to the device. */
    synchronized void filled(BodyWriter body) {
        filling.remove(body);
    }

    /** A body wants no chunk any more. */
    synchronized void forget(BodyWriter body) {
        filling.remove(body);
        waiting.remove(body);
    }

    /** Has as many chunks written out that are filled in part as bodies wait for one. May block. */
    void writeOut() {
        int wanted;
        synchronized (this) {
            asked = false;
            wanted = waiting.size();
        }
        for (int i = 0; i < wanted; i++) {
            BodyWriter longest = pollFilling();
            if (longest == null) {
                return;
            }
            longest.writeOut();
        }
    }

    private synchronized @Nullable BodyWriter pollFilling() {
        var bodies = filling.iterator();
        if (!bodies.hasNext()) {
            return null;
        }
        BodyWriter longest = bodies.next();
        bodies.remove();
        return longest;
    }

    void giveBack(ByteBuffer chunk) {
        List<BodyWriter> wake;
        synchronized (this) {
            idle.push(chunk.clear());
            if (waiting.isEmpty()) {
                return;
            }
            wake = List.copyOf(waiting); // all of them: some may take their time
            waiting.clear();
        }
        wake.forEach(BodyWriter::roomAgain);
    }
}
