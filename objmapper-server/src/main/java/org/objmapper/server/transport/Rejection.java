package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** What a connection gets that is one too many. */
final class Rejection {
    private Rejection() {}

    static void send(int socket, int limit) {
        ByteBuffer bytes = BufferPool.direct(512);
        new FrameWriter()
                .wrap(bytes)
                .begin(Operation.ERROR, Frame.REPLY, 0, Status.TOO_MANY_SESSIONS, 0)
                .message("the server has " + limit + " sessions, as many as it takes, or it stops")
                .end();
        NativeIo.sendOnce(socket, NativeIo.address(bytes), bytes.position());
    }
}
