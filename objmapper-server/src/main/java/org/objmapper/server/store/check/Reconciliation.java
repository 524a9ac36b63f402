package org.objmapper.server.store.check;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.objmapper.nativeio.Errno;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.FileName;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.LoggedKeys;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.thread.Pace;
import org.objmapper.server.thread.Patience;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares the files of one device with the index, on a thread of its own and at a bounded rate: after the start, whenever the device is
 * there again, and again and again at a low rate. Removes files without an object, takes out objects whose file is gone or has another length. It lists directories and asks
 * for lengths, and opens nothing. Safe on any thread.
 */
public final class Reconciliation implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Reconciliation.class);
    private static final FailureLog FAILURES = new FailureLog(LOG);
    private static final int AT_ONCE = 256;
    private static final long PAUSE_MILLIS = 1_000;
    /** How much slower it is when it looks once more, while nothing happened. */
    private static final int SLOWER = 20;

    private static final long CLOSE_MILLIS = 10_000;

    private final Device device;
    private final Index index;
    private final Objects objects;
    private final CheckOptions options;
    private final long firstGeneration;
    private final boolean startsEmpty;
    private final Metrics metrics;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final CountDownLatch recovered = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "store-recovery");

    private volatile boolean running;
    private volatile long walked;
    private volatile long total;

    /** What it does to objects. */
    public interface Objects {
        /** Takes an object out of the index if it is still this one. */
        boolean takeOut(ObjectKey key, IndexRecord record) throws IOException;
    }

    /** How the file of an object is. */
    public enum FileState {
        /** Or it can't be told. */
        WHOLE,
        GONE,
        OF_OTHER_LENGTH
    }

    /**
     * The reconciliation of one device.
     *
     * @param firstGeneration from which on generations belong to this run of the server
     */
    public Reconciliation(
            Device device, Index index, Objects objects, CheckOptions options, long firstGeneration, Metrics metrics) {
        this.device = device;
        this.index = index;
        this.objects = objects;
        this.options = options;
        this.firstGeneration = firstGeneration;
        this.startsEmpty = index.totals().objects() == 0;
        this.metrics = metrics;
        thread.setDaemon(true);
    }

    public void start() {
        running = !device.isOffline();
        thread.start();
    }

    private void run() {
        try {
            if (device.isOffline()) {
                recovered.countDown();
            }
            do {
                awaitOnline();
                running = true;
                attempt(options.recoveredPerSecond());
                running = false;
                recovered.countDown();
                while (!awaitOffline()) {
                    attempt(Math.max(1, options.recoveredPerSecond() / SLOWER));
                }
            } while (!isClosing());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does it
        }
    }

    private void awaitOnline() throws InterruptedException {
        while (device.isOffline() && !closing.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS)) {}
    }

    /** Waits until the device is offline, or this closes; false when it is time for another look. */
    private boolean awaitOffline() throws InterruptedException {
        long left = options.pauseMillis();
        while (!device.isOffline() && !closing.await(Math.min(left, PAUSE_MILLIS), TimeUnit.MILLISECONDS)) {
            left -= PAUSE_MILLIS;
            if (left <= 0) {
                return false;
            }
        }
        return true;
    }

    private void attempt(long perSecond) throws InterruptedException {
        if (isClosing()) {
            return;
        }
        try {
            walk(perSecond);
        } catch (IOException | DirectoryIteratorException | IndexException | IllegalStateException e) {
            if (!isClosing()) {
                FAILURES.error(
                        "The files of device={} were not all compared with the index: {}", device.id(), e.getMessage());
            }
        }
    }

    private void walk(long perSecond) throws IOException, InterruptedException {
        if (running) {
            walked = 0;
            total = 2 * index.totals(IndexRecord.BACKING, device.number()).objects();
        }
        Pace pace = new Pace(perSecond, closing);
        if (removeOrphans(pace) && noticeVanished(pace)) {
            LOG.debug("The files of device={} are compared with the index; files and objects={}", device.id(), walked);
        }
    }

    /** Progress is shown of recovery, and not of the looks after it. */
    private void looked(int count) {
        walked += running ? count : 0;
    }

    private boolean isClosing() {
        return closing.getCount() == 0;
    }

    // ---- files without an object

    /**
     * Removes files that a crash left between naming and the index commit, or between a commit and unlinking. By an index that was
     * empty at the start all files would be orphans: then they are left, for a start at which it has objects. False when it closes.
     */
    private boolean removeOrphans(Pace pace) throws IOException, InterruptedException {
        if (startsEmpty) {
            return true;
        }
        for (String outer : names(device.objects())) {
            for (String inner : namesOfShard(outer)) {
                String shard = outer + "/" + inner;
                List<String> files = namesOfShard(shard);
                files.forEach(file -> removeIfOrphan(shard + "/" + file));
                looked(files.size());
                if (!pace.spend(files.size() + 1L)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static List<String> names(Path directory) throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        }
        return names;
    }

    private List<String> namesOfShard(String shard) throws IOException {
        try {
            return names(device.objects().resolve(shard));
        } catch (NotDirectoryException e) {
            FAILURES.warn("A file in the store is none of objmapper's: {}", shard);
            return List.of();
        }
    }

    private void removeIfOrphan(String name) {
        FileName parsed = FileName.of(name);
        if (parsed == null) {
            FAILURES.warn("A file in the store is none of objmapper's: {}", name);
            return;
        }
        if (parsed.generation() >= firstGeneration) {
            return; // of this run: it may be on its way into the index
        }
        if (!index.leadsTo(device.number(), parsed.digest(), parsed.generation())) {
            device.unlink(parsed.digest(), parsed.generation());
            metrics.count(Metric.STORE_ORPHANS_REMOVED);
        }
    }

    // ---- objects without their file

    private boolean noticeVanished(Pace pace) throws IOException, InterruptedException {
        List<ObjectKey> gone = new ArrayList<>();
        long count = 0;
        long from = 0;
        boolean goesOn = true;
        List<IndexRecord> some = List.of();
        do {
            some = index.onDevice(device.number(), from, AT_ONCE);
            for (IndexRecord record : some) {
                ObjectKey key = record.objectKey();
                from = record.bodyGeneration() + 1;
                if (lose(key, record) && ++count <= LoggedKeys.SHOWN) {
                    gone.add(key);
                }
            }
            looked(some.size());
            goesOn = pace.spend(some.size());
        } while (some.size() == AT_ONCE && goesOn);
        if (count > 0) {
            FAILURES.error(
                    "files={} are gone or have another length; their objects are taken out: {}",
                    count,
                    LoggedKeys.of(gone, count));
        }
        return goesOn;
    }

    /** How the file of an object on this device is. May block. */
    public FileState look(ObjectKey key, IndexRecord record) {
        long length = device.length(key.digest(), record.bodyGeneration());
        if (length == -Errno.ENOENT && !device.isOffline()) {
            return FileState.GONE;
        }
        return length < 0 || length == record.length() ? FileState.WHOLE : FileState.OF_OTHER_LENGTH;
    }

    /** Takes an object of this device out whose file is gone or has another length; false where it isn't so, or it was replaced. May block. */
    public boolean lose(ObjectKey key, IndexRecord record) throws IOException {
        FileState state = look(key, record);
        boolean lost = state != FileState.WHOLE && objects.takeOut(key, record);
        if (lost) {
            metrics.count(state == FileState.GONE ? Metric.STORE_FILES_VANISHED : Metric.STORE_FILES_OF_OTHER_LENGTH);
        }
        return lost;
    }

    // ---- how far it is

    /** Returns when it has looked at all files, or can't for now. */
    public void awaitRecovery() throws InterruptedException {
        recovered.await();
    }

    public Device device() {
        return device;
    }

    public boolean isRunning() {
        return running;
    }

    /** Files and objects that it has looked at. */
    public long walked() {
        return walked;
    }

    /** About how many there are, each object with its file being two. */
    public long total() {
        return total;
    }

    /** Stops; a disk that hangs is not waited for. */
    @Override
    public void close() {
        closing.countDown();
        recovered.countDown();
        Patience.awaitEnd(thread, CLOSE_MILLIS);
    }
}
