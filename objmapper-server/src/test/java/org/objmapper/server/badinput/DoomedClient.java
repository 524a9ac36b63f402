package org.objmapper.server.badinput;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.transport.RawClient;

/** A process that leaves a session in the middle of each thing that a client does, says "doomed", and waits to be killed. */
final class DoomedClient {
    static final String BODY_KEY = "body";
    static final int SESSIONS = 10;
    private static final int REQUESTS = 16;
    private static final int CHUNK = 100_000;

    private final List<RawClient> sessions = new ArrayList<>();
    private final Path socket;
    private final Descriptors descriptors = new Descriptors();

    private DoomedClient(Path socket) {
        this.socket = socket;
    }

    /** The socket of the server is the only argument. */
    public static void main(String[] arguments) throws Exception {
        new DoomedClient(Path.of(arguments[0])).run();
    }

    private void run() throws Exception {
        RawClient early = keep(new RawClient(socket));
        early.send(RawClient.hello().limit(Limits.HEADER + 4));
        greeted().send(put("whole", CHUNK).limit(20));
        greeted().send(put("whole", CHUNK).limit(Limits.HEADER + 4));
        greeted().send(put("whole", CHUNK).limit(CHUNK));
        beginChunks();
        fetch(Mode.COPY);
        fetch(Mode.SPLICE);
        fetch(Mode.FDPASS);
        int file = descriptors.sealed(new byte[CHUNK]);
        passing().sendWith(RawClient.putDescriptor(1, "half", CHUNK).limit(Limits.HEADER), file);
        RawClient passer = passing();
        for (int id = 1; id <= REQUESTS; id++) {
            passer.sendWith(RawClient.putDescriptor(id, "passed" + id, CHUNK), file);
        }
        System.out.println("doomed " + sessions.size());
        System.in.read();
    }

    private RawClient keep(RawClient client) {
        sessions.add(client);
        return client;
    }

    private RawClient greeted() throws IOException {
        return keep(RawClient.greeted(socket));
    }

    private RawClient passing() throws IOException {
        return keep(RawClient.passing(socket, REQUESTS));
    }

    private static ByteBuffer put(String key, int length) {
        return RawClient.put(1, key, new byte[length]);
    }

    private void beginChunks() throws IOException {
        RawClient client = greeted();
        client.send(RawClient.frame(w ->
                w.begin(Operation.PUT, Frame.MORE, 1, Status.OK, Limits.UNKNOWN).text(MetadataType.KEY, "chunks")));
        ByteBuffer data = RawClient.frame(
                w -> w.begin(Operation.DATA, 0, 1, Status.OK, 0).body().put(new byte[CHUNK]));
        client.send(data.duplicate());
        client.send(data.limit(CHUNK / 2));
    }

    /** Asks many times, and reads the beginning of the first answer. */
    private void fetch(Mode mode) throws IOException {
        RawClient client = passing();
        for (int id = 1; id <= REQUESTS; id++) {
            client.send(RawClient.get(id, BODY_KEY, mode));
        }
        client.receive();
    }
}
