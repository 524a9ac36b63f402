package org.objmapper.server.store.device;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;

/**
 * A backing directory. It holds {@code id} (what it is, in which format, and which index knows of it), {@code lock}, {@code index/} and the object files:
 * {@code objects/aa/bb/REST-GENERATION}, where aa, bb and REST are the SHA-256 of the key. A file gets its name when its bytes are on
 * disk, and is never changed after that. {@link #link} and {@link #syncDirectories} belong to one thread; the rest is safe on any.
 */
public final class Device implements AutoCloseable {
    /** The only format that this version writes and reads. */
    public static final int FORMAT = 2;

    public static final int AT_FDCWD = -100;
    public static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0100;
    public static final int O_PATH = 010000000;
    private static final int O_DIRECTORY = System.getProperty("os.arch", "").equals("aarch64") ? 040000 : 0200000;
    private static final int O_TMPFILE = 020000000 | O_DIRECTORY;
    private static final int LOCK_EXCLUSIVE_NOW = 2 | 4;
    private static final int BODY_MODE = 0400;
    private static final int DIRECTORY_MODE = 0700;
    /** What a file system must be, for messages. */
    public static final String HEALTHY = "on a sound file system that is mounted for writing and has room";

    private static final HexFormat HEX = HexFormat.of();

    private static final String ID = "id";
    /** The id file of a store that is being made. */
    private static final String BEGUN = "id.new";

    private static final Pattern UUID_TEXT = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    private static final String LOCK = "lock";
    private static final String OBJECTS = "objects";
    private static final String INDEX = "index";

    private final Path root;
    private final Ids ids;
    private boolean isNew;
    private final int lock;
    private final int objects;
    private final long number;
    private final BitSet knownShards = new BitSet(1 << 16);
    private final Set<String> changedDirectories = new HashSet<>();

    /** What the directory is called, and the index that it belongs to. */
    private record Ids(String device, String index) {}

    private Device(Path root, Ids ids, boolean isNew, int lock, int objects, long number) {
        this.root = root;
        this.ids = ids;
        this.isNew = isNew;
        this.lock = lock;
        this.objects = objects;
        this.number = number;
    }

    /** Takes a directory into use, alone; an empty one becomes a store with {@link #settle}. */
    public static Device open(Path root) throws IOException {
        if (!Files.isDirectory(root)) {
            throw new DeviceException(
                    Status.IO_ERROR,
                    "the store's directory " + root + (Files.exists(root) ? " is no directory" : " does not exist")
                            + ": create it, owned by the server's user");
        }
        int lock = takeLock(root);
        try {
            boolean isNew = !Files.exists(root.resolve(ID));
            Device device = of(root, prepare(root, isNew), isNew, lock);
            device.proveTemporaries();
            return device;
        } catch (DeviceException e) {
            NativeIo.close(lock);
            throw e;
        } catch (IOException | UncheckedIOException e) {
            NativeIo.close(lock);
            throw unusable(root, reason(e));
        }
    }

    /** Takes the directory of a store into use, alone, and leaves all in it as it is. */
    public static Device openAsItIs(Path root) throws IOException {
        if (!Files.exists(root.resolve(ID))) {
            throw new DeviceException(Status.IO_ERROR, root + " holds no store: name the directory of one");
        }
        int lock = takeLock(root);
        try {
            return of(root, readIds(root, root.resolve(ID)), false, lock);
        } catch (DeviceException e) {
            NativeIo.close(lock);
            throw e;
        } catch (IOException e) {
            NativeIo.close(lock);
            throw unusable(root, reason(e));
        }
    }

    private static Device of(Path root, Ids ids, boolean isNew, int lock) throws DeviceException {
        int objects = DeviceException.check(
                NativeIo.openAt(AT_FDCWD, path(root.resolve(OBJECTS).toString()), O_RDONLY | O_DIRECTORY, 0),
                "open " + root.resolve(OBJECTS));
        long[] facts = new long[3];
        NativeIo.describe(objects, facts);
        return new Device(root, ids, isNew, lock, objects, facts[2]);
    }

    /** A lock that the kernel takes off when its holder dies. */
    private static int takeLock(Path root) throws IOException {
        int lock = NativeIo.openAt(AT_FDCWD, path(root.resolve(LOCK).toString()), O_RDWR | O_CREAT, 0600);
        if (lock < 0) {
            throw unusable(root, Errno.nameOf(-lock));
        }
        POSIX posix = POSIXFactory.getNativePOSIX();
        if (posix.flock(lock, LOCK_EXCLUSIVE_NOW) != 0) {
            NativeIo.close(lock);
            throw new DeviceException(
                    Status.IO_ERROR,
                    "another server uses the store's directory " + root
                            + ": stop it, or give this one another directory");
        }
        return lock;
    }

    /** Makes of the directory what it should be; returns its ids. */
    private static Ids prepare(Path root, boolean isNew) throws IOException {
        Ids ids = isNew ? begin(root) : readIds(root, root.resolve(ID));
        for (String name : List.of(OBJECTS, INDEX)) {
            if (!Files.isDirectory(root.resolve(name))) {
                Files.createDirectory(root.resolve(name));
            }
        }
        syncDirectory(AT_FDCWD, root.toString());
        return ids;
    }

    /** Begins to make a store, or goes on where that was interrupted: nothing can have been stored before {@link #settle}. */
    private static Ids begin(Path root) throws IOException {
        Path begun = root.resolve(BEGUN);
        refuseForeign(root, Files.exists(begun));
        if (Files.exists(begun)) {
            try {
                return readIds(root, begun);
            } catch (DeviceException e) {
                // Cut off by a crash: there is no index yet that it could belong to.
            }
        }
        writeIds(begun);
        syncDirectory(AT_FDCWD, root.toString());
        return readIds(root, begun);
    }

    /** A new directory is a store from here on: its index is there. */
    public void settle() throws DeviceException {
        if (isNew) {
            try {
                Files.move(root.resolve(BEGUN), root.resolve(ID), StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException e) {
                throw new DeviceException(
                        Status.IO_ERROR, "rename " + root.resolve(BEGUN) + " to " + ID + ": " + reason(e));
            }
            syncDirectory(AT_FDCWD, root.toString());
            isNew = false;
        }
    }

    /** Checks the format, and returns the ids. */
    private static Ids readIds(Path root, Path file) throws IOException {
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        String format = properties.getProperty("format", "");
        if (!format.matches("[0-9]{1,9}")) {
            throw new DeviceException(
                    Status.IO_ERROR, file + " names no format, so " + root + " may be damaged: restore the file");
        }
        if (Integer.parseInt(format) > FORMAT) {
            throw new DeviceException(
                    Status.IO_ERROR,
                    "the store in " + root + " has format " + format + ", and this server knows format " + FORMAT
                            + " only: use a newer server");
        }
        if (Integer.parseInt(format) < FORMAT) {
            throw new DeviceException(
                    Status.IO_ERROR,
                    "the store in " + root + " has format " + format + ", and this server knows format " + FORMAT
                            + " only: export it with the version that made it, and import that into an empty directory");
        }
        return new Ids(requiredId(properties, "id", root, file), requiredId(properties, "index", root, file));
    }

    private static String requiredId(Properties properties, String name, Path root, Path file) throws DeviceException {
        String id = properties.getProperty(name, "");
        if (!UUID_TEXT.matcher(id).matches()) {
            throw new DeviceException(
                    Status.IO_ERROR, file + " names no " + name + ", so " + root + " may be damaged: restore the file");
        }
        return id;
    }

    private static void refuseForeign(Path root, boolean begun) throws IOException {
        Set<String> own = begun ? Set.of(LOCK, BEGUN, OBJECTS, INDEX, "lost+found") : Set.of(LOCK, "lost+found");
        List<String> others = new ArrayList<>();
        try (Stream<Path> entries = Files.list(root)) {
            entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> !own.contains(name))
                    .forEach(others::add);
        }
        if (!others.isEmpty()) {
            throw new DeviceException(
                    Status.IO_ERROR,
                    root + " holds other files (" + others.get(0) + ") and no store: give an empty directory");
        }
    }

    private static void writeIds(Path file) throws IOException {
        String text = "# A store of objmapper. Do not change.\nformat=" + FORMAT + "\nid=" + UUID.randomUUID()
                + "\nindex=" + UUID.randomUUID() + "\n";
        try (var channel = java.nio.channels.FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            channel.force(true);
        }
    }

    private static String reason(Exception e) {
        if (e instanceof AccessDeniedException) {
            return "Permission denied";
        }
        String reason = e instanceof FileSystemException ? ((FileSystemException) e).getReason() : e.getMessage();
        return reason == null ? e.toString() : reason;
    }

    private static DeviceException unusable(Path root, String reason) {
        return new DeviceException(
                Status.IO_ERROR,
                "the store's directory " + root + " can't be used: " + reason
                        + "; it must be owned by the server's user, " + HEALTHY);
    }

    /** Bodies are written to files without a name: the file system must have them. */
    private void proveTemporaries() throws IOException {
        int descriptor = createTemporary();
        if (descriptor < 0) {
            NativeIo.close(objects);
            throw unusable(root, "files without a name (O_TMPFILE): " + Errno.nameOf(-descriptor));
        }
        NativeIo.close(descriptor);
    }

    /** Names the device to clients and operators. */
    public String id() {
        return ids.device;
    }

    /** The id of the index that knows what is here. */
    public String indexId() {
        return ids.index;
    }

    /** Whether it is no store before {@link #settle}. */
    public boolean isNew() {
        return isNew;
    }

    /** Whether a body was ever stored here. */
    public boolean wasUsed() throws IOException {
        try (Stream<Path> shards = Files.list(objects())) {
            return shards.findAny().isPresent();
        }
    }

    public Path index() {
        return root.resolve(INDEX);
    }

    /** Brings the names of the index's files to disk, which LMDB doesn't: without them all objects would seem to be orphans. */
    public void syncIndexDirectory() throws DeviceException {
        syncDirectory(AT_FDCWD, index().toString());
    }

    public Path objects() {
        return root.resolve(OBJECTS);
    }

    /** The descriptor that the paths of object files are relative to. */
    public int descriptor() {
        return objects;
    }

    /** The device number of its file system, as {@link NativeIo#describe} gives it. */
    public long number() {
        return number;
    }

    /** A file without a name, open for writing; below 0 is -errno. */
    int createTemporary() {
        return NativeIo.openAt(objects, path("."), O_RDWR | O_TMPFILE, BODY_MODE);
    }

    /** Opens an object's file for reading; below 0 is -errno. */
    public int open(byte[] digest, long generation) {
        return NativeIo.openAt(objects, path(name(digest, generation)), O_RDONLY, 0);
    }

    /** Gives a file its name. */
    public void link(int descriptor, byte[] digest, long generation) throws DeviceException {
        String outer = HEX.formatHex(digest, 0, 1);
        String inner = outer + "/" + HEX.formatHex(digest, 1, 2);
        int shard = (digest[0] & 0xff) << 8 | digest[1] & 0xff;
        if (!knownShards.get(shard)) {
            makeDirectory(outer);
            makeDirectory(inner);
            // Even one that exists may never have reached the disk, if the server was killed since.
            changedDirectories.add(".");
            changedDirectories.add(outer);
            knownShards.set(shard);
        }
        DeviceException.check(
                NativeIo.linkAt(descriptor, objects, path(name(digest, generation))), "give a body its name");
        changedDirectories.add(inner);
    }

    private void makeDirectory(String name) throws DeviceException {
        int made = NativeIo.makeDirectoryAt(objects, path(name), DIRECTORY_MODE);
        if (made != -Errno.EEXIST) {
            DeviceException.check(made, "make the directory objects/" + name);
        }
    }

    /** Brings the names that were given to disk. */
    public void syncDirectories() throws DeviceException {
        for (String name : changedDirectories) {
            syncDirectory(objects, name);
        }
        changedDirectories.clear();
    }

    /** Forgets which directories changed, and which are known to be on disk: a sync failed. */
    public void forgetDirectories() {
        changedDirectories.clear();
        knownShards.clear();
    }

    private static void syncDirectory(int relativeTo, String name) throws DeviceException {
        int descriptor = DeviceException.check(
                NativeIo.openAt(relativeTo, path(name), O_RDONLY | O_DIRECTORY, 0), "open the directory " + name);
        try {
            DeviceException.check(NativeIo.fsync(descriptor), "bring the directory " + name + " to disk");
        } finally {
            NativeIo.close(descriptor);
        }
    }

    /** Takes a file's name away; those who have it open keep it. */
    public int unlink(byte[] digest, long generation) {
        return NativeIo.unlinkAt(objects, path(name(digest, generation)));
    }

    public long freeBytes() {
        return NativeIo.freeBytes(objects);
    }

    /** The name of an object's file below {@code objects}. */
    public static String name(byte[] digest, long generation) {
        return HEX.formatHex(digest, 0, 1) + "/" + HEX.formatHex(digest, 1, 2) + "/"
                + HEX.formatHex(digest, 2, digest.length) + "-" + Long.toHexString(generation);
    }

    /** A path as the system calls want it. */
    public static byte[] path(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        byte[] path = new byte[bytes.length + 1];
        System.arraycopy(bytes, 0, path, 0, bytes.length);
        return path;
    }

    @Override
    public void close() {
        NativeIo.close(objects);
        NativeIo.close(lock);
    }
}
