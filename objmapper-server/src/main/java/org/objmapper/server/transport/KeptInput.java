package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** What a session has sent and the server can't use yet: the beginning of a frame, or what there is no room for. Only on the loop. */
final class KeptInput {
    private final Loop loop;
    private final Session session;
    private @Nullable ByteBuffer buffer;

    KeptInput(Loop loop, Session session) {
        this.loop = loop;
        this.session = session;
    }

    boolean isEmpty() {
        return buffer == null;
    }

    /** How many bytes of memory it holds. */
    int heldBytes() {
        return buffer == null ? 0 : buffer.capacity();
    }

    /** The bytes, from 0 to the position; null if there are none. */
    @Nullable
    ByteBuffer bytes() {
        return buffer;
    }

    /** Keeps more bytes behind those that are kept; where memory is short, the session may end instead. */
    void add(ByteBuffer from, int offset, int length) {
        ByteBuffer kept = buffer;
        if (kept == null || kept.remaining() < length) {
            kept = enlarged(kept, length);
        }
        if (kept != null) {
            kept.put(kept.position(), from, offset, length).position(kept.position() + length);
        }
    }

    private @Nullable ByteBuffer enlarged(@Nullable ByteBuffer kept, int more) {
        int there = kept == null ? 0 : kept.position();
        ByteBuffer larger = loop.takeInputMemory(session, there + more);
        if (larger == null) {
            return null;
        }
        if (kept != null) {
            larger.put(0, kept, 0, there).position(there);
            loop.inputMemory().giveBack(kept);
        }
        buffer = larger;
        return larger;
    }

    /** Drops the first bytes, which are used. */
    void used(int length) {
        ByteBuffer kept = buffer;
        if (kept == null || length == 0) {
            return;
        }
        if (length == kept.position()) {
            drop();
        } else {
            kept.limit(kept.position()).position(length);
            kept.compact();
        }
    }

    /** Drops all. */
    void drop() {
        ByteBuffer kept = buffer;
        if (kept != null) {
            buffer = null;
            loop.inputMemory().giveBack(kept);
        }
    }
}
