package org.objmapper.server.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.jspecify.annotations.Nullable;

/**
 * Writes files that appear when they are whole, one after another: each comes about in another one beside it, which is gone where
 * that fails, and when the process is ended.
 */
final class WholeFiles implements AutoCloseable {
    private volatile @Nullable Path part;
    private final Thread atExit = new Thread(this::deletePart, "whole-files");

    /** Writes what a file is to hold; false where there shall be none. */
    interface Content {
        boolean write(OutputStream out) throws IOException, ToolFailure;
    }

    WholeFiles() {
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** Writes a file; one that is there is replaced, or left as it was. */
    void write(Path file, Content content) throws IOException, ToolFailure {
        Path made = partOf(file);
        part = made;
        try {
            boolean wanted;
            try (OutputStream out = new NamedOutput(Shown.name(file.toString()), Files.newOutputStream(made))) {
                wanted = content.write(out);
            }
            if (wanted) {
                Files.setPosixFilePermissions(made, FileCreation.permissions());
                Files.move(made, file, StandardCopyOption.ATOMIC_MOVE);
            }
        } finally {
            Files.deleteIfExists(made);
            part = null;
        }
    }

    private static Path partOf(Path file) throws IOException {
        Path parent = file.toAbsolutePath().getParent();
        Path directory = parent == null ? Path.of("/") : parent;
        try {
            return Files.createTempFile(directory, ".objmapper", ".part");
        } catch (FileSystemException e) {
            throw new FileSystemException(
                    file.toString(), null, "it cannot be made in " + directory + ": " + IoMessage.reason(e));
        }
    }

    private void deletePart() {
        Path left = part;
        if (left != null) {
            left.toFile().delete();
        }
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            deletePart(); // the process ends already
        }
    }
}
