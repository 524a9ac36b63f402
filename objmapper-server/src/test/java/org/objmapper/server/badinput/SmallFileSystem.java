package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file system of the test's own, which has little room; it goes when it is closed. The tests run as root. */
public final class SmallFileSystem implements AutoCloseable {
    public final Path root;
    private final boolean isLeftToReaders;

    /** A tmpfs. */
    public SmallFileSystem(Path root, String size) throws Exception {
        this(root, false);
        run("mount", "-t", "tmpfs", "-o", "size=" + size, "objmapper-test", root.toString());
    }

    private SmallFileSystem(Path root, boolean isLeftToReaders) throws IOException {
        this.root = Files.createDirectories(root);
        this.isLeftToReaders = isLeftToReaders;
    }

    /**
     * An ext4, whatever the file system is that its image, beside {@code root}, stands on. What of it is still mapped when it is closed, which
     * the collector ends, keeps it until then.
     */
    public static SmallFileSystem ext4(Path root, String size) throws Exception {
        SmallFileSystem made = new SmallFileSystem(root, true);
        String image = root.resolveSibling(root.getFileName() + ".image").toString();
        run("truncate", "-s", size, image);
        run("mkfs.ext4", "-q", "-F", image);
        run("mount", "-o", "loop", image, root.toString());
        return made;
    }

    public void remountReadOnly() throws Exception {
        run("mount", "-o", "remount,ro", root.toString());
    }

    /** Writes until nothing fits any more. */
    public void fill(String name) throws IOException {
        try (OutputStream file = Files.newOutputStream(root.resolve(name))) {
            while (true) {
                file.write(new byte[4_096]);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left");
        }
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor()).as(String.join(" ", command)).isZero();
    }

    @Override
    public void close() throws Exception {
        if (isLeftToReaders) {
            run("umount", "--lazy", root.toString());
        } else {
            run("umount", root.toString());
        }
    }
}
