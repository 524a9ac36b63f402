package org.objmapper.server.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** Fetches a body. */
final class GetCommand implements ToolCommand {
    private static final OptionDefinition OUTPUT = new OptionDefinition(
            "--output",
            "-o",
            "FILE",
            false,
            "Write to a file, which appears when it is whole; - is the standard output.");
    static final OptionDefinition MODE = OptionDefinition.value(
            "--mode", "fdpass|copy|splice|auto", "How the body travels. auto (the default): as the server chooses.");
    private static final OptionDefinition RANGE =
            OptionDefinition.value("--range", "FROM-TO", "Only these bytes: 0-99, 100- or the last -100.");

    private static final int CHUNK = 1 << 20;
    private static final Pattern RANGE_FORM = Pattern.compile("(\\d{0,18})-(\\d{0,18})");

    /** What is asked of a range: offset and length, as RANGE takes them. */
    private record Range(long offset, long length) {}

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "get",
                "Fetch an object's body.",
                List.of("The body goes to the standard output, unless -o names a file."),
                List.of(ParameterDefinition.one("KEY", "The object's key.")),
                OUTPUT,
                MODE,
                RANGE,
                OptionDefinition.HEADER);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        Key key = Key.of(arguments, arguments.value(0));
        arguments.checkNotEmpty(OUTPUT);
        Range range = range(arguments);
        Mode mode = mode(arguments);
        HeaderPairs headers = new HeaderPairs(arguments, OptionDefinition.HEADER, MetadataType.REQUEST_HEADER);
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            FrameWriter writer = session.request(Operation.GET).bytes(MetadataType.KEY, key.bytes());
            if (range != null) {
                writer.pair(MetadataType.RANGE, range.offset(), range.length());
            }
            writer.u32(MetadataType.MODE, mode.code());
            headers.write(writer);
            session.exchange();
            if (session.status() == Status.RANGE_NOT_SATISFIABLE) {
                throw new ToolFailure(
                        ExitCode.REFUSED,
                        key.shown() + ": the range " + arguments.text(RANGE) + " lies outside the object");
            }
            session.expectOk(key.shown());
            String output = arguments.text(OUTPUT);
            if (output == null || output.equals("-")) {
                deliver(session, key, console.out());
                console.out().flush();
            } else {
                writeFile(session, key, Path.of(output));
            }
            return ExitCode.OK;
        }
    }

    static Mode mode(Arguments arguments) throws ToolFailure {
        String mode = arguments.choice(MODE, "auto", List.of("fdpass", "copy", "splice", "auto"));
        return Mode.valueOf(mode.toUpperCase(Locale.ROOT));
    }

    private static @Nullable Range range(Arguments arguments) throws ToolFailure {
        String text = arguments.text(RANGE);
        if (text == null) {
            return null;
        }
        Matcher matcher = RANGE_FORM.matcher(text);
        if (matcher.matches()
                && !(matcher.group(1).isEmpty() && matcher.group(2).isEmpty())) {
            if (matcher.group(1).isEmpty()) {
                return new Range(Limits.UNKNOWN, Long.parseLong(matcher.group(2)));
            }
            long from = Long.parseLong(matcher.group(1));
            if (matcher.group(2).isEmpty()) {
                return new Range(from, Limits.UNKNOWN);
            }
            long to = Long.parseLong(matcher.group(2));
            if (to >= from) {
                return new Range(from, to - from + 1);
            }
        }
        throw arguments.usage("--range " + text + " is no range; write for instance 0-99, 100- or -100");
    }

    private static void writeFile(ToolSession session, Key key, Path file) throws IOException, ToolFailure {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            try (OutputStream out = new NamedOutput(Shown.name(file.toString()), Files.newOutputStream(file))) {
                deliver(session, key, out);
            }
            return;
        }
        try (WholeFiles files = new WholeFiles()) {
            files.write(file, out -> {
                deliver(session, key, out);
                return true;
            });
        }
    }

    /** Writes the body of the reply that the session holds. */
    static void deliver(ToolSession session, Key key, OutputStream out) throws IOException, ToolFailure {
        WritableByteChannel channel = Channels.newChannel(out);
        if (session.frame().descriptors() == 0) {
            new Download(session, key.shown()).transferTo(chunk -> writeAll(channel, chunk));
            return;
        }
        if (!session.metadata().find(MetadataType.DESCRIPTOR_RANGE)) {
            throw new IOException("the server sent a descriptor, but not where in it the body stands");
        }
        long position = session.metadata().u64();
        long end = position + session.metadata().secondU64();
        int descriptor = session.takeDescriptor();
        try {
            ByteBuffer chunk = ByteBuffer.allocateDirect((int) Math.min(CHUNK, Math.max(1, end - position)));
            while (position < end) {
                long wanted = Math.min(chunk.capacity(), end - position);
                int count = (int)
                        Errno.check(NativeIo.read(descriptor, NativeIo.address(chunk), wanted, position), key.shown());
                if (count == 0) {
                    throw new IOException(key.shown() + ": the descriptor ends before the object does");
                }
                writeAll(channel, chunk.position(0).limit(count));
                position += count;
            }
        } finally {
            NativeIo.close(descriptor);
        }
    }

    private static void writeAll(WritableByteChannel channel, ByteBuffer chunk) throws IOException {
        while (chunk.hasRemaining()) {
            channel.write(chunk);
        }
    }
}
