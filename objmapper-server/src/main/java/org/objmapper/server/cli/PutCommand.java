package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;

/** Stores a file or the standard input. */
final class PutCommand implements ToolCommand {
    private static final OptionDefinition IF_ABSENT =
            OptionDefinition.flag("--if-absent", "Only when there is no object under the key yet.");

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "put",
                "Store a file, or the standard input, under a key.",
                List.of(
                        "The object replaces one that stands under the key already, at once and whole; of several under the key"
                                + " the one with the same --variant."),
                List.of(
                        ParameterDefinition.one("KEY", "The object's key."),
                        ParameterDefinition.one("FILE", "The file; - is the standard input.")),
                OptionDefinition.DURABILITY,
                OptionDefinition.EVICTABLE,
                OptionDefinition.TTL,
                OptionDefinition.GRACE,
                OptionDefinition.TAG,
                OptionDefinition.CONTENT_TYPE,
                OptionDefinition.CONTENT_ENCODING,
                OptionDefinition.ETAG,
                OptionDefinition.VARIANT,
                IF_ABSENT,
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        Key key = Key.of(arguments, arguments.value(0));
        ObjectOptions options = ObjectOptions.of(arguments);
        String file = arguments.value(1);
        if (file.equals("-")) {
            return put(arguments, console, key, options, Channels.newChannel(console.in()), Limits.UNKNOWN, -1);
        }
        Path path = Path.of(file);
        if (Files.isDirectory(path)) {
            throw new ToolFailure(
                    ExitCode.IO, Shown.name(file) + " is a directory; objmapper import stores what is in it");
        }
        try (FileChannel body = FileChannel.open(path)) {
            long modified = Files.getLastModifiedTime(path).toMillis();
            long length = Files.isRegularFile(path) ? Upload.lengthOf(body) : Limits.UNKNOWN;
            return put(arguments, console, key, options, body, length, Math.max(modified, -1));
        } catch (NoSuchFileException e) {
            throw new ToolFailure(ExitCode.IO, "there is no file " + Shown.name(file), e);
        }
    }

    private static int put(
            Arguments arguments,
            Console console,
            Key key,
            ObjectOptions options,
            ReadableByteChannel body,
            long length,
            long modifiedMillis)
            throws IOException, ToolFailure {
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            Upload upload = new Upload(session, key.shown());
            FrameWriter writer = upload.begin(length).bytes(MetadataType.KEY, key.bytes());
            if (arguments.has(IF_ABSENT)) {
                writer.empty(MetadataType.IF_ABSENT);
            }
            options.writeParameters(writer);
            options.writeMetadata(writer, modifiedMillis);
            long stored = upload.send(body);
            if (arguments.has(OptionDefinition.JSON)) {
                Map<String, Object> result = new LinkedHashMap<>();
                result.put("key", key.text());
                result.put("length", stored);
                result.putAll(MetadataText.of(session.metadata()));
                console.line(Json.of(result));
            }
            return ExitCode.OK;
        }
    }
}
