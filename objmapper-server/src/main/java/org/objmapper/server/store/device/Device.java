package org.objmapper.server.store.device;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
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
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.thread.Patience;
import org.slf4j.LoggerFactory;

/**
 * A backing directory. It holds {@code id} (what it is, in which format, and which index knows of it), {@code lock}, {@code index/} and the object files:
 * {@code objects/aa/bb/REST-GENERATION}, where aa, bb and REST are the SHA-256 of the key. A file gets its name when its bytes are on
 * disk, and is never changed after that. {@code lock} has the device's id too, so that the id file of another one is noticed. {@link #link} and {@link #syncDirectories} belong to one thread; the rest is safe on any.
 */
public final class Device implements AutoCloseable {
    /** The only format that this version writes and reads. */
    public static final int FORMAT = 2;

    public static final int AT_FDCWD = -100;
    public static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0100;
    private static final int O_EXCL = 0200;
    public static final int O_PATH = 010000000;
    public static final int O_DIRECT = System.getProperty("os.arch", "").equals("aarch64") ? 0200000 : 040000;
    private static final int O_DIRECTORY = System.getProperty("os.arch", "").equals("aarch64") ? 040000 : 0200000;
    private static final int O_TMPFILE = 020000000 | O_DIRECTORY;
    private static final int LOCK_EXCLUSIVE_NOW = 2 | 4;
    private static final int LOCK_ATTEMPTS = 3;
    private static final int BODY_MODE = 0400;
    private static final int DIRECTORY_MODE = 0700;
    /** What a file system must be, for messages. */
    public static final String HEALTHY = "on a sound file system that is mounted for writing and has room";

    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Device.class));
    private static final HexFormat HEX = HexFormat.of();

    private static final String ID = "id";
    /** The id file of a store that is being made. */
    private static final String BEGUN = "id.new";

    /** In the place of the id of one that was not seen yet. */
    private static final String UNKNOWN_ID = "unknown";

    private static final Pattern UUID_TEXT = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    private static final String LOCK = "lock";
    private static final int OPEN_THREADS = 2;
    private static final int OPEN_QUEUE_LENGTH = 1_024;
    /** More gain little: with four, 128 small bodies take an eighth of the time that one thread takes (ext4). */
    private static final int SYNC_THREADS = 4;

    private static final String OBJECTS = "objects";
    private static final String INDEX = "index";

    private final DeviceOptions options;
    private final Path root;
    private volatile Ids ids;
    private final DeviceHealth health = new DeviceHealth(System.nanoTime());
    private final DeviceQueue queue;
    private final DeviceQueue opens = new DeviceQueue("store-open", OPEN_THREADS, OPEN_QUEUE_LENGTH);
    private final DeviceQueue syncs = new DeviceQueue("store-sync", SYNC_THREADS, FilePublisher.MAX_AT_ONCE);
    private final Closer closer = new Closer();
    private final LongAdder hits = new LongAdder();
    private final LongAdder misses = new LongAdder();
    /** Of its file system; null while its directory is not there: then nothing is asked of it, and few threads of its own say so. */
    private @Nullable FileSystemThreads threads;

    private volatile @Nullable Directory directory;
    private volatile boolean draining;
    private volatile long freeBytes;
    private volatile long keptFreeBytes;
    private boolean isNew;
    /** Whether its directory may be looked for. */
    private volatile boolean isExpected = true;

    private int number;
    private final BitSet knownShards = new BitSet(1 << 16);
    private final Set<String> changedDirectories = new HashSet<>();

    /** What the directory is called, and the index that it belongs to. */
    private record Ids(String device, String index) {}

    /**
     * The directory, open.
     *
     * @param fileSystem the device number of its file system, as {@link NativeIo#describe} gives it
     * @param opensAtOnce whether its files may be opened and closed where nobody may wait
     */
    private record Directory(Lock lock, int objects, long fileSystem, boolean opensAtOnce) {}

    /**
     * The lock of a directory.
     *
     * @param descriptor -1 once it is given up
     * @param isNew whether its file was made for it
     */
    private record Lock(int descriptor, boolean isNew) {
        static final Lock NONE = new Lock(-1, false);

        void close() {
            if (descriptor >= 0) {
                NativeIo.close(descriptor);
            }
        }

        /** Leaves nothing behind in a directory that is not used after all. */
        void giveUp(Path root) {
            if (isNew) {
                NativeIo.unlinkAt(AT_FDCWD, path(root.resolve(LOCK).toString()));
            }
            close();
        }
    }

    private Device(DeviceOptions options, Ids ids, boolean isNew, @Nullable Directory directory) {
        this.options = options;
        this.root = options.directory();
        this.ids = ids;
        this.isNew = isNew;
        this.directory = directory;
        this.queue = new DeviceQueue("store-device", options.threads(), options.queueLength());
        if (directory != null) {
            enter(directory.fileSystem);
        }
    }

    /** Its work is done on the threads of its file system from now on. */
    private synchronized void enter(long fileSystem) {
        FileSystemThreads entered = FileSystemThreads.enter(fileSystem);
        threads = entered;
        queue.moveTo(entered.bodies());
        opens.moveTo(entered.opens());
        syncs.moveTo(entered.syncs());
        closer.moveTo(entered.closes());
    }

    /** Its directory is let go of: whoever still asks for anything is told so by threads of its own. */
    private synchronized void moveToOwnThreads() {
        queue.moveTo(new SharedThreads("store-device"));
        opens.moveTo(new SharedThreads("store-open"));
        syncs.moveTo(new SharedThreads("store-sync"));
        closer.moveTo(new SharedThreads("store-closer"));
        leaveFileSystem();
    }

    private synchronized void leaveFileSystem() {
        if (threads != null) {
            threads.leave();
            threads = null;
        }
    }

    /** Takes the directory of an index into use, alone; an empty one becomes a store with {@link #settle}. */
    public static Device open(Path root) throws IOException {
        return open(DeviceOptions.of(root), null);
    }

    /** As {@link #open(Path)}; with an id of an index, it must belong to that one, which is elsewhere. */
    public static Device open(DeviceOptions options, @Nullable String index) throws IOException {
        Path root = options.directory();
        if (!Files.isDirectory(root)) {
            throw DeviceException.absent(
                    "the store's directory " + root + (Files.exists(root) ? " is no directory" : " does not exist")
                            + ": create it, owned by the server's user");
        }
        Lock lock = takeLock(root);
        try {
            boolean isNew = !isThere(root);
            Ids ids = prepare(root, isNew, index);
            Device device = new Device(options, ids, isNew, openDirectory(root, lock));
            device.measure();
            return device;
        } catch (DeviceException e) {
            lock.giveUp(root);
            throw e;
        } catch (IOException | UncheckedIOException e) {
            lock.giveUp(root);
            throw unusable(root, reason(e));
        }
    }

    /** Takes the directory of a store into use, alone, and leaves all in it as it is. */
    public static Device openAsItIs(Path root) throws IOException {
        if (!isThere(root)) {
            throw new DeviceException(Status.IO_ERROR, root + " holds no store: name the directory of one");
        }
        Lock lock = takeLock(root);
        try {
            Ids ids = readIds(root, root.resolve(ID));
            refuseOther(root, ids);
            return new Device(DeviceOptions.of(root), ids, false, openObjects(root, lock));
        } catch (DeviceException e) {
            lock.giveUp(root);
            throw e;
        } catch (IOException e) {
            lock.giveUp(root);
            throw unusable(root, reason(e));
        }
    }

    /** Whether a directory is a device's. */
    public static boolean isThere(Path root) {
        return Files.exists(root.resolve(ID));
    }

    /** A device that is known, and whose directory is not there yet: {@link #returned} looks for it. */
    public static Device absent(DeviceOptions options, String id, String index) {
        Device device = new Device(options, new Ids(id, index), false, null);
        device.health.lost(System.nanoTime());
        return device;
    }

    /** A directory that belongs to an index, and that is not there yet, of an id that is not known: {@link #returned} takes what it has. */
    public static Device absent(DeviceOptions options, String index) {
        return absent(options, UNKNOWN_ID, index);
    }

    /** A device that is known, and that the configuration leaves out: as if its directory were not there. */
    public static Device leftOut(Path lastDirectory, String id, String index) {
        Device device = absent(DeviceOptions.of(lastDirectory), id, index);
        device.isExpected = false;
        return device;
    }

    /** Opens what takes the lock over, and tries whether bodies can be written there. */
    private static Directory openDirectory(Path root, Lock lock) throws IOException {
        Directory opened = openObjects(root, lock);
        proveTemporaries(root, opened.objects);
        return opened;
    }

    private static Directory openObjects(Path root, Lock lock) throws DeviceException {
        int objects = DeviceException.check(
                NativeIo.openAt(AT_FDCWD, path(root.resolve(OBJECTS).toString()), O_RDONLY | O_DIRECTORY, 0),
                "open " + root.resolve(OBJECTS));
        long[] facts = new long[3];
        NativeIo.describe(objects, facts);
        return new Directory(lock, objects, facts[2], NativeIo.opensAtOnce(objects));
    }

    /** Looks for the directory of a device that is not there; whether it is, and is the right one. May block. */
    public boolean returned() throws IOException {
        if (directory != null) {
            return true;
        }
        if (!isExpected || !isThere(root)) {
            return false;
        }
        Ids there = readIds(root, root.resolve(ID));
        refuseOtherIndex(root, there, ids.index);
        if (!ids.device.equals(UNKNOWN_ID) && !ids.device.equals(there.device)) {
            throw new DeviceException(
                    Status.IO_ERROR,
                    "the directory " + root + " has another id than the device that was there, " + ids.device
                            + ": put that one back");
        }
        Lock lock = takeLock(root);
        try {
            refuseOther(root, there);
            ids = there;
            directory = openDirectory(root, lock);
        } catch (IOException e) {
            lock.giveUp(root);
            throw e;
        }
        enter(fileSystem());
        claim();
        health.found();
        return true;
    }

    /** Loads what taking a directory's lock needs: most of what the first one to do so waits for. */
    public static void load() {
        POSIXFactory.getNativePOSIX();
    }

    /** A lock that the kernel takes off when its holder dies. */
    private static Lock takeLock(Path root) throws IOException {
        POSIX posix = POSIXFactory.getNativePOSIX();
        for (int attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
            Lock lock = openLock(root);
            boolean isLocked = posix.flock(lock.descriptor, LOCK_EXCLUSIVE_NOW) == 0;
            if (isLocked && leadsTo(root.resolve(LOCK), lock.descriptor)) {
                return lock;
            }
            lock.close();
            if (!isLocked) {
                break;
            }
            // who had it gave up in between, and took its file away
        }
        throw new DeviceException(
                Status.IO_ERROR,
                "another server uses the store's directory " + root + ": stop it, or give this one another directory");
    }

    private static Lock openLock(Path root) throws DeviceException {
        byte[] path = path(root.resolve(LOCK).toString());
        int made = NativeIo.openAt(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0600);
        int lock = made == -Errno.EEXIST ? NativeIo.openAt(AT_FDCWD, path, O_RDWR | O_CREAT, 0600) : made;
        if (lock < 0) {
            throw unusable(root, Errno.nameOf(-lock));
        }
        if (lock == made) {
            Ownership.handOver(root.resolve(LOCK));
        }
        return new Lock(lock, lock == made);
    }

    private static boolean leadsTo(Path name, int descriptor) {
        try {
            return Files.isSameFile(name, Path.of("/proc/self/fd/" + descriptor));
        } catch (IOException e) {
            return false;
        }
    }

    /** Makes of the directory what it should be; returns its ids. */
    private static Ids prepare(Path root, boolean isNew, @Nullable String index) throws IOException {
        Ids ids = isNew ? begin(root, index) : readIds(root, root.resolve(ID));
        if (index != null) {
            refuseOtherIndex(root, ids, index);
        }
        if (!isNew) {
            refuseOther(root, ids);
            if (!Files.isDirectory(root.resolve(OBJECTS))) {
                throw DeviceException.absent("the store's directory " + root + " has no " + OBJECTS
                        + "/, where the bodies of its objects are: bring that back");
            }
        }
        for (String name : index == null ? List.of(OBJECTS, INDEX) : List.of(OBJECTS)) {
            if (!Files.isDirectory(root.resolve(name))) {
                Files.createDirectory(root.resolve(name));
            }
        }
        syncDirectory(AT_FDCWD, root.toString());
        return ids;
    }

    private static void refuseOtherIndex(Path root, Ids ids, String index) throws DeviceException {
        if (!ids.index.equals(index)) {
            throw new DeviceException(
                    Status.IO_ERROR,
                    "the directory " + root + " belongs to the store with the index " + ids.index
                            + ", and not to this one with the index " + index
                            + ": give the one that belongs here, or an empty directory");
        }
    }

    /** Begins to make a store, or goes on where that was interrupted: nothing can have been stored before {@link #settle}. */
    private static Ids begin(Path root, @Nullable String index) throws IOException {
        Path begun = root.resolve(BEGUN);
        refuseForeign(root, Files.exists(begun));
        if (Files.exists(begun)) {
            try {
                return readIds(root, begun);
            } catch (DeviceException e) {
                // Cut off by a crash: there is no index yet that it could belong to.
            }
        }
        writeIds(begun, index == null ? UUID.randomUUID().toString() : index);
        syncDirectory(AT_FDCWD, root.toString());
        return readIds(root, begun);
    }

    /** All is well with the directory, and a new one is a store from here on: its index is there. */
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
        claim();
    }

    /** Whose directory it is by its lock file; empty where that doesn't say. */
    private static String claimedBy(Path root) throws IOException {
        String text = Files.readString(root.resolve(LOCK), StandardCharsets.ISO_8859_1)
                .strip();
        return UUID_TEXT.matcher(text).matches() ? text : "";
    }

    /** An id file that came from another device would make orphans of all files here, and have all objects of both taken out. */
    private static void refuseOther(Path root, Ids ids) throws IOException {
        String claimed = claimedBy(root);
        if (!claimed.isEmpty() && !claimed.equals(ids.device)) {
            throw DeviceException.refused(root.resolve(ID) + " is the id file of the device " + ids.device
                    + ", and the directory is that of the device " + claimed
                    + ", so it was copied or swapped: put its own id file back, or, where the bodies in "
                    + root.resolve(OBJECTS) + " are those of " + ids.device + ", remove " + root.resolve(LOCK));
        }
    }

    /** Says in the lock file too whose directory it is. On a full disk that is left for another start. */
    private void claim() {
        try {
            if (!claimedBy(root).equals(ids.device)) {
                write(root.resolve(LOCK), ids.device + "\n");
            }
        } catch (IOException e) {
            FAILURES.warn("device={} can't write its id to {}: {}", ids.device, root.resolve(LOCK), reason(e));
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

    private static void writeIds(Path file, String index) throws IOException {
        String text = "# A store of objmapper. Do not change.\nformat=" + FORMAT + "\nid=" + UUID.randomUUID()
                + "\nindex=" + index + "\n";
        write(file, text);
    }

    private static void write(Path file, String text) throws IOException {
        try (FileChannel channel = FileChannel.open(
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
        return DeviceException.absent("the store's directory " + root + " can't be used: " + reason
                + "; it must be owned by the server's user, " + HEALTHY);
    }

    /** Bodies are written to files without a name: the file system must have them. */
    private static void proveTemporaries(Path root, int objects) throws IOException {
        int descriptor = NativeIo.openAt(objects, path("."), O_RDWR | O_TMPFILE, BODY_MODE);
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
        Directory open = directory;
        return open == null ? -1 : open.objects;
    }

    /** The device number of its file system, as {@link NativeIo#describe} gives it. */
    public long fileSystem() {
        Directory open = directory;
        return open == null ? -1 : open.fileSystem;
    }

    /**
     * Whether an event loop may open, send and close the files that are at hand: on a file system that may wait for a network or another
     * process it would do so with all its sessions.
     */
    public boolean opensAtOnce() {
        Directory open = directory;
        return open != null && open.opensAtOnce;
    }

    /** What it is called in the index. */
    public int number() {
        return number;
    }

    /** Says what it is called in the index; before anyone else has it. */
    public void setNumber(int given) {
        number = given;
    }

    public DeviceOptions options() {
        return options;
    }

    /** Whether a directory holds nothing at all; false where that can't be told. */
    public static boolean isEmpty(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.findAny().isEmpty();
        } catch (IOException | UncheckedIOException e) {
            return false;
        }
    }

    public Path root() {
        return root;
    }

    public DeviceHealth health() {
        return health;
    }

    /** The work that may block on it. */
    public DeviceQueue queue() {
        return queue;
    }

    /** Opens its bodies for those who read; apart from {@link #queue}, whose work waits for commits when much is written. */
    public DeviceQueue opens() {
        return opens;
    }

    /** Brings its new bodies to disk. */
    DeviceQueue syncs() {
        return syncs;
    }

    /** To be called once a second: what waits, and does not get on, is not to wait for what hangs. */
    void goOn() {
        boolean offline = isOffline();
        queue.goOn(offline);
        opens.goOn(offline);
        syncs.goOn(offline);
        closer.goOn();
    }

    /** How much work waits for it. */
    public int queueLength() {
        return queue.length() + opens.length();
    }

    /** Closes and unlinks its files. */
    public Closer closer() {
        return closer;
    }

    /** A request got an object whose body is here. Waits for nothing. */
    public void countHit() {
        hits.increment();
    }

    /** A request did not get an object because its body could not be had here. Waits for nothing. */
    public void countMiss() {
        misses.increment();
    }

    /** Requests that got an object whose body is here. */
    public long hits() {
        return hits.sum();
    }

    /** Requests that did not get an object because its body could not be had here. */
    public long misses() {
        return misses.sum();
    }

    /** Whether it takes no new bodies because its files are moved away. */
    public boolean isDraining() {
        return draining;
    }

    public void setDraining(boolean now) {
        draining = now;
    }

    /** Whether nothing may be asked of it. */
    public boolean isOffline() {
        return health.state() == DeviceHealth.State.OFFLINE;
    }

    /** Whether a body of so many bytes may be moved here. */
    boolean hasRoomFor(long bytes) {
        return freeBytes - Placement.MIN_FREE_BYTES >= bytes;
    }

    /**
     * Lets go of its directory: nothing leads to it any more. Whoever looked at one of its objects before may still have the number of
     * the descriptor, which leads nowhere from now on; it is closed with the device.
     */
    void leave() {
        health.lost(System.nanoTime());
        isExpected = false;
        Directory open = directory;
        if (open != null) {
            int nowhere = NativeIo.openAt(AT_FDCWD, path("/dev/null"), O_RDONLY, 0);
            POSIXFactory.getNativePOSIX().dup2(nowhere, open.objects);
            NativeIo.close(nowhere);
            open.lock.close();
            directory = new Directory(Lock.NONE, open.objects, -1, open.opensAtOnce);
            moveToOwnThreads();
        }
    }

    /** What placement has to know of it. */
    Placement.Candidate candidate() {
        return new Placement.Candidate(number, ids.device, options.weight(), freeBytes);
    }

    /** A call of its file system: below 0 is -errno. */
    interface Call {
        long run();
    }

    /** Makes a call, and judges the device by it; one that is offline is not asked. */
    long watched(Call call) {
        if (isOffline()) {
            return -Errno.EIO;
        }
        int begun = health.begin(System.nanoTime());
        long result = -Errno.EIO;
        try {
            result = call.run();
            return result;
        } finally {
            health.end(begun, System.nanoTime(), result);
        }
    }

    /** Asks how much room there is, and whether one that is offline does again what it should. May block. */
    public void measure() {
        int begun = health.begin(System.nanoTime());
        int objects = descriptor();
        long free = objects < 0 ? -Errno.EIO : NativeIo.freeBytes(objects);
        if (free >= 0 && health.state() != DeviceHealth.State.SERVING) {
            int written = NativeIo.openAt(objects, path("."), O_RDWR | O_TMPFILE, BODY_MODE);
            long synced = written < 0 ? written : NativeIo.fsync(written);
            if (written >= 0) {
                NativeIo.close(written);
            }
            free = synced < 0 ? synced : free;
        }
        health.end(begun, System.nanoTime(), free);
        freeBytes = Math.max(0, free);
    }

    /** From now on bodies leave so many bytes of the file system to others. */
    public void keepFree(long bytes) {
        keptFreeBytes = bytes;
    }

    /** Whether a body of which a file is open may take so many bytes more. */
    boolean hasRoom(int bodyFile, long bytes) {
        long kept = keptFreeBytes;
        if (kept == 0) {
            return true;
        }
        long free = NativeIo.freeBytes(bodyFile);
        return free < 0 || free - bytes >= kept;
    }

    /** A file without a name, open for writing; below 0 is -errno. */
    int createTemporary() {
        return (int) watched(() -> NativeIo.openAt(descriptor(), path("."), O_RDWR | O_TMPFILE, BODY_MODE));
    }

    /** Brings a file's bytes to disk; below 0 is -errno. */
    int sync(int file) {
        return (int) watched(() -> NativeIo.fsync(file));
    }

    /** Opens an object's file for reading; below 0 is -errno. */
    public int open(byte[] digest, long generation) {
        return (int) watched(() -> NativeIo.openAt(descriptor(), path(name(digest, generation)), O_RDONLY, 0));
    }

    /** Opens the file of an open descriptor anew; below 0 is -errno. */
    public int openAnew(int open) {
        return (int) watched(() -> NativeIo.openAt(AT_FDCWD, path("/proc/self/fd/" + open), O_RDONLY, 0));
    }

    /** Reads from an open file of an object; below 0 is -errno. One bad file says nothing of the device, and one that hangs does. */
    public long read(int file, long address, int length, long offset) {
        if (isOffline()) {
            return -Errno.EIO;
        }
        int begun = health.begin(System.nanoTime());
        try {
            return NativeIo.read(file, address, length, offset);
        } finally {
            health.end(begun, System.nanoTime());
        }
    }

    /** The length of an object's file; below 0 is -errno. */
    public long length(byte[] digest, long generation) {
        return watched(() -> NativeIo.lengthAt(descriptor(), path(name(digest, generation))));
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
                (int) watched(() -> NativeIo.linkAt(descriptor, descriptor(), path(name(digest, generation)))),
                "give a body its name");
        changedDirectories.add(inner);
    }

    private void makeDirectory(String name) throws DeviceException {
        int made = (int) watched(() -> NativeIo.makeDirectoryAt(descriptor(), path(name), DIRECTORY_MODE));
        if (made != -Errno.EEXIST) {
            DeviceException.check(made, "make the directory objects/" + name);
        }
    }

    /** Brings the names that were given to disk. */
    public void syncDirectories() throws DeviceException {
        for (String name : changedDirectories) {
            DeviceException.check(
                    (int) watched(() -> trySyncDirectory(descriptor(), name)),
                    "bring the directory " + name + " to disk");
        }
        changedDirectories.clear();
    }

    /** Forgets which directories changed, and which are known to be on disk: a sync failed. */
    public void forgetDirectories() {
        changedDirectories.clear();
        knownShards.clear();
    }

    private static void syncDirectory(int relativeTo, String name) throws DeviceException {
        DeviceException.check(trySyncDirectory(relativeTo, name), "bring the directory " + name + " to disk");
    }

    private static int trySyncDirectory(int relativeTo, String name) {
        int descriptor = NativeIo.openAt(relativeTo, path(name), O_RDONLY | O_DIRECTORY, 0);
        if (descriptor < 0) {
            return descriptor;
        }
        int result = NativeIo.fsync(descriptor);
        NativeIo.close(descriptor);
        return result;
    }

    /** Takes a file's name away; those who have it open keep it. */
    public int unlink(byte[] digest, long generation) {
        return (int) watched(() -> NativeIo.unlinkAt(descriptor(), path(name(digest, generation))));
    }

    /** As of a second ago at most, so that nobody waits for it. */
    public long freeBytes() {
        return freeBytes;
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
        close(Patience.MILLIS);
    }

    /** Closes it, and waits so many milliseconds at most for each kind of work that is under way. */
    void close(long millis) {
        queue.close(millis);
        opens.close(millis);
        syncs.close(millis);
        closer.close(millis);
        leaveFileSystem();
        Directory open = directory;
        if (open != null) {
            NativeIo.close(open.objects);
            open.lock.close();
        }
    }

    /** Closes it where it is refused: no lock file is left behind that was made to open it. */
    public void closeRefused() {
        Directory open = directory;
        if (open != null) {
            open.lock.giveUp(root);
            directory = new Directory(Lock.NONE, open.objects, open.fileSystem, open.opensAtOnce);
        }
        close();
    }
}
