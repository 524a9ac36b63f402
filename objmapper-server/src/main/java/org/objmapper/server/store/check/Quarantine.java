package org.objmapper.server.store.check;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;
import org.objmapper.server.store.device.Device;

/**
 * Where a device keeps files that are not what they should be, for a person to look at: {@code quarantine/}, beside {@code objects/}.
 * Nothing reads them any more. Beside each stands a text that says what is wrong with it. Safe on any thread.
 */
public final class Quarantine {
    private static final String NOTE = ".txt";

    private final Path objects;
    private final Path directory;

    public Quarantine(Device device) {
        objects = device.objects();
        directory = objects.resolveSibling("quarantine");
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
        String kept = name.replace("/", "");
        Files.writeString(directory.resolve(kept + NOTE), why + "\n");
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
    }

    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory)) {
            channel.force(true);
        }
    }

    /** How many files it has. */
    public long count() throws IOException {
        if (!Files.exists(directory)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> !file.toString().endsWith(NOTE)).count();
        }
    }
}
