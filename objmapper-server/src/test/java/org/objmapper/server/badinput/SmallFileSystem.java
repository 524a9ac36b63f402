package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A tmpfs of the test's own, which has little room; it goes when it is closed. The tests run as root. */
public final class SmallFileSystem implements AutoCloseable {
    public final Path root;

    public SmallFileSystem(Path root, String size) throws Exception {
        this.root = Files.createDirectories(root);
        run("mount", "-t", "tmpfs", "-o", "size=" + size, "objmapper-test", root.toString());
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
        run("umount", root.toString());
    }
}
