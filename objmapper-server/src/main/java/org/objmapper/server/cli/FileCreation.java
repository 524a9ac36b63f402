package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Set;

/** How a new file comes out under the process's umask, for files that are made under another name first. */
final class FileCreation {
    private static final Set<PosixFilePermission> ALL = EnumSet.of(
            PosixFilePermission.OWNER_READ,
            PosixFilePermission.OWNER_WRITE,
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE);

    private FileCreation() {}

    /** The permissions that the umask leaves of 0666. */
    static Set<PosixFilePermission> permissions() throws IOException {
        int umask = 0022;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("Umask:")) {
                umask = Integer.parseInt(line.substring(6).strip(), 8);
            }
        }
        Set<PosixFilePermission> left = EnumSet.noneOf(PosixFilePermission.class);
        for (PosixFilePermission permission : ALL) {
            int bit = 0400 >> permission.ordinal();
            if ((umask & bit) == 0) {
                left.add(permission);
            }
        }
        return left;
    }
}
