package org.objmapper.server.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.BodyCopy;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.LoggedKeys;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.thread.Pace;
import org.objmapper.server.thread.Patience;
import org.slf4j.LoggerFactory;

/**
 * Moves the bodies of a device to the others, at a bounded rate, on a thread of its own, until it is closed. Each is copied, the copy is
 * on disk and in the index before the file goes, and whoever has that open keeps it. The object stays what it is: its generation too.
 */
final class Drain implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Drain.class));
    /** Bodies that are copied before the first of them is waited for, so that they share commits. */
    private static final int AT_ONCE = 64;
    /** What moving an object costs besides its body, as so many bytes of it. */
    private static final int OBJECT_BYTES = 4_096;

    private static final long PAUSE_MILLIS = 1_000;
    private static final long CLOSE_MILLIS = 10_000;

    private final Device device;
    private final Devices devices;
    private final Index index;
    private final Changes changes;
    private final long bytesPerSecond;
    private final Metrics metrics;
    private final BodyCopy copies = new BodyCopy();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "store-drain");
    /** Anew for each pass. */
    private Pace pace;

    private volatile @Nullable String trouble;

    Drain(Device device, Devices devices, Index index, Changes changes, long bytesPerSecond, Metrics metrics) {
        this.device = device;
        this.devices = devices;
        this.index = index;
        this.changes = changes;
        this.bytesPerSecond = bytesPerSecond;
        this.pace = new Pace(bytesPerSecond, closing);
        this.metrics = metrics;
        thread.setDaemon(true); // a hung disk must not keep the process from ending
        thread.start();
    }

    Device device() {
        return device;
    }

    /** Why it doesn't get on; null while it does. */
    @Nullable
    String trouble() {
        return trouble;
    }

    /** How many objects are left on the device. */
    long left() {
        return index.totals(IndexRecord.BACKING, device.number()).objects();
    }

    private void run() {
        do {
            pace = new Pace(bytesPerSecond, closing);
            String met = attemptPass();
            if (met != null && !met.equals(trouble)) {
                FAILURES.error("The drain of device={} does not get on, and goes on trying: {}", device.id(), met);
            }
            trouble = met;
        } while (!paused());
    }

    private boolean paused() {
        try {
            return closing.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /** Goes through all that is there; what is in its way, the last of several; null for nothing. */
    private @Nullable String attemptPass() {
        try {
            return pass();
        } catch (UncheckedIOException e) {
            return null; // it closes
        } catch (StoreException | IndexException | IllegalStateException e) {
            return e.getMessage();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    private @Nullable String pass() throws StoreException, InterruptedException {
        String met = null;
        long from = 0;
        List<IndexRecord> some;
        do {
            some = index.onDevice(device.number(), from, AT_ONCE);
            Moves moves = new Moves();
            try {
                for (IndexRecord record : some) {
                    from = record.bodyGeneration() + 1;
                    moves.begin(record);
                }
            } finally {
                moves.await();
            }
            met = moves.trouble == null ? met : moves.trouble;
        } while (some.size() == AT_ONCE && closing.getCount() > 0);
        return met;
    }

    /** Some bodies that are moved at the same time. */
    private final class Moves {
        private final Semaphore told = new Semaphore(0);
        private int begun;
        private volatile @Nullable String trouble;

        void begin(IndexRecord record) throws StoreException {
            if (device.isOffline()) {
                trouble = "the device is offline: its objects can't be read until it is back";
                return;
            }
            Device target = devices.placeWithRoom(record.key(), record.length());
            if (target == null) {
                trouble = "no other device serves and has room for a body of " + record.length()
                        + " bytes: add a device, or delete objects";
                return;
            }
            try {
                begin(record, target);
            } catch (StoreException e) {
                throw e;
            } catch (IOException e) {
                trouble = LoggedKeys.of(record.objectKey()) + ": " + e.getMessage();
            }
        }

        private void begin(IndexRecord record, Device target) throws IOException {
            ObjectKey key = record.objectKey();
            int copy = copyOf(key, record, target);
            if (copy < 0) {
                return; // overwritten or removed meanwhile, or recovery notices that it is gone
            }
            boolean moves = false;
            try {
                moves = changes.move(key, record, target, copy, result -> end(record, result));
                begun += moves ? 1 : 0;
            } finally {
                if (!moves) {
                    NativeIo.close(copy);
                }
            }
        }

        private void end(IndexRecord record, Result result) {
            if (result.isOk()) {
                metrics.count(Metric.STORE_MOVED_OBJECTS);
                metrics.add(Metric.STORE_MOVED_BYTES, record.length());
            } else {
                trouble = result.message();
            }
            told.release();
        }

        void await() throws InterruptedException {
            told.acquire(begun);
        }
    }

    /** A copy of a body on another device; below 0 where there is nothing to copy. */
    private int copyOf(ObjectKey key, IndexRecord record, Device target) throws IOException {
        int descriptor = device.open(key.digest(), record.bodyGeneration());
        if (descriptor == -Errno.ENOENT) {
            return descriptor;
        }
        if (descriptor < 0) {
            throw new IOException("its body can't be opened: " + Errno.nameOf(-descriptor));
        }
        try {
            pace.spendOrThrow(OBJECT_BYTES);
            return copies.copy(device, descriptor, record.length(), record.xxh3(), target, pace::spendOrThrow);
        } finally {
            NativeIo.close(descriptor);
        }
    }

    /** Stops soon; {@link #close} waits for that. */
    void stop() {
        closing.countDown();
    }

    /** Moves no more; a disk that hangs is not waited for. */
    @Override
    public void close() {
        stop();
        Patience.awaitEnd(thread, CLOSE_MILLIS);
    }
}
