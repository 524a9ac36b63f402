package org.objmapper.server.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a directory really is, by whatever links and bind mounts its path leads: the directories that it lies in are known by their device
 * and inode. Of a directory that is not there yet it is the nearest one that is, and the rest of the path.
 */
final class RealPlace {
    private static final Path NO_REST = Path.of("/");

    private final Object nearest;
    private final Path rest;
    /** The way from each directory that it lies in, itself included. */
    private final Map<Object, Path> ways = new HashMap<>();

    private RealPlace(Path real, Path rest) throws IOException {
        this.nearest = identity(real);
        this.rest = rest;
        for (Path at = real; at != null; at = at.getParent()) {
            ways.putIfAbsent(identity(at), below(NO_REST, at.relativize(real)).resolve(NO_REST.relativize(rest)));
        }
    }

    private static Object identity(Path directory) throws IOException {
        Object key = Files.readAttributes(directory, BasicFileAttributes.class).fileKey();
        return key == null ? directory : key;
    }

    private static Path below(Path directory, Path relative) {
        return relative.toString().isEmpty() ? directory : directory.resolve(relative);
    }

    /** Looks where a path leads, and so waits for what hangs; null where that can't be seen. */
    static @Nullable RealPlace of(Path path) {
        try {
            Path there = path;
            for (Path parent = path.getParent(); !Files.exists(there) && parent != null; parent = parent.getParent()) {
                there = parent;
            }
            return new RealPlace(there.toRealPath(), below(NO_REST, there.relativize(path)));
        } catch (IOException e) {
            return null;
        }
    }

    boolean isSameAs(RealPlace other) {
        return liesIn(other) && other.liesIn(this);
    }

    /** Whether it is the other directory, or one in that. */
    boolean liesIn(RealPlace other) {
        Path way = ways.get(other.nearest);
        return way != null && way.startsWith(other.rest);
    }
}
