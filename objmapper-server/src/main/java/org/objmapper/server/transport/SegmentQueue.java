package org.objmapper.server.transport;

import org.jspecify.annotations.Nullable;

/** Segments in order, linked through themselves, so that to go through them makes no iterator. Not thread-safe. */
final class SegmentQueue {
    private @Nullable Segment first;
    private @Nullable Segment last;

    boolean isEmpty() {
        return first == null;
    }

    /** The first; the others follow by {@link Segment#next}. */
    @Nullable
    Segment peekFirst() {
        return first;
    }

    void addLast(Segment segment) {
        Segment before = last;
        if (before == null) {
            first = segment;
        } else {
            before.next = segment;
        }
        last = segment;
    }

    void addFirst(Segment segment) {
        segment.next = first;
        first = segment;
        if (last == null) {
            last = segment;
        }
    }

    /** Takes one out that stands behind the first. */
    void remove(Segment segment) {
        Segment before = first;
        while (before != null && before.next != segment) {
            before = before.next;
        }
        if (before == null) {
            throw new IllegalStateException("the segment is not behind the first");
        }
        before.next = segment.next;
        segment.next = null;
        if (last == segment) {
            last = before;
        }
    }

    /** Takes the first out; there must be one. */
    Segment removeFirst() {
        Segment head = first;
        if (head == null) {
            throw new IllegalStateException("no segment is queued");
        }
        first = head.next;
        head.next = null;
        if (first == null) {
            last = null;
        }
        return head;
    }
}
