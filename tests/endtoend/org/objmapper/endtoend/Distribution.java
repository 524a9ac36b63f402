package org.objmapper.endtoend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;

/** The distribution that the build has just assembled. */
final class Distribution {
    static final Path DIRECTORY = Path.of(System.getProperty("objmapper.dist"));

    private Distribution() {}

    static String program(String name) {
        return DIRECTORY.resolve("bin").resolve(name).toString();
    }

    /** Copies all of it to a directory that does not exist yet; returns that. */
    static Path copyTo(Path copy) throws IOException {
        try (Stream<Path> files = Files.walk(DIRECTORY)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path target = copy.resolve(DIRECTORY.relativize(file).toString());
                Files.copy(file, target, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
            }
        }
        return copy;
    }
}
