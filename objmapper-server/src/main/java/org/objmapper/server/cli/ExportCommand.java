package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.ListEntry;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** Writes all objects with a prefix as files. */
final class ExportCommand implements ToolCommand {
    private static final OptionDefinition PREFIX =
            OptionDefinition.value("--prefix", "PREFIX", "What the keys begin with; all objects without it.");

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "export",
                "Write all objects with a prefix as files below a directory.",
                List.of("A file's path below DIR is the rest of its key. Keys that would lead out of DIR, or can't be a"
                        + " file's path, are told and left out; the exit code is 5 then. So are keys of which all bodies have a"
                        + " --variant that a request without headers doesn't get. A file appears when it is whole, in place"
                        + " of one that is there."),
                List.of(ParameterDefinition.one("DIR", "The directory; it is made when it is not there.")),
                PREFIX,
                GetCommand.MODE,
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        Path directory = Path.of(arguments.value(0)).toAbsolutePath().normalize();
        String prefix = arguments.text(PREFIX);
        byte[] prefixBytes = (prefix == null ? "" : prefix).getBytes(StandardCharsets.UTF_8);
        Mode mode = GetCommand.mode(arguments);
        Files.createDirectories(directory);
        int exitCode = ExitCode.OK;
        try (ToolSession listingSession = ToolSession.connect(arguments, console);
                ToolSession session = ToolSession.connect(arguments, console);
                WholeFiles files = new WholeFiles();
                Progress progress = new Progress("export", total(listingSession, prefixBytes), console)) {
            Listing listing = new Listing(listingSession, prefixBytes, Long.MAX_VALUE);
            for (List<ListEntry> page = listing.next(); !page.isEmpty(); page = listing.next()) {
                for (ListEntry entry : page) {
                    Path file = file(directory, entry.key(), prefixBytes.length);
                    String name = Shown.name(new String(entry.key(), StandardCharsets.UTF_8));
                    if (file == null) {
                        console.complain(name + ": cannot be a file below " + directory + "; left out");
                        exitCode = ExitCode.IO;
                        continue;
                    }
                    try {
                        fetch(session, mode, entry, name, files, file, progress);
                        if (session.status() == Status.NOT_FOUND
                                && !session.variantHeaders().isEmpty()) {
                            console.complain(name + ": has no body for a request without headers; left out");
                            exitCode = ExitCode.IO;
                        }
                    } catch (FileSystemException e) {
                        console.complain(name + ": cannot be written: " + IoMessage.of(e));
                        exitCode = ExitCode.IO;
                    }
                }
            }
            progress.close();
            console.err().println(progress.summary());
            if (arguments.has(OptionDefinition.JSON)) {
                console.line(Json.of(Map.of("objects", progress.objects(), "bytes", progress.bytes())));
            }
        }
        return exitCode;
    }

    /** How many bytes there are to fetch: the listing is gone through once before, for the progress to know its end. */
    private static long total(ToolSession session, byte[] prefix) throws IOException, ToolFailure {
        long bytes = 0;
        Listing listing = new Listing(session, prefix, Long.MAX_VALUE);
        for (List<ListEntry> page = listing.next(); !page.isEmpty(); page = listing.next()) {
            bytes += page.stream().mapToLong(ListEntry::length).sum();
        }
        return bytes;
    }

    /** Where a key's file is; null when it would be outside the directory, or no file. */
    static @Nullable Path file(Path directory, byte[] key, int prefixLength) {
        String rest = new String(key, prefixLength, key.length - prefixLength, StandardCharsets.UTF_8);
        if (!Arrays.equals(rest.getBytes(StandardCharsets.UTF_8), Arrays.copyOfRange(key, prefixLength, key.length))) {
            return null; // not UTF-8: two keys might become one file
        }
        for (String part : rest.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                return null;
            }
        }
        try {
            return directory.resolve(rest);
        } catch (InvalidPathException e) {
            return null;
        }
    }

    private static void fetch(
            ToolSession session,
            Mode mode,
            ListEntry entry,
            String name,
            WholeFiles files,
            Path file,
            Progress progress)
            throws IOException, ToolFailure {
        Path parent = file.getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        files.write(file, out -> {
            session.request(Operation.GET).bytes(MetadataType.KEY, entry.key()).u32(MetadataType.MODE, mode.code());
            session.exchange();
            if (session.status() == Status.NOT_FOUND) {
                return false; // deleted since it was listed
            }
            session.expectOk(name);
            GetCommand.deliver(session, new Key(name, entry.key()), out);
            progress.done(entry.length());
            return true;
        });
    }
}
