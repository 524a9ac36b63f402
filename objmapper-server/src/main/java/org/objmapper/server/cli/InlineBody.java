package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;

/** A descriptor for a body that came inside its reply: small ones do, whatever mode was asked for. */
final class InlineBody {
    private InlineBody() {}

    /** A read-only descriptor of memory with the body; the caller's to close. */
    static int descriptor(ToolSession session, Key key) throws IOException {
        if (session.frame().hasMore()) {
            throw new IOException(key.text() + ": the server sent the body where a descriptor was asked for");
        }
        ByteBuffer body = session.body();
        ByteBuffer copy = ByteBuffer.allocateDirect(Math.max(1, body.remaining()));
        int length = body.remaining();
        copy.put(body);
        return Errno.check(NativeIo.sealedMemory(NativeIo.address(copy), length), key.text());
    }
}
