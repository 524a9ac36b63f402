package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** What a connection gets that can't become a session. */
final class Rejection {
    private Rejection() {}

    static void send(int socket, Status status, String why) {
        ByteBuffer bytes = BufferPool.direct(512);
        new FrameWriter()
                .wrap(bytes)
                .begin(Operation.ERROR, Frame.REPLY, 0, status, 0)
                .message(why)
                .end();
        NativeIo.sendOnce(socket, NativeIo.address(bytes), bytes.position());
    }
}
