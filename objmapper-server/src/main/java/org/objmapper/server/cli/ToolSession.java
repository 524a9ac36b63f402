package org.objmapper.server.cli;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.objmapper.protocol.Features;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/**
 * The tool's session with a server: it waits for each answer, and loads far fewer classes than the Java client. Not thread-safe.
 */
final class ToolSession implements Closeable {
    /** The least that the protocol allows: small buffers make a quick start, and large enough ones. */
    static final int MAX_FRAME = Limits.MAX_FRAME_LOWEST;

    /** How long the server may let the tool wait where nothing else is said. */
    static final int TIMEOUT_MILLIS = 30_000;

    private static final int PATH_BYTES = 107;

    private final Path socket;
    private final Connection connection;
    private final ByteBuffer in = ByteBuffer.allocateDirect(MAX_FRAME).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer out = ByteBuffer.allocateDirect(MAX_FRAME).order(ByteOrder.LITTLE_ENDIAN);
    private final FrameWriter writer = new FrameWriter();
    private final Frame frame = new Frame();
    private final MetadataReader metadata = new MetadataReader();
    private int requestId;
    private int frameEnd;
    private String serverName = "";
    private int maxRequests = 1;
    private boolean greeted;

    private ToolSession(Path socket, Connection connection) {
        this.socket = socket;
        this.connection = connection;
        in.limit(0);
        writeHello();
    }

    /** Connects to the server that the arguments or the environment name. */
    static ToolSession connect(Arguments arguments, Console console) throws IOException, ToolFailure {
        return connect(
                SocketSearch.find(arguments.text(OptionDefinition.SOCKET), console.environment()),
                arguments.timeoutMillis(TIMEOUT_MILLIS));
    }

    /** Connects; a wait for the server that takes longer than the timeout, 0 for none, throws NoAnswerException, here and later. */
    static ToolSession connect(Path socket, int timeoutMillis) throws IOException, ToolFailure {
        if (socket.toString().getBytes(StandardCharsets.UTF_8).length > PATH_BYTES) {
            throw new ToolFailure(
                    ExitCode.CANNOT_CONNECT,
                    "cannot connect to " + socket + ": the path is longer than the " + PATH_BYTES
                            + " bytes that a socket's can have");
        }
        try {
            return new ToolSession(socket, Connection.open(socket, timeoutMillis));
        } catch (NoAnswerException e) {
            throw e;
        } catch (IOException e) {
            throw new ToolFailure(ExitCode.CANNOT_CONNECT, "cannot connect to " + socket + ": " + e.getMessage(), e);
        }
    }

    /** HELLO goes out together with the first request (protocol-spec.md 7.6). */
    private void writeHello() {
        writer.wrap(out)
                .begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC)
                .u32(MetadataType.MODE, Mode.AUTO.code())
                .versions(Limits.VERSION, Limits.VERSION)
                .u64(MetadataType.FEATURES, Features.ALL)
                .u32(MetadataType.MAX_MESSAGE_DESCRIPTORS, 1)
                .u32(MetadataType.MAX_QUEUED_DESCRIPTORS, 1)
                .u32(MetadataType.MAX_FRAME, MAX_FRAME)
                .bytes(MetadataType.PEER_NAME, "objmapper".getBytes(StandardCharsets.UTF_8))
                .end();
    }

    /** Starts a request with an id of its own; the caller adds metadata in the order of the types. */
    FrameWriter request(int operation) {
        return request(operation, 0, 0);
    }

    FrameWriter request(int operation, int flags, long objectLength) {
        return writer.begin(operation, flags, ++requestId, Status.OK, objectLength);
    }

    /** Starts a DATA or END frame of the last request. */
    FrameWriter continuation(int operation, Status status) {
        return writer.begin(operation, 0, requestId, status, 0);
    }

    /** Where a request's body is put, after {@link FrameWriter#body}. */
    ByteBuffer out() {
        return out;
    }

    /** Sends what was written. */
    void flush() throws IOException {
        out.flip();
        try {
            connection.send(out);
        } catch (NoAnswerException e) {
            throw e;
        } catch (IOException e) {
            if (!greeted && in.limit() == 0) {
                return; // the server may have said why before it closed: the reply tells
            }
            throw broken(e);
        } finally {
            out.clear();
        }
    }

    /** Sends the request and waits for its reply; a status other than OK becomes a failure that names {@code what}, where that is not empty. */
    void call(String what) throws IOException, ToolFailure {
        exchange();
        expectOk(what);
    }

    /** Sends the request and waits for its reply, whatever its status. */
    void exchange() throws IOException, ToolFailure {
        writer.end();
        flush();
        receive();
    }

    /** Throws unless the frame that was received last says OK. */
    void expectOk(String what) throws ToolFailure {
        Status status = status();
        if (status != Status.OK) {
            throw refusal(what, status);
        }
    }

    ToolFailure refusal(String what, Status status) {
        return new ToolFailure(ToolFailure.exitCode(status), (what.isEmpty() ? "" : what + ": ") + message(status));
    }

    private String message(Status status) {
        String message = metadata.find(MetadataType.MESSAGE) ? Shown.escaped(metadata.text()) : status.sentence();
        List<String> headers = variantHeaders();
        return headers.isEmpty()
                ? message
                : message + "; those that are there differ by " + String.join(", ", headers) + ", so give --header";
    }

    /** The headers that what stands under the key of a miss is told apart by. */
    List<String> variantHeaders() {
        List<String> names = new ArrayList<>();
        metadata.rewind();
        while (metadata.next()) {
            if (metadata.type() == MetadataType.VARIANT_HEADER.code()) {
                names.add(Shown.escaped(metadata.text()));
            }
        }
        return names;
    }

    /** Waits for the next frame; the one before is gone then. */
    void receive() throws IOException, ToolFailure {
        receiveFrame();
        if (!greeted) {
            greeted = true;
            serverName = metadata.find(MetadataType.PEER_NAME) ? metadata.text() : "";
            maxRequests = metadata.find(MetadataType.MAX_REQUESTS) ? metadata.u32() : 1;
            receiveFrame();
        }
    }

    private void receiveFrame() throws IOException, ToolFailure {
        in.position(frameEnd);
        ensure(Limits.HEADER);
        frame.wrap(in, in.position());
        try {
            frame.validate(MAX_FRAME);
            ensure(frame.length());
            frame.wrap(in, in.position());
            metadata.wrap(in, frame.metadataOffset(), frame.metadataLength());
        } catch (MalformedFrame e) {
            throw new IOException(
                    "the server at " + socket + " broke clause " + e.clause() + " of the protocol: " + e.getMessage(),
                    e);
        }
        frameEnd = in.position() + frame.length();
        if (frame.operation() == Operation.ERROR) {
            throw refusal("the server at " + socket + " ended the session", status());
        }
        if (frame.operation() == Operation.GOODBYE && frame.requestId() == 0) {
            receiveFrame(); // a server that stops still answers what it has
        }
    }

    /** Waits until {@code count} bytes stand from the position on. */
    private void ensure(int count) throws IOException {
        if (in.remaining() >= count) {
            return;
        }
        in.compact();
        frameEnd = 0;
        while (in.position() < count) {
            if (!receiveMore(true)) {
                in.limit(0);
                throw new EOFException("the server at " + socket + " closed the connection");
            }
        }
        in.flip();
    }

    /** Whether bytes of a reply are there already. */
    boolean replyWaits() throws IOException {
        if (!greeted) {
            return false;
        }
        in.position(frameEnd);
        if (in.hasRemaining()) {
            return true;
        }
        in.clear();
        frameEnd = 0;
        receiveMore(false);
        in.flip();
        return in.hasRemaining();
    }

    private boolean receiveMore(boolean wait) throws IOException {
        try {
            return connection.receive(in, wait);
        } catch (NoAnswerException e) {
            throw e;
        } catch (IOException e) {
            throw broken(e);
        }
    }

    private IOException broken(IOException e) {
        return new IOException("the connection to the server at " + socket + " broke: " + e.getMessage(), e);
    }

    Frame frame() {
        return frame;
    }

    /** The metadata of the frame that was received last. */
    MetadataReader metadata() {
        return metadata;
    }

    Status status() {
        return Status.of(frame.status());
    }

    /** The body bytes of the frame that was received last. */
    ByteBuffer body() {
        return in.slice(frame.bodyOffset(), frame.bodyLength());
    }

    /** The descriptor of the frame that was received last, the caller's to close. */
    int takeDescriptor() throws IOException {
        Integer descriptor = connection.takeDescriptor();
        if (frame.descriptors() != 1 || descriptor == null) {
            throw new IOException("the server at " + socket + " sent no descriptor where it said one");
        }
        return descriptor;
    }

    /** What the server calls itself; known after the first reply. */
    String serverName() {
        return serverName;
    }

    /** The id of the request that was started last; they are numbered one by one. */
    int lastRequestId() {
        return requestId;
    }

    /** How many requests may be in flight, as far as is known yet. */
    int maxRequests() {
        return maxRequests;
    }

    @Override
    public void close() {
        connection.close();
    }
}
