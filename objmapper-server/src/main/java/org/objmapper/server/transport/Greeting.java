package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
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
import org.objmapper.server.exchange.Output;
import org.objmapper.server.exchange.SentFile;
import org.objmapper.server.exchange.Terms;

/** HELLO: what the client asks for, and what it is granted (protocol-spec.md 7). */
final class Greeting {
    /** Terms of a session that is refused. */
    private static final Terms REFUSED = new Terms(Mode.AUTO, 0, 0, 0, 0, 0, false, false, 0);

    /** What this server has. */
    private static final long FEATURES =
            Features.FILL_TOKENS | Features.VARIANTS | Features.BANS | Features.VALIDITY | Features.HITS;

    private static final int ROOM = 1_024;

    private Greeting() {}

    /** Says what is granted, or writes why nothing is: the terms of a refused session allow no request. */
    static Terms terms(MetadataReader hello, Output output, ServerLimits limits) throws MalformedFrame {
        if (!hello.find(MetadataType.VERSIONS)) {
            throw new MalformedFrame("7.2", "HELLO without VERSIONS");
        }
        int lowest = hello.buffer().getShort(hello.offset()) & 0xffff;
        int highest = hello.buffer().getShort(hello.offset() + 2) & 0xffff;
        if (lowest > Limits.VERSION || highest < Limits.VERSION) {
            refuse(output, lowest, highest);
            return REFUSED;
        }
        hello.rewind();
        while (hello.next()) {
            if (MetadataType.mustBeUnderstood(hello.type())) {
                refuse(output, hello.type());
                return REFUSED;
            }
        }
        return new Terms(
                mode(hello),
                Math.min(
                        within(
                                hello,
                                MetadataType.MAX_REQUESTS,
                                Limits.MAX_REQUESTS_DEFAULT,
                                1,
                                Limits.MAX_REQUESTS_HIGHEST),
                        limits.maxRequests()),
                within(hello, MetadataType.MAX_MESSAGE_DESCRIPTORS, 0, 0, Limits.MAX_MESSAGE_DESCRIPTORS_HIGHEST),
                within(hello, MetadataType.MAX_QUEUED_DESCRIPTORS, 0, 0, Limits.MAX_QUEUED_DESCRIPTORS_HIGHEST),
                Math.min(
                        within(
                                hello,
                                MetadataType.MAX_FRAME,
                                Limits.MAX_FRAME_DEFAULT,
                                Limits.MAX_FRAME_LOWEST,
                                Limits.MAX_FRAME_HIGHEST),
                        limits.maxFrame()),
                Math.min(
                        within(
                                hello,
                                MetadataType.INLINE_LIMIT,
                                Limits.INLINE_LIMIT_DEFAULT,
                                0,
                                Limits.INLINE_LIMIT_HIGHEST),
                        limits.inlineLimit()),
                within(hello, MetadataType.ORDERED, 0, 0, 1) == 1,
                within(hello, MetadataType.SHARED_ACCEPTED, 0, 0, 1) == 1,
                hello.find(MetadataType.FEATURES) ? hello.u64() & FEATURES : 0);
    }

    private static Mode mode(MetadataReader hello) throws MalformedFrame {
        int code = within(hello, MetadataType.MODE, Mode.AUTO.code(), Mode.FDPASS.code(), Mode.AUTO.code());
        @Nullable Mode mode = Mode.of(code);
        return mode == null ? Mode.AUTO : mode;
    }

    private static int within(MetadataReader hello, MetadataType type, int otherwise, int lowest, int highest)
            throws MalformedFrame {
        if (!hello.find(type)) {
            return otherwise;
        }
        long value = Integer.toUnsignedLong(hello.u32());
        if (value < lowest || value > highest) {
            throw new MalformedFrame("8.1", type + " of " + value + " is not between " + lowest + " and " + highest);
        }
        return (int) value;
    }

    /** Writes the answer to a HELLO that is not refused; the validity table goes with it where it is granted. */
    static void grant(Output output, Terms terms, ServerLimits limits, @Nullable SentFile table) {
        FrameWriter frame = output.frame(ROOM);
        frame.begin(Operation.HELLO, Frame.REPLY, 0, Status.OK, Limits.MAGIC)
                .u32(MetadataType.MODE, terms.mode().code())
                .versions(Limits.VERSION, Limits.VERSION)
                .u64(MetadataType.FEATURES, terms.features())
                .u32(MetadataType.MAX_REQUESTS, terms.maxRequests())
                .u32(MetadataType.MAX_MESSAGE_DESCRIPTORS, limits.maxMessageDescriptors())
                .u32(MetadataType.MAX_QUEUED_DESCRIPTORS, limits.maxQueuedDescriptors())
                .u32(MetadataType.MAX_FRAME, terms.maxFrame())
                .u32(MetadataType.INLINE_LIMIT, terms.inlineLimit())
                .u32(MetadataType.SHARED_ACCEPTED, terms.sharesDescriptors() ? 1 : 0)
                .u32(MetadataType.ORDERED, terms.ordered() ? 1 : 0)
                .text(MetadataType.PEER_NAME, "objmapperd");
        output.end(table);
    }

    /** Takes the validity table back out of an answer that stands in a buffer: its descriptor can't be passed. */
    static void withdrawTable(ByteBuffer buffer, int at, Frame hello) {
        MetadataReader metadata = new MetadataReader().trust(buffer, hello.metadataOffset(), hello.metadataLength());
        if (metadata.find(MetadataType.FEATURES)) {
            buffer.putLong(metadata.offset(), metadata.u64() & ~Features.VALIDITY);
        }
        buffer.put(at + 5, (byte) 0);
    }

    private static void refuse(Output output, int lowest, int highest) {
        FrameWriter frame = output.frame(ROOM);
        frame.begin(Operation.ERROR, Frame.REPLY, 0, Status.VERSION_MISMATCH, 0)
                .message("the client speaks versions " + lowest + " to " + highest + "; this server speaks "
                        + Limits.VERSION)
                .versions(Limits.VERSION, Limits.VERSION);
        output.end(null);
    }

    private static void refuse(Output output, int type) {
        FrameWriter frame = output.frame(ROOM);
        frame.begin(Operation.ERROR, Frame.REPLY, 0, Status.UNSUPPORTED, 0)
                .message("metadata type " + type + " is unknown here and must be understood");
        output.end(null);
    }
}
