package org.objmapper.server.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A {@code [[listener]]}: a socket and who may do what through it.
 *
 * @param path where the socket is
 * @param owner the user that owns the socket, null for the server's own
 * @param group the group of the socket, null for the server's own
 * @param mode the socket's permission bits
 * @param operations the operations that it serves, of {@link #OPERATIONS}
 */
public record ListenerSettings(
        Path path, @Nullable String owner, @Nullable String group, int mode, Set<String> operations) {
    /** The operations that a listener may be narrowed to; HELLO, PING, CANCEL and GOODBYE are always served. */
    public static final List<String> OPERATIONS =
            List.of("get", "head", "put", "delete", "list", "purge", "touch", "stat");

    public static final int MODE_DEFAULT = 0660;

    /** A listener at a path, all else at its default. */
    public static ListenerSettings at(Path path) {
        return new ListenerSettings(path, null, null, MODE_DEFAULT, Set.copyOf(OPERATIONS));
    }
}
