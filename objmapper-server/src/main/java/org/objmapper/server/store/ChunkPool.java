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

    /** Gives a body a chunk, if one is free and its session's share has one left, through {@link BodyWriter#fill}. The body is locked by the caller. */
    synchronized Grant take(BodyWriter body) {
        ByteBuffer chunk = body.share().left() > 0 ? freeChunk() : null;
        if (chunk != null) {
            body.share().take();
            waiting.remove(body);
            filling.add(body);
            body.fill(chunk);
            return Grant.TAKEN;
        }
        if (waiting.size() >= mostWaiting && !waiting.contains(body)) {
            return Grant.BUSY;
        }
        waiting.add(body);
        if (asked || longestFilling(body) == null) {
            return Grant.WAITS;
        }
        asked = true;
        return Grant.WAITS_FOR_WRITING_OUT;
    }

    private @Nullable ByteBuffer freeChunk() {
        ByteBuffer chunk = idle.poll();
        if (chunk == null && left > 0) {
            chunk = ByteBuffer.allocateDirect(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            left--;
        }
        return chunk;
    }

    /** Whose chunk, filled in part, a body that wants one could have: where its session's share is used up, one of the same session. */
    private @Nullable BodyWriter longestFilling(BodyWriter wanting) {
        boolean ofItsOwn = wanting.share().left() <= 0;
        for (BodyWriter body : filling) {
            if (!ofItsOwn || body.share() == wanting.share()) {
                return body;
            }
        }
        return null;
    }

    /** {@link #writeOut} could not be called; the next body that wants a chunk is to try again. */
    synchronized void notWrittenOut() {
        asked = false;
    }

    /** Whether so few are left that a body which has one on its way to the device should leave them to others. */
    synchronized boolean isShort(UploadShare share) {
        return idle.size() + left < few || share.isShort();
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

    /** Has a chunk that is filled in part written out for each body that waits for one. May block. */
    void writeOut() {
        List<BodyWriter> wanting;
        synchronized (this) {
            asked = false;
            wanting = List.copyOf(waiting);
        }
        for (BodyWriter body : wanting) {
            BodyWriter longest = pollFilling(body);
            if (longest != null) {
                longest.writeOut();
            }
        }
    }

    private synchronized @Nullable BodyWriter pollFilling(BodyWriter wanting) {
        BodyWriter longest = longestFilling(wanting);
        if (longest != null) {
            filling.remove(longest);
        }
        return longest;
    }

    /** Takes back a chunk that a body of a session had. */
    void giveBack(ByteBuffer chunk, UploadShare share) {
        List<BodyWriter> wake;
        synchronized (this) {
            share.giveBack();
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
