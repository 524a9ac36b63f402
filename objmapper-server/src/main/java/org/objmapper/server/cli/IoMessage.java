package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** What an input or output error says to a person: the exceptions of the file system name the path alone. */
final class IoMessage {
    private static final String BAD_DESCRIPTOR = "Bad file descriptor";

    private IoMessage() {}

    static String of(IOException e) {
        if (e instanceof FileSystemException file) {
            return Shown.name(String.valueOf(file.getFile())) + ": " + reason(file);
        }
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }

    /** The same for a stream with a name. The launcher gives a closed standard stream a descriptor that fails so. */
    static String named(String name, IOException e) {
        return BAD_DESCRIPTOR.equals(e.getMessage()) ? name + " is closed" : name + ": " + of(e);
    }

    /** Why, without to what. */
    static String reason(FileSystemException e) {
        return e.getReason() == null ? kind(e) : e.getReason();
    }

    private static String kind(FileSystemException e) {
        if (e instanceof NoSuchFileException) {
            return "there is no such file or directory";
        }
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof FileAlreadyExistsException) {
            return "it exists already";
        }
        return e instanceof NotDirectoryException ? "it is not a directory" : e.toString();
    }
}
