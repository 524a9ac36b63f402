package org.objmapper.server.transport;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** A client that sends whatever bytes it is told to, and takes answers without descriptors. */
final class RawClient implements AutoCloseable {
    private final SocketChannel channel;
    private ByteBuffer input =
            ByteBuffer.allocate(4 * 1024).order(ByteOrder.LITTLE_ENDIAN).limit(0);

    /** One frame of an answer. */
    record Answer(
            int operation, int id, Status status, boolean more, long objectLength, ByteBuffer metadata, byte[] body) {
        String clause() throws MalformedFrame {
            return text(MetadataType.CLAUSE);
        }

        String message() throws MalformedFrame {
            return text(MetadataType.MESSAGE);
        }

        private String text(MetadataType type) throws MalformedFrame {
            MetadataReader reader = new MetadataReader().wrap(metadata, 0, metadata.limit());
            return reader.find(type) ? reader.text() : "";
        }

        long u64(MetadataType type) throws MalformedFrame {
            MetadataReader reader = new MetadataReader().wrap(metadata, 0, metadata.limit());
            return reader.find(type) ? reader.u64() : -1;
        }
    }

    RawClient(Path socket) throws IOException {
        channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    static RawClient greeted(Path socket) throws IOException {
        RawClient client = new RawClient(socket);
        client.send(hello());
        client.receive();
        return client;
    }

    static ByteBuffer hello() {
        return frame(
                w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC).versions(1, 1));
    }

    static ByteBuffer ping(int id) {
        return frame(w -> w.begin(Operation.PING, 0, id, Status.OK, 0));
    }

    static ByteBuffer get(int id, String key) {
        return frame(w -> w.begin(Operation.GET, 0, id, Status.OK, 0).text(MetadataType.KEY, key));
    }

    static ByteBuffer put(int id, String key, byte[] body) {
        return frame(w -> w.begin(Operation.PUT, 0, id, Status.OK, body.length)
                .text(MetadataType.KEY, key)
                .body()
                .put(body));
    }

    static ByteBuffer frame(Consumer<FrameWriter> content) {
        ByteBuffer buffer = ByteBuffer.allocate(1024 * 1024 + 4096).order(ByteOrder.LITTLE_ENDIAN);
        FrameWriter writer = new FrameWriter().wrap(buffer);
        content.accept(writer);
        writer.end();
        return buffer.flip();
    }

    void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    void send(String bytes) throws IOException {
        send(ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1)));
    }

    /** The next frame. */
    Answer receive() throws IOException {
        fill(Limits.HEADER);
        Frame frame = new Frame().wrap(input, input.position());
        fill(frame.length());
        frame.wrap(input, input.position());
        ByteBuffer metadata = ByteBuffer.allocate(frame.metadataLength()).order(ByteOrder.LITTLE_ENDIAN);
        metadata.put(0, input, frame.metadataOffset(), frame.metadataLength());
        byte[] body = new byte[frame.bodyLength()];
        input.get(frame.bodyOffset(), body);
        Answer answer = new Answer(
                frame.operation(),
                frame.requestId(),
                Status.of(frame.status()),
                frame.hasMore(),
                frame.objectLength(),
                metadata,
                body);
        input.position(input.position() + frame.length());
        return answer;
    }

    /** Whether the server has closed, all else being read. */
    boolean isClosedByServer() throws IOException {
        try {
            fill(input.remaining() + 1);
            return false;
        } catch (EOFException e) {
            return true;
        }
    }

    void endInput() throws IOException {
        channel.shutdownOutput();
    }

    private void fill(int wanted) throws IOException {
        if (input.capacity() < wanted) {
            ByteBuffer larger = ByteBuffer.allocate(wanted).order(ByteOrder.LITTLE_ENDIAN);
            input = larger.put(input).flip();
        }
        while (input.remaining() < wanted) {
            input.compact();
            int read = channel.read(input);
            input.flip();
            if (read < 0) {
                throw new EOFException();
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
