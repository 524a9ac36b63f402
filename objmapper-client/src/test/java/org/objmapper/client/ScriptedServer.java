package org.objmapper.client;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.newsclub.net.unix.AFUNIXServerSocket;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.newsclub.net.unix.FileDescriptorCast;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** A server that does what a test tells it, frame by frame. */
final class ScriptedServer implements AutoCloseable {
    /** What it grants. */
    int maxRequests = Limits.MAX_REQUESTS_DEFAULT;

    int maxDescriptors = 16;

    private final AFUNIXServerSocket listener;
    private final Path path;

    ScriptedServer(Path path) throws IOException {
        this.path = path;
        this.listener = AFUNIXServerSocket.bindOn(AFUNIXSocketAddress.of(path));
    }

    /** Waits for a client and greets it. */
    Peer accept() throws IOException {
        Peer peer = new Peer(listener.accept());
        Received hello = peer.receive();
        if (hello.operation != Operation.HELLO) {
            throw new IOException("no HELLO but " + hello.operation);
        }
        peer.hello = hello;
        peer.send(writer -> writer.begin(Operation.HELLO, Frame.REPLY, 0, Status.OK, Limits.MAGIC)
                .u32(MetadataType.MAX_REQUESTS, maxRequests)
                .u32(MetadataType.MAX_MESSAGE_DESCRIPTORS, maxDescriptors)
                .u32(MetadataType.MAX_QUEUED_DESCRIPTORS, maxDescriptors));
        return peer;
    }

    @Override
    public void close() throws IOException {
        listener.close();
        Files.deleteIfExists(path);
    }

    /** Waits for a client, greets it and does with it what a test says, as a {@link #script}. */
    Script serve(Conversation conversation) {
        return script(() -> {
            try (Peer peer = accept()) {
                conversation.with(peer);
            }
        });
    }

    interface Conversation {
        void with(Peer peer) throws Exception;
    }

    /** Runs a script in a thread of its own; what it throws comes out when it is joined. */
    static Script script(Step step) {
        return new Script(step);
    }

    interface Step {
        void run() throws Exception;
    }

    static final class Script implements AutoCloseable {
        private final BlockingQueue<Object> outcome = new LinkedBlockingQueue<>();
        private final Thread thread;

        private Script(Step step) {
            thread = new Thread(() -> {
                try {
                    step.run();
                    outcome.add("done");
                } catch (Throwable e) {
                    outcome.add(e);
                }
            });
            thread.start();
        }

        @Override
        public void close() throws Exception {
            Object result = outcome.poll(20, TimeUnit.SECONDS);
            if (result instanceof Throwable failure) {
                throw new AssertionError("the script failed", failure);
            }
            if (result == null) {
                thread.interrupt();
                throw new AssertionError("the script did not end");
            }
            thread.join();
        }
    }

    static final class Received {
        int operation;
        int id;
        int status;
        boolean more;
        long objectLength;
        int descriptors;
        byte[] body = new byte[0];
        MetadataReader metadata = new MetadataReader();
    }

    static final class Peer implements AutoCloseable {
        Received hello = new Received();
        private final AFUNIXSocket socket;
        private final InputStream in;

        private Peer(AFUNIXSocket socket) throws IOException {
            this.socket = socket;
            Inbox.prepare(socket);
            this.in = socket.getInputStream();
        }

        Received receive() throws IOException {
            ByteBuffer header = ByteBuffer.wrap(in.readNBytes(Limits.HEADER)).order(ByteOrder.LITTLE_ENDIAN);
            if (header.remaining() < Limits.HEADER) {
                throw new IOException("the client closed");
            }
            Frame frame = new Frame().wrap(header, 0);
            Received received = new Received();
            received.operation = frame.operation();
            received.id = frame.requestId();
            received.status = frame.status();
            received.descriptors = frame.descriptors();
            received.more = frame.hasMore();
            received.objectLength = frame.objectLength();
            byte[] entries = in.readNBytes(frame.metadataLength());
            try {
                received.metadata.wrap(ByteBuffer.wrap(entries).order(ByteOrder.LITTLE_ENDIAN), 0, entries.length);
            } catch (org.objmapper.protocol.MalformedFrame e) {
                throw new IOException(e);
            }
            received.body = in.readNBytes(frame.bodyLength());
            return received;
        }

        /** The content of the file whose descriptor came last; closes it. */
        byte[] readPassed() throws IOException {
            FileDescriptor[] passed = socket.getReceivedFileDescriptors();
            if (passed == null || passed.length != 1) {
                throw new IOException("not one descriptor but " + Arrays.toString(passed));
            }
            try (InputStream file = FileDescriptorCast.using(passed[0]).as(FileInputStream.class)) {
                return file.readAllBytes();
            }
        }

        void send(Consumer<FrameWriter> content) throws IOException {
            sendBytes(encode(content));
        }

        void sendBytes(byte[] bytes) throws IOException {
            socket.getOutputStream().write(bytes);
        }

        void sendWith(FileDescriptor descriptor, Consumer<FrameWriter> content) throws IOException {
            socket.setOutboundFileDescriptors(descriptor);
            send(content);
        }

        /** Answers GETs with the same descriptor each, all in one message. */
        void replyTogether(FileDescriptor descriptor, long length, List<Received> gets) throws IOException {
            replyTogether(descriptor, length, gets, new byte[0]);
        }

        /** The same with so much metadata in each frame. */
        void replyTogether(FileDescriptor descriptor, long length, List<Received> gets, byte[] opaque)
                throws IOException {
            FileDescriptor[] descriptors = new FileDescriptor[gets.size()];
            Arrays.fill(descriptors, descriptor);
            ByteArrayOutputStream frames = new ByteArrayOutputStream();
            for (Received get : gets) {
                frames.write(encode(writer -> writer.begin(Operation.GET, Frame.REPLY, get.id, Status.OK, length)
                        .descriptors(1)
                        .u32(MetadataType.MODE, Mode.FDPASS.code())
                        .pair(MetadataType.DESCRIPTOR_RANGE, 0, length)
                        .bytes(MetadataType.OPAQUE, opaque)));
            }
            socket.setOutboundFileDescriptors(descriptors);
            sendBytes(frames.toByteArray());
        }

        static byte[] encode(Consumer<FrameWriter> content) {
            ByteBuffer buffer = ByteBuffer.allocate(300_000).order(ByteOrder.LITTLE_ENDIAN);
            FrameWriter writer = new FrameWriter().wrap(buffer);
            content.accept(writer);
            writer.end();
            byte[] bytes = new byte[buffer.position()];
            buffer.flip().get(bytes);
            return bytes;
        }

        void reply(Received to, Status status, byte[] body) throws IOException {
            send(writer -> writer.begin(to.operation, Frame.REPLY, to.id, status, body.length)
                    .body()
                    .put(body));
        }

        void frame(int operation, int id, int flags, Status status, byte[] body) throws IOException {
            send(writer -> writer.begin(operation, Frame.REPLY | flags, id, status, body.length)
                    .body()
                    .put(body));
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
