package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.IOException;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Consumer;
import jnr.posix.CmsgHdr;
import jnr.posix.MsgHdr;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.newsclub.net.unix.FileDescriptorCast;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** A client that sends whatever bytes and descriptors it is told to. */
public final class RawClient implements AutoCloseable {
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;

    private final SocketChannel channel;
    private ByteBuffer input =
            ByteBuffer.allocate(4 * 1024).order(ByteOrder.LITTLE_ENDIAN).limit(0);

    /** One frame of an answer. */
    public record Answer(
            int operation, int id, Status status, boolean more, long objectLength, ByteBuffer metadata, byte[] body) {
        public String clause() throws MalformedFrame {
            return text(MetadataType.CLAUSE);
        }

        public String message() throws MalformedFrame {
            return text(MetadataType.MESSAGE);
        }

        private String text(MetadataType type) throws MalformedFrame {
            MetadataReader reader = new MetadataReader().wrap(metadata, 0, metadata.limit());
            return reader.find(type) ? reader.text() : "";
        }

        /** -1 where there is none. */
        public long u32(MetadataType type) throws MalformedFrame {
            MetadataReader reader = new MetadataReader().wrap(metadata, 0, metadata.limit());
            return reader.find(type) ? reader.u32() : -1;
        }

        /** No bytes where there is none. */
        byte[] value(MetadataType type) throws MalformedFrame {
            MetadataReader reader = new MetadataReader().wrap(metadata, 0, metadata.limit());
            return reader.find(type) ? reader.bytes() : new byte[0];
        }

        public long u64(MetadataType type) throws MalformedFrame {
            MetadataReader reader = new MetadataReader().wrap(metadata, 0, metadata.limit());
            return reader.find(type) ? reader.u64() : -1;
        }
    }

    public RawClient(Path socket) throws IOException {
        this(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
    }

    private RawClient(SocketChannel channel) {
        this.channel = channel;
    }

    /** One that can pass descriptors, and takes up to so many in one message. */
    public static RawClient passing(Path socket, int taken) throws IOException {
        return passing(socket, taken, false);
    }

    /** One that takes descriptors that it shares with others, and none of the bodies in a reply. */
    public static RawClient sharing(Path socket) throws IOException {
        return passing(socket, 16, true);
    }

    private static RawClient passing(Path socket, int taken, boolean shared) throws IOException {
        AFUNIXSocketChannel channel = AFUNIXSocketChannel.open(AFUNIXSocketAddress.of(socket));
        channel.ensureAncillaryReceiveBufferSize(1_024);
        RawClient client = new RawClient(channel);
        client.send(frame(w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC)
                .versions(1, 1)
                .u32(MetadataType.MAX_MESSAGE_DESCRIPTORS, taken)
                .u32(MetadataType.MAX_QUEUED_DESCRIPTORS, taken)
                .u32(MetadataType.INLINE_LIMIT, shared ? 0 : Limits.INLINE_LIMIT_DEFAULT)
                .u32(MetadataType.SHARED_ACCEPTED, shared ? 1 : 0)));
        client.receive();
        return client;
    }

    /** One that takes descriptors and has sent a HELLO with feature bits, whose answer comes next. */
    static RawClient asking(Path socket, long features) throws IOException {
        AFUNIXSocketChannel channel = AFUNIXSocketChannel.open(AFUNIXSocketAddress.of(socket));
        channel.ensureAncillaryReceiveBufferSize(1_024);
        RawClient client = new RawClient(channel);
        client.send(frame(w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC)
                .versions(1, 1)
                .u64(MetadataType.FEATURES, features)
                .u32(MetadataType.MAX_MESSAGE_DESCRIPTORS, 16)
                .u32(MetadataType.MAX_QUEUED_DESCRIPTORS, 16)));
        return client;
    }

    /** One that asks for feature bits, and is granted them. */
    static RawClient granted(Path socket, long features) throws Exception {
        RawClient client = new RawClient(socket);
        client.send(frame(w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC)
                .versions(1, 1)
                .u64(MetadataType.FEATURES, features)));
        assertThat(client.receive().u64(MetadataType.FEATURES)).isEqualTo(features);
        return client;
    }

    /** The value of a VARIANT or a REQUEST_HEADER. */
    static byte[] pair(String name, String value) {
        return ByteBuffer.allocate(Short.BYTES + name.length() + value.length())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) name.length())
                .put(name.getBytes(StandardCharsets.US_ASCII))
                .put(value.getBytes(StandardCharsets.US_ASCII))
                .array();
    }

    public static RawClient greeted(Path socket) throws IOException {
        RawClient client = new RawClient(socket);
        client.send(hello());
        client.receive();
        return client;
    }

    /** One whose socket takes a few small requests, and more once the server has taken those out of it. */
    static RawClient withLittleRoom(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        channel.setOption(StandardSocketOptions.SO_SNDBUF, 1);
        RawClient client = new RawClient(channel);
        client.send(hello());
        client.receive();
        return client;
    }

    public static ByteBuffer hello() {
        return frame(
                w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC).versions(1, 1));
    }

    public static ByteBuffer ping(int id) {
        return frame(w -> w.begin(Operation.PING, 0, id, Status.OK, 0));
    }

    public static ByteBuffer get(int id, String key) {
        return frame(w -> w.begin(Operation.GET, 0, id, Status.OK, 0).text(MetadataType.KEY, key));
    }

    public static ByteBuffer put(int id, String key, byte[] body) {
        return frame(w -> w.begin(Operation.PUT, 0, id, Status.OK, body.length)
                .text(MetadataType.KEY, key)
                .body()
                .put(body));
    }

    /** A PUT that is on disk once it is answered. */
    public static ByteBuffer putDurably(int id, String key, byte[] body) {
        return frame(w -> w.begin(Operation.PUT, 0, id, Status.OK, body.length)
                .text(MetadataType.KEY, key)
                .u32(MetadataType.DURABILITY, 1)
                .body()
                .put(body));
    }

    public static ByteBuffer frame(Consumer<FrameWriter> content) {
        ByteBuffer buffer = ByteBuffer.allocate(1024 * 1024 + 4096).order(ByteOrder.LITTLE_ENDIAN);
        FrameWriter writer = new FrameWriter().wrap(buffer);
        content.accept(writer);
        writer.end();
        return buffer.flip();
    }

    public void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    public void send(String bytes) throws IOException {
        send(ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1)));
    }

    /** A GET in a mode. */
    public static ByteBuffer get(int id, String key, Mode mode) {
        return frame(w -> w.begin(Operation.GET, 0, id, Status.OK, 0)
                .text(MetadataType.KEY, key)
                .u32(MetadataType.MODE, mode.code()));
    }

    /** A PUT whose body is a descriptor's. */
    public static ByteBuffer putDescriptor(int id, String key, long length) {
        return frame(w ->
                w.begin(Operation.PUT, 0, id, Status.OK, length).descriptors(1).text(MetadataType.KEY, key));
    }

    /** The number of its own descriptor, which stays its own; only of one that can pass descriptors. */
    public int socket() throws IOException {
        return FileDescriptorCast.using(((AFUNIXSocketChannel) channel).getFileDescriptor())
                .as(Integer.class);
    }

    /** Sends descriptors with the first of the bytes; they stay the caller's. Needs {@link #passing}. */
    public void sendWith(ByteBuffer bytes, int... descriptors) throws IOException {
        POSIX posix = POSIXFactory.getNativePOSIX();
        MsgHdr message = posix.allocateMsgHdr();
        ByteBuffer first = ByteBuffer.allocateDirect(bytes.remaining()).put(bytes.duplicate());
        message.setIov(new ByteBuffer[] {first.flip()});
        ByteBuffer numbers = ByteBuffer.allocateDirect(4 * descriptors.length).order(ByteOrder.nativeOrder());
        numbers.asIntBuffer().put(descriptors);
        CmsgHdr control = message.allocateControl(numbers.capacity());
        control.setLevel(SOL_SOCKET);
        control.setType(SCM_RIGHTS);
        control.setData(numbers);
        int sent = posix.sendmsg(socket(), message, 0);
        if (sent <= 0) {
            throw new IOException("sendmsg: errno " + posix.errno());
        }
        bytes.position(bytes.position() + sent);
        send(bytes);
    }

    /** The descriptors that arrived since the last call; they are closed with the client. */
    public FileDescriptor[] takeDescriptors() throws IOException {
        return ((AFUNIXSocketChannel) channel).getReceivedFileDescriptors();
    }

    /** The next frame. */
    public Answer receive() throws IOException {
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

    /** The body of an answer that comes in frames, up to its END, each of them with OK. */
    byte[] receiveBody() throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        Answer frame;
        do {
            frame = receive();
            assertThat(frame.status()).isEqualTo(Status.OK);
            body.write(frame.body());
        } while (frame.operation() != Operation.END);
        return body.toByteArray();
    }

    /** Whether something that the server sent can be read already. */
    public boolean hasAnswer() throws IOException {
        channel.configureBlocking(false);
        try {
            input.compact();
            channel.read(input);
            input.flip();
            return input.hasRemaining();
        } finally {
            channel.configureBlocking(true);
        }
    }

    /** Whether the server has closed, all else being read. */
    public boolean isClosedByServer() throws IOException {
        try {
            fill(input.remaining() + 1);
            return false;
        } catch (EOFException | SocketException e) { // reset: it was sent more than it read
            return true;
        }
    }

    public void endInput() throws IOException {
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
