package org.objmapper.server.transport;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A socket that clients connect to. Owns the socket and its path. */
public final class Listener implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Listener.class);
    private static final int BACKLOG = 1_024;
    /** sun_path holds 108 bytes with its NUL (unix(7)). */
    private static final int LONGEST_PATH = 107;

    private static final String NO_DESCRIPTOR =
            "no descriptor is free for a session; raise the server's limit of open files, or close other sessions";

    /** A flood of clients writes a line every few seconds, not one for each. */
    private final FailureLog failures = new FailureLog(LOG);

    private final ListenerRules rules;
    private final int socket;
    private final Path path;
    private int spare;

    private Listener(ListenerRules rules, int socket, Path path) {
        this.rules = rules;
        this.socket = socket;
        this.path = path;
        this.spare = NativeIo.eventfd();
    }

    /**
     * Listens at a path. A socket that a dead server left there is replaced; one that a live server listens at is not.
     *
     * @param owner and group: names, null to leave them as they are
     * @param mode of the socket file, such as 0660
     * @throws IOException that says what is wrong with the path and what to do
     */
    public static Listener open(ListenerRules rules, @Nullable String owner, @Nullable String group, int mode)
            throws IOException {
        Path path = Path.of(rules.path());
        byte[] bytes = rules.path().getBytes(StandardCharsets.UTF_8);
        if (bytes.length > LONGEST_PATH) {
            throw new IOException("the socket path " + path + " has " + bytes.length + " bytes; the kernel takes "
                    + LONGEST_PATH + "; choose a shorter one");
        }
        removeLeftOver(path, bytes);
        int socket = NativeIo.listen(bytes, BACKLOG);
        if (socket < 0) {
            throw new IOException("cannot listen at " + path + ": " + Errno.nameOf(-socket) + hint(path, -socket));
        }
        try {
            setAccess(path, owner, group, mode);
        } catch (IOException | RuntimeException e) {
            NativeIo.close(socket);
            Files.deleteIfExists(path);
            throw e;
        }
        return new Listener(rules, socket, path);
    }

    private static String hint(Path path, int errno) {
        if (errno == Errno.ENOENT) {
            return "; create the directory " + path.toAbsolutePath().getParent();
        }
        return errno == Errno.EACCES ? "; the directory must be writable by this user" : "";
    }

    private static void removeLeftOver(Path path, byte[] bytes) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        int probe = NativeIo.probe(bytes);
        if (probe == 0) {
            throw new IOException("a live server listens at " + path + " already; stop it or choose another --socket");
        }
        if (probe != -Errno.ECONNREFUSED || Files.isRegularFile(path) || Files.isDirectory(path)) {
            throw new IOException(path + " exists and is no socket that a dead server left (" + Errno.nameOf(-probe)
                    + "); remove it or choose another --socket");
        }
        LOG.info("removing the socket that a dead server left path={}", path);
        Files.delete(path);
    }

    private static void setAccess(Path path, @Nullable String owner, @Nullable String group, int mode)
            throws IOException {
        PosixFileAttributeView view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
        var names = path.getFileSystem().getUserPrincipalLookupService();
        if (owner != null) {
            try {
                view.setOwner(names.lookupPrincipalByName(owner));
            } catch (UserPrincipalNotFoundException e) {
                throw unknown("owner", owner, path, e);
            }
        }
        if (group != null) {
            try {
                view.setGroup(names.lookupPrincipalByGroupName(group));
            } catch (UserPrincipalNotFoundException e) {
                throw unknown("group", group, path, e);
            }
        }
        Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
        PosixFilePermission[] all = PosixFilePermission.values(); // OWNER_READ first, OTHERS_EXECUTE last
        for (int i = 0; i < all.length; i++) {
            if ((mode & 0400 >> i) != 0) {
                permissions.add(all[i]);
            }
        }
        view.setPermissions(permissions);
    }

    private static IOException unknown(String role, String name, Path path, UserPrincipalNotFoundException cause) {
        return new IOException(
                "the socket " + path + " can't get the " + role + " " + name
                        + ": there is no such name on this machine;" + " create it, or change listener." + role,
                cause);
    }

    int socket() {
        return socket;
    }

    ListenerRules rules() {
        return rules;
    }

    void acceptFailed(int errno) {
        failures.warn("cannot accept a session path={} because={}", path, Errno.nameOf(errno));
    }

    /**
     * Tells a client that there is no descriptor for its session, and closes.
     *
     * @param accepted its socket; below 0 where not even that has one: the descriptor that is kept in reserve lets the client in and out
     *     again, so that it doesn't wait for ever
     */
    synchronized void refuse(int accepted) {
        failures.warn("a session was turned away: no descriptor is free path={}; raise the limit of open files", path);
        if (accepted >= 0) {
            turnAway(accepted, Status.BUSY, NO_DESCRIPTOR);
            return;
        }
        if (spare >= 0) {
            NativeIo.close(spare);
        }
        int socketInReserve = NativeIo.accept(socket);
        if (socketInReserve >= 0) {
            turnAway(socketInReserve, Status.BUSY, NO_DESCRIPTOR);
        }
        spare = NativeIo.eventfd();
    }

    /** Says that there are too many sessions, and closes. */
    void turnAway(int accepted, int limit) {
        turnAway(accepted, Status.TOO_MANY_SESSIONS, "the server has " + limit + " sessions, as many as it takes");
    }

    /** Says that the server stops, and closes. */
    void turnAwayForTheStop(int accepted) {
        turnAway(accepted, Status.SHUTTING_DOWN, "the server stops; ask the one that comes next");
    }

    private static void turnAway(int accepted, Status status, String why) {
        Rejection.send(accepted, status, why);
        NativeIo.close(accepted);
    }

    @Override
    public void close() {
        NativeIo.close(socket);
        if (spare >= 0) {
            NativeIo.close(spare);
        }
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.warn("cannot remove the socket path={} because={}", path, e.getMessage());
        }
    }
}
