package org.objmapper.server.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.config.Configuration;

/** What {@code --dev} prepares: a socket for one user alone, and a place for the data. Owns that place unless it was given. */
final class DevelopmentServer implements AutoCloseable {
    private static final long MOST_BYTES = 10L << 30;
    private static final int PART_OF_FREE = 10;

    private final Path socket;
    private final Path data;
    private final boolean temporary;

    private DevelopmentServer(Path socket, Path data, boolean temporary) {
        this.socket = socket;
        this.data = data;
        this.temporary = temporary;
    }

    static DevelopmentServer prepare(@Nullable Path socket, @Nullable Path data) throws IOException {
        Path chosen = socket != null ? socket.toAbsolutePath() : chooseSocket(System.getenv());
        return data != null
                ? new DevelopmentServer(chosen, Files.createDirectories(data.toAbsolutePath()), false)
                : new DevelopmentServer(chosen, Files.createTempDirectory("objmapper-dev"), true);
    }

    /** The first of the tool's own candidates whose directory is there, or can be made, and is writable. */
    static Path chooseSocket(Map<String, String> environment) throws IOException {
        return firstPossible(SocketSearch.candidates(environment));
    }

    static Path firstPossible(List<Path> candidates) throws IOException {
        for (Path candidate : candidates) {
            Path directory = candidate.getParent();
            try {
                if (directory != null && Files.isWritable(Files.createDirectories(directory))) {
                    return candidate;
                }
            } catch (IOException e) {
                continue; // not a place for this user: the next one
            }
        }
        throw new IOException("no place for a socket: this user cannot make "
                + String.join(" or ", candidates.stream().map(Path::toString).toList())
                + "; name another one with --socket PATH, or a directory of this user's in XDG_RUNTIME_DIR");
    }

    Configuration configuration() {
        // not by a FileStore: that wants the mount's entry in the table of mounts, which a chroot need not have
        long freeBytes = data.toFile().getUsableSpace();
        return Configuration.standard()
                .withSocket(socket)
                .withData(data)
                .withCapacity(capacity(freeBytes))
                .withPrivateSocket();
    }

    /** No more than a part of the room that is left: what is tried out may fill no disk. */
    static long capacity(long freeBytes) {
        return Math.max(1, Math.min(MOST_BYTES, freeBytes / PART_OF_FREE));
    }

    /** Says on one screen what is where and what to try. */
    void welcome() {
        boolean found = SocketSearch.candidates(System.getenv()).contains(socket);
        String option = found ? "" : " --socket " + socket;
        System.err.println("objmapperd listens on " + socket);
        System.err.println(
                "its data is in       " + data + (temporary ? ", which goes when it ends (--data DIR keeps it)" : ""));
        System.err.println("try in another shell:");
        System.err.println("  objmapper put" + option + " hello /etc/hostname");
        System.err.println("  objmapper get" + option + " hello");
        System.err.println("  objmapper with" + option + " hello -- wc -c");
        System.err.println("Ctrl-C stops it");
    }

    @Override
    public void close() throws IOException {
        if (!temporary) {
            return;
        }
        try (Stream<Path> files = Files.walk(data)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
