package org.objmapper.server.store.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;

/** Whose the files of a device are: root may check a store, and the server's user must be able to go on with what that leaves. */
public final class Ownership {
    private Ownership() {}

    /** Gives a file or directory that was made to whom the directory belongs that it is in. Nothing happens where it is his, or may not be given. */
    public static void handOver(Path made) {
        try {
            PosixFileAttributes around = Files.readAttributes(made.resolveSibling(""), PosixFileAttributes.class);
            PosixFileAttributeView file = Files.getFileAttributeView(made, PosixFileAttributeView.class);
            if (!file.readAttributes().owner().equals(around.owner())) {
                file.setOwner(around.owner());
                file.setGroup(around.group());
            }
        } catch (IOException e) {
            // only root can give files away, and only root has to
        }
    }
}
