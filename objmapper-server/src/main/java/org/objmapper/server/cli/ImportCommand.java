package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** Stores all files below a directory. */
final class ImportCommand implements ToolCommand {
    private static final OptionDefinition PREFIX =
            OptionDefinition.value("--prefix", "PREFIX", "What the keys begin with; the path below DIR follows.");
    private static final OptionDefinition DURABILITY = OptionDefinition.value(
            "--durability",
            "relaxed|durable",
            "durable (the default here): what is counted is on disk. relaxed: visible at once, on disk soon; what is"
                    + " counted may be lost when the server is killed right after.");

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "import",
                "Store all files below a directory.",
                List.of("A key is the prefix and the path relative to DIR. Only regular files are stored; links are not"
                        + " followed. A file that can't be stored is told, the others are stored all the same. What the"
                        + " command says it has stored is on disk then, unless it was told to be relaxed."),
                List.of(ParameterDefinition.one("DIR", "The directory.")),
                PREFIX,
                DURABILITY,
                OptionDefinition.EVICTABLE,
                OptionDefinition.TTL,
                OptionDefinition.GRACE,
                OptionDefinition.TAG,
                OptionDefinition.JSON);
    }

    private record Source(Path path, byte[] key, long length, long modifiedMillis) {}

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        ObjectOptions options = ObjectOptions.durable(arguments);
        Path directory = Path.of(arguments.value(0));
        if (!Files.isDirectory(directory)) {
            throw new ToolFailure(ExitCode.IO, Shown.name(directory.toString()) + " is not a directory");
        }
        String prefix = arguments.text(PREFIX);
        Run run = new Run(options, console);
        Queue<Source> sources = run.find(directory, prefix == null ? "" : prefix);
        long total = sources.stream().mapToLong(Source::length).sum();
        try (ToolSession session = ToolSession.connect(arguments, console);
                Progress progress = new Progress("import", total, console)) {
            run.store(sources, session, progress);
            progress.close();
            console.err().println(progress.summary() + run.durability() + run.leftOut());
            if (arguments.has(OptionDefinition.JSON)) {
                Map<String, Object> result = new LinkedHashMap<>();
                result.put("objects", progress.objects());
                result.put("bytes", progress.bytes());
                result.put("durable", options.isDurable());
                result.put("failed", run.failures);
                result.put("skipped", run.skipped);
                console.line(Json.of(result));
            }
        }
        return run.exitCode;
    }

    /** One import. */
    private static final class Run {
        private static final int SMALL = 32_768;
        private static final int METADATA_ROOM = 65_536;
        private static final int BATCH = 32;

        private final ObjectOptions options;
        private final Console console;
        private int failures;
        private int skipped;
        private int exitCode = ExitCode.OK;

        Run(ObjectOptions options, Console console) {
            this.options = options;
            this.console = console;
        }

        Queue<Source> find(Path directory, String prefix) throws IOException {
            Queue<Source> sources = new ArrayDeque<>();
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
                    if (attributes.isRegularFile()) {
                        byte[] key = (prefix + directory.relativize(path)).getBytes(StandardCharsets.UTF_8);
                        if (!path.equals(Path.of(path.toString()))) {
                            fail(shown(path) + ": its name is not UTF-8; give it another one to store it", ExitCode.IO);
                        } else if (key.length > Limits.MAX_KEY) {
                            fail(
                                    shown(path) + ": its key would have more than " + Limits.MAX_KEY + " bytes",
                                    ExitCode.IO);
                        } else {
                            sources.add(new Source(
                                    path,
                                    key,
                                    attributes.size(),
                                    attributes.lastModifiedTime().toMillis()));
                        }
                    } else {
                        skipped++;
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path path, IOException e) {
                    fail(shown(path) + ": cannot be read: " + reason(e), ExitCode.IO);
                    return FileVisitResult.CONTINUE;
                }
            });
            return sources;
        }

        /** Small files go out many at a time, so that a durable import waits once for many of them; large ones alone. */
        void store(Queue<Source> sources, ToolSession session, Progress progress) throws IOException, ToolFailure {
            List<Source> batch = new ArrayList<>();
            while (!sources.isEmpty() || !batch.isEmpty()) {
                Source source = sources.peek();
                boolean fits = source != null
                        && source.length() <= SMALL
                        && batch.size() < Math.min(BATCH, session.maxRequests())
                        && session.out().remaining() > SMALL + METADATA_ROOM;
                if (fits) {
                    sources.remove();
                    append(source, session, batch, sources);
                } else if (!batch.isEmpty()) {
                    complete(batch, session, progress);
                } else if (source != null) {
                    sources.remove();
                    storeLarge(source, session, progress);
                }
            }
        }

        private void append(Source source, ToolSession session, List<Source> batch, Queue<Source> sources) {
            byte[] body;
            try {
                body = Files.readAllBytes(source.path());
            } catch (IOException e) {
                fail(shown(source.path()) + ": cannot be read: " + reason(e), ExitCode.IO);
                return;
            }
            if (body.length > SMALL) {
                sources.add(new Source(source.path(), source.key(), body.length, source.modifiedMillis()));
                return; // longer than it claimed, as those of /proc are: it is sent alone, to its end
            }
            FrameWriter writer = session.request(Operation.PUT, 0, body.length);
            describe(writer, source);
            writer.body().put(body);
            writer.end();
            batch.add(source);
        }

        private void complete(List<Source> batch, ToolSession session, Progress progress)
                throws IOException, ToolFailure {
            int firstId = session.lastRequestId() - batch.size() + 1;
            session.flush();
            List<Source> again = new ArrayList<>();
            for (int i = 0; i < batch.size(); i++) {
                session.receive();
                Source source = batch.get(session.frame().requestId() - firstId);
                if (session.status() == Status.BUSY) {
                    again.add(source);
                } else {
                    note(source, session, progress);
                }
            }
            batch.clear();
            for (Source source : again) {
                storeLarge(source, session, progress);
            }
        }

        private void storeLarge(Source source, ToolSession session, Progress progress) throws IOException, ToolFailure {
            try (FileChannel body = FileChannel.open(source.path())) {
                Upload upload = new Upload(session, shown(source.path()));
                describe(upload.begin(Upload.lengthOf(body)), source);
                progress.done(upload.send(body));
            } catch (ToolFailure e) {
                fail(e.text(), e.exitCode());
            } catch (FileSystemException e) {
                fail(IoMessage.of(e), ExitCode.IO);
            }
        }

        private void note(Source source, ToolSession session, Progress progress) {
            Status status = session.status();
            if (status == Status.OK) {
                progress.done(source.length());
            } else {
                fail(session.refusal(shown(source.path()), status).text(), ToolFailure.exitCode(status));
            }
        }

        private void describe(FrameWriter writer, Source source) {
            writer.bytes(MetadataType.KEY, source.key());
            options.writeParameters(writer);
            options.writeMetadata(writer, Math.max(source.modifiedMillis(), -1));
        }

        /** What the summary says of how safe is what is stored. */
        String durability() {
            return options.isDurable()
                    ? ", on disk"
                    : ", visible, but lost if the server is killed before they are on disk";
        }

        /** What the summary says of files that are not stored; empty when all are. */
        String leftOut() {
            return (failures == 0 ? "" : "; " + failures + " failed")
                    + (skipped == 0 ? "" : "; " + skipped + " skipped, no regular files");
        }

        private static String shown(Path path) {
            return Shown.name(path.toString());
        }

        private static String reason(IOException e) {
            return e instanceof FileSystemException file ? IoMessage.reason(file) : String.valueOf(e.getMessage());
        }

        private void fail(String message, int code) {
            console.complain(message);
            failures++;
            exitCode = Math.max(exitCode, code);
        }
    }
}
