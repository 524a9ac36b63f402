package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;

/** Runs a command with an object's descriptor as its standard input. */
final class WithCommand implements ToolCommand {
    static final String NAME = "with";
    /** The exit codes that shells and env(1) have for this. */
    static final int CANNOT_BE_RUN = 126;

    static final int NO_SUCH_COMMAND = 127;

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                NAME,
                "Run a command with an object's descriptor as its standard input.",
                List.of(
                        "objmapper with KEY -- COMMAND ARGUMENT... hands the server's descriptor to COMMAND as it is: nothing is"
                                + " copied, and COMMAND may map it and seek in it. COMMAND takes objmapper's place, its exit"
                                + " code is the call's. Options stand before COMMAND; the -- may be left out."),
                List.of(
                        ParameterDefinition.one("KEY", "The object's key."),
                        ParameterDefinition.program("COMMAND", "The command and its arguments.")),
                OptionDefinition.HEADER);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        Key key = Key.of(arguments, arguments.value(0));
        List<String> command = arguments.values().subList(1, arguments.values().size());
        HeaderPairs headers = new HeaderPairs(arguments, OptionDefinition.HEADER, MetadataType.REQUEST_HEADER);
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            headers.write(session.request(Operation.GET)
                    .bytes(MetadataType.KEY, key.bytes())
                    .u32(MetadataType.MODE, Mode.FDPASS.code()));
            session.call(key.shown());
            int descriptor =
                    session.frame().descriptors() == 0 ? InlineBody.descriptor(session, key) : descriptor(session);
            try {
                CallerLocale.restore(console.environment());
                int errno = -NativeIo.execute(descriptor, block(command));
                throw new ToolFailure(
                        errno == Errno.ENOENT ? NO_SUCH_COMMAND : CANNOT_BE_RUN,
                        Shown.name(command.get(0)) + ": cannot be run: " + Errno.nameOf(errno));
            } finally {
                NativeIo.close(descriptor);
            }
        }
    }

    private static int descriptor(ToolSession session) throws IOException {
        if (session.metadata().find(MetadataType.DESCRIPTOR_RANGE)
                && session.metadata().u64() != 0) {
            throw new IOException("the body does not begin where its descriptor does");
        }
        return session.takeDescriptor();
    }

    /** The words, each with a NUL behind it. */
    private static byte[] block(List<String> words) {
        return (String.join("\0", words) + "\0").getBytes(StandardCharsets.UTF_8);
    }
}
