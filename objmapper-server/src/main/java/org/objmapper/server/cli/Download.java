package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** The body of a reply that a {@link ToolSession} holds: in the reply's frame, and in the DATA frames up to END. */
final class Download {
    /** Takes the bytes as they come. */
    interface Sink {
        void take(ByteBuffer chunk) throws IOException;
    }

    private final ToolSession session;
    private final String name;

    Download(ToolSession session, String name) {
        this.session = session;
        this.name = name;
    }

    /** Hands the whole body to a sink; throws when the server couldn't send all of it. */
    void transferTo(Sink sink) throws IOException, ToolFailure {
        boolean more = session.frame().hasMore();
        take(sink);
        while (more) {
            session.receive();
            if (session.frame().operation() == Operation.END) {
                Status status = session.status();
                if (status != Status.OK) {
                    throw new ToolFailure(
                            ExitCode.IO, session.refusal(name, status).text());
                }
                return;
            }
            take(sink);
        }
    }

    private void take(Sink sink) throws IOException {
        ByteBuffer body = session.body();
        if (body.hasRemaining()) {
            sink.take(body);
        }
    }
}
