package org.objmapper.server.badinput;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * A test's directory for what depends on the file system: where the usual one is on a disk's own file system it is that, and elsewhere, such
 * as on a container's overlay, one on an ext4 of its own.
 */
public final class DirectoryOnDisk implements TempDirFactory {
    private static final Set<String> DISKS = Set.of("ext4", "xfs", "btrfs");

    private @Nullable SmallFileSystem disk;

    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws Exception {
        Path usual = Standard.INSTANCE.createTempDirectory(element, context);
        if (DISKS.contains(Files.getFileStore(usual).type())) {
            return usual;
        }
        disk = SmallFileSystem.ext4(usual.resolve("mounted"), "256M");
        return Files.createDirectory(disk.root.resolve("directory"));
    }

    @Override
    public void close() throws IOException {
        if (disk == null) {
            return;
        }
        try {
            disk.close();
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
        Path usual = Objects.requireNonNull(disk.root.getParent());
        Files.delete(disk.root);
        Files.delete(usual.resolve("mounted.image"));
        Files.delete(usual);
    }
}
