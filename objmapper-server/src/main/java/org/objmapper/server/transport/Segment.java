package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.exchange.Exchange;
import org.objmapper.server.exchange.SentFile;

/** A part of what a session has yet to send: a run of bytes, a piece of a file, or a body that becomes pieces when its turn comes. */
final class Segment {
    /** The one behind it in the queue. */
    @Nullable
    Segment next;

    /** The bytes of a run. */
    @Nullable
    ByteBuffer buffer;

    /** No later segment has bytes in the same buffer. */
    boolean lastOfBuffer;

    long address;
    int start;
    int length;
    int descriptorCount;
    final SentFile[] descriptors = new SentFile[253];

    /** The file of a piece. */
    @Nullable
    SentFile file;

    /** Who promised the piece. */
    @Nullable
    Exchange exchange;

    /** What stands here is all that is left of a body; or, for a piece of a file, the body that it was cut from. */
    @Nullable
    BodyByCopy body;

    /** The run with the END of the body that the piece is of, and nothing else, where that is queued already. */
    @Nullable
    Segment end;

    long fileOffset;
    boolean inKernel;
    /** The piece was read a moment ago: no need to ask whether it is in memory. */
    boolean warm;
    /** A device thread is reading it. */
    boolean warming;
    /** There was no descriptor to open its files with, once already. */
    boolean starved;
    /** Nothing may be added to the run. */
    boolean closed;

    /** Whether it stands for a whole body, which cannot be sent as it is. */
    boolean isBody() {
        return body != null && length == 0;
    }

    /** Whether it is a piece of a file, or the header of one. */
    boolean leadsToFile() {
        Segment behind = next;
        return file != null || behind != null && behind.file != null;
    }

    void reset() {
        next = null;
        buffer = null;
        lastOfBuffer = true;
        start = 0;
        length = 0;
        descriptorCount = 0;
        file = null;
        exchange = null;
        body = null;
        end = null;
        inKernel = false;
        warm = false;
        warming = false;
        starved = false;
        closed = false;
    }
}
