package org.objmapper.server.exchange;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.FrameWriter;

/** Where an exchange puts its answer: frames, descriptors, and pieces of files, in order. Only on the session's loop. */
public interface Output {
    /**
     * Whether so much is queued, bytes or pieces of files, that an exchange should suspend itself ({@link #awaitRoom}) before it adds
     * more.
     */
    boolean full();

    /** Runs the exchange again when there is room. */
    void awaitRoom(Exchange exchange);

    /** Starts a frame that takes at most {@code bytes}, its body in this buffer included. Ended by one of the two below. */
    FrameWriter frame(int bytes);

    /** Ends the frame; a descriptor of the file travels with it. The file is pinned once more until it is sent. */
    void end(@Nullable SentFile descriptorOf);

    /**
     * Ends the frame whose body is a piece of a file. The file is pinned once more until the piece is sent, and {@link
     * Exchange#pieceDone} is called. Where it can't be read, zeros go out in its place, and {@link Exchange#bodyFailed} is called before.
     */
    void endWithFile(SentFile file, long offset, int length, boolean inKernel, Exchange exchange);

    /**
     * Has an END with OK follow the pieces of an exchange. Where one of them can't be read, it is taken back before {@link
     * Exchange#bodyFailed} is called.
     */
    void endBody(int requestId, Exchange exchange);
}
