package org.objmapper.server.store;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.device.FileName;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.LoggedKeys;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * What the store does of its own accord, on one thread: after the start it compares index and files; then it removes what is expired,
 * and clears the index's slots of dead readers.
 */
final class Housekeeping implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Housekeeping.class));
    private static final long PAUSE_MILLIS = 1_000;
    private static final int READER_CHECK_PAUSES = 60;
    private static final int AT_ONCE = 256;

    private final Changes changes;
    private final Committer committer;
    private final Index index;
    private final Devices devices;
    private final long firstGeneration;
    private final boolean startsEmpty;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final CountDownLatch recovered = new CountDownLatch(1);
    private final Metrics metrics;
    private final Thread thread = new Thread(this::run, "store-housekeeping");

    /** Generations from {@code firstGeneration} on belong to this run of the server. */
    Housekeeping(
            Changes changes, Committer committer, Index index, Devices devices, long firstGeneration, Metrics metrics) {
        this.changes = changes;
        this.committer = committer;
        this.index = index;
        this.devices = devices;
        this.firstGeneration = firstGeneration;
        this.startsEmpty = index.totals().objects() == 0;
        this.metrics = metrics;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    private void run() {
        attempt(this::removeOrphans, "look for files without an object");
        attempt(this::noticeVanished, "look for objects without a file");
        recovered.countDown();
        for (int pauses = 1; !paused(); pauses++) {
            attempt(this::removeAllDue, "remove expired objects");
            if (pauses % READER_CHECK_PAUSES == 0) {
                attempt(index::checkReaders, "clear the index's dead readers");
            }
        }
    }

    private interface Chore {
        void run() throws IOException, InterruptedException;
    }

    private static void attempt(Chore chore, String what) {
        try {
            chore.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException | IndexException | IllegalStateException e) {
            FAILURES.error("The store can't " + what + ": {}", e.getMessage());
        }
    }

    /** Waits a while; true when the store closes. */
    private boolean paused() {
        try {
            return closing.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private boolean isClosing() {
        return closing.getCount() == 0;
    }

    private void removeAllDue() throws IOException, InterruptedException {
        int removed;
        do {
            removed = changes.removeDue();
            if (removed > 0) {
                committer.flush();
            }
        } while (removed > 0 && !isClosing());
    }

    /**
     * Removes files that a crash left between naming and the index commit, or between a commit and unlinking. By an index that was
     * empty at the start all files would be orphans: then they are left, for a start at which it has objects.
     */
    private void removeOrphans() throws IOException {
        if (startsEmpty) {
            return;
        }
        for (Device device : devices.all()) {
            if (!device.isOffline()) {
                removeOrphans(device);
            }
        }
    }

    private void removeOrphans(Device device) throws IOException {
        Path root = device.objects();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                removeIfOrphan(device, root.relativize(file).toString());
                return isClosing() ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                return FileVisitResult.CONTINUE; // replaced meanwhile
            }
        });
    }

    private void removeIfOrphan(Device device, String name) {
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

    /** Takes objects out of the index whose files are gone or have another length. */
    private void noticeVanished() throws IOException {
        byte[] at = null;
        List<ObjectKey> gone = new ArrayList<>();
        long count = 0;
        List<IndexRecord> some;
        do {
            some = index.after(at, AT_ONCE);
            for (IndexRecord record : some) {
                ObjectKey key = record.objectKey();
                at = key.row();
                if (record.hasFile() && !isWhole(key, record)) {
                    if (takeOut(key, record) && ++count <= LoggedKeys.SHOWN) {
                        gone.add(key);
                    }
                }
            }
        } while (some.size() >= AT_ONCE && !isClosing());
        if (count > 0) {
            FAILURES.error(
                    "files={} are gone or have another length; their objects are taken out: {}",
                    count,
                    LoggedKeys.of(gone, count));
        }
    }

    private boolean isWhole(ObjectKey key, IndexRecord record) {
        Device device = devices.byNumber(record.device());
        if (device == null || device.isOffline()) {
            return true; // that can't be said
        }
        int descriptor = device.open(key.digest(), record.bodyGeneration());
        if (descriptor < 0) {
            return descriptor != -Errno.ENOENT;
        }
        long[] facts = new long[3];
        boolean whole = NativeIo.describe(descriptor, facts) < 0 || facts[1] == record.length();
        NativeIo.close(descriptor);
        return whole;
    }

    /** An object whose file is gone, unless it was replaced meanwhile: takes it out of the index. */
    void vanished(ObjectKey key, IndexRecord record) throws StoreException {
        if (!isWhole(key, record) && takeOut(key, record)) {
            FAILURES.error(
                    "The file of {} is gone or has another length; the object is taken out: objects/{}",
                    LoggedKeys.of(key),
                    Device.name(key.digest(), record.bodyGeneration()));
        }
    }

    private boolean takeOut(ObjectKey key, IndexRecord record) throws StoreException {
        boolean taken = changes.removeIfSame(key, record);
        if (taken) {
            metrics.count(Metric.STORE_FILES_VANISHED);
        }
        return taken;
    }

    void awaitRecovery() throws InterruptedException {
        recovered.await();
    }

    @Override
    public void close() {
        closing.countDown();
        Uninterruptibly.join(thread);
    }
}
