package org.objmapper.server.store.check;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Ownership;

/**
 * Where a device keeps files that are not what they should be, for a person to look at: {@code quarantine/}, beside {@code objects/}.
 * Nothing reads them any more. Beside each stands a text that says what is wrong with it. When they take more than they may, those that
 * came first are removed. Safe on any thread.
 */
public final class Quarantine {
    private static final String NOTE = ".txt";

    private final Path objects;
    private final Path directory;
    private final long mostBytes;

    /** What there is. */
    public record Contents(long files, long bytes) {
        static final Contents NOTHING = new Contents(0, 0);
    }

    /** A file and when it came, by the text beside it. */
    private record Kept(Path file, long bytes, FileTime since) {}

    /** That of a device, for so many bytes at most. */
    public Quarantine(Device device, long mostBytes) {
        this.objects = device.objects();
        this.directory = objects.resolveSibling("quarantine");
        this.mostBytes = mostBytes;
    }

    public Path directory() {
        return directory;
    }

    /**
     * Takes a file in, whose blocks and readers stay what they are.
     *
     * @param name of the file below {@code objects}
     * @param why one line
     * @throws NoSuchFileException when it is not there any more
     */
    public void take(String name, String why) throws IOException {
        boolean isNew = !Files.exists(directory);
        Files.createDirectories(directory);
        Ownership.handOver(directory);
        String kept = name.replace("/", "");
        Files.writeString(directory.resolve(kept + NOTE), why + "\n");
        Ownership.handOver(directory.resolve(kept + NOTE));
        try {
            Files.move(objects.resolve(name), directory.resolve(kept), StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            Files.delete(directory.resolve(kept + NOTE));
            throw e;
        }
        sync(directory);
        if (isNew) {
            sync(directory.resolveSibling(""));
        }
        removeOldest();
    }

    private void removeOldest() throws IOException {
        List<Kept> all = all();
        long left = sum(all).bytes;
        for (Kept kept : all) {
            if (left <= mostBytes) {
                return;
            }
            Files.deleteIfExists(kept.file);
            Files.deleteIfExists(note(kept.file));
            left -= kept.bytes;
        }
    }

    private static Path note(Path file) {
        return file.resolveSibling(file.getFileName() + NOTE);
    }

    /** Those that came first come first. */
    private List<Kept> all() throws IOException {
        if (!Files.exists(directory)) {
            return List.of();
        }
        List<Kept> all = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, file -> !isNote(file))) {
            for (Path file : files) {
                Path dated = Files.exists(note(file)) ? note(file) : file;
                all.add(new Kept(file, Files.size(file), Files.getLastModifiedTime(dated)));
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        all.sort(Comparator.comparing(Kept::since));
        return all;
    }

    private static boolean isNote(Path file) {
        return file.toString().endsWith(NOTE);
    }

    private static Contents sum(List<Kept> all) {
        return new Contents(all.size(), all.stream().mapToLong(Kept::bytes).sum());
    }

    /** Texts whose file is not there: a crash came between the two, or somebody took it. */
    public List<Path> strayNotes() throws IOException {
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> isNote(file) && !Files.exists(ofNote(file)))
                    .toList();
        }
    }

    private static Path ofNote(Path note) {
        String name = note.getFileName().toString();
        return note.resolveSibling(name.substring(0, name.length() - NOTE.length()));
    }

    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory)) {
            channel.force(true);
        }
    }

    public Contents contents() throws IOException {
        return sum(all());
    }
}
