package org.objmapper.server.store.check;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.FileWindow;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.LoggedKeys;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.thread.Pace;
import org.objmapper.server.thread.Patience;
import org.slf4j.LoggerFactory;

/**
 * Reads the bodies in a device's files again and again, at a bounded rate, on a thread of its own, and compares them with their checksums. One that
 * is not what was stored goes to quarantine, and its object is gone: a miss, never wrong bytes. Bodies in the index are compared whenever
 * they are read.
 */
public final class Scrub implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Scrub.class));
    private static final int AT_ONCE = 256;
    /** What looking at an object costs besides its body, as so many bytes of it. */
    private static final int OBJECT_BYTES = 4_096;
    /** Between two notes of how far a pass is. */
    private static final long NOTE_SECONDS = 60;

    private static final long CLOSE_MILLIS = 10_000;

    private final Device device;
    private final Index index;
    private final Quarantine quarantine;
    private final Objects objects;
    private final long bytesPerSecond;
    private final long pauseMillis;
    private final Metrics metrics;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "store-scrub");

    /** The body generation of the next body. */
    private long at;

    private long notedNanos = System.nanoTime();
    /** Anew for each pass. */
    private Pace pace;

    private volatile Quarantine.Contents quarantined = Quarantine.Contents.NOTHING;

    /** What the scrub needs of the store. */
    public interface Objects {
        /** Returns when recovery has looked at all files, or is given up. */
        void awaitRecovery() throws InterruptedException;

        /** Takes an object out of the index if it still has that body. */
        void takeOut(ObjectKey key, long bodyGeneration) throws IOException;

        /** The file of an object is not there: takes the object out, unless it was replaced meanwhile. */
        void vanished(Device device, ObjectKey key, IndexRecord record) throws IOException;

        /** The body generation that the last run had come to; 0 for the beginning. */
        long cursor(Device device);

        /** Keeps the body generation that this run has come to. */
        void keepCursor(Device device, long cursor) throws IOException;
    }

    /**
     * A scrub of one device.
     *
     * @param options whose rate of 0 is none at all
     */
    public Scrub(Device device, Index index, Objects objects, CheckOptions options, Metrics metrics) {
        this.device = device;
        this.index = index;
        this.quarantine = new Quarantine(device, options.quarantineBytes());
        this.objects = objects;
        this.bytesPerSecond = options.scrubBytesPerSecond();
        this.pauseMillis = options.pauseMillis();
        this.pace = new Pace(bytesPerSecond, closing);
        this.metrics = metrics;
        thread.setDaemon(true);
    }

    /** Whose bodies it reads. */
    public Device device() {
        return device;
    }

    public void start() {
        if (bytesPerSecond > 0) {
            thread.start();
        }
    }

    private void run() {
        try {
            objects.awaitRecovery();
            countQuarantined();
            at = objects.cursor(device);
            do {
                attemptPass();
            } while (!closing.await(pauseMillis, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does it
        } catch (IndexException e) {
            FAILURES.error("Bodies are not compared with their checksums until the next start: {}", e.getMessage());
        }
    }

    private void attemptPass() {
        try {
            pass();
        } catch (IOException | IndexException | IllegalStateException e) {
            if (!isClosing()) {
                FAILURES.error(
                        "Comparing bodies with their checksums was cut off, and goes on soon: {}", e.getMessage());
            }
        }
    }

    /** From where the last one stopped to the end, or until the device is offline. */
    private void pass() throws IOException {
        pace = new Pace(bytesPerSecond, closing);
        List<IndexRecord> some;
        do {
            some = index.onDevice(device.number(), at, AT_ONCE);
            for (IndexRecord record : some) {
                if (isStopped() || !look(record)) {
                    break;
                }
                at = record.bodyGeneration() + 1;
            }
            keepCursorIfDue();
        } while (some.size() >= AT_ONCE && !isStopped());
        if (!isStopped()) {
            at = 0;
            metrics.count(Metric.STORE_SCRUB_PASSES);
        }
        objects.keepCursor(device, at);
    }

    private boolean isStopped() {
        return isClosing() || device.isOffline();
    }

    /** Whether it is done with the body; else the store closes. */
    private boolean look(IndexRecord record) throws IOException {
        try {
            pace.spendOrThrow(OBJECT_BYTES);
        } catch (UncheckedIOException e) {
            return false; // this one is the next run's first
        }
        return compare(record.objectKey(), record);
    }

    /** Whether it is done with the body; else the store closes. */
    private boolean compare(ObjectKey key, IndexRecord record) throws IOException {
        int descriptor = device.open(key.digest(), record.bodyGeneration());
        if (descriptor == -Errno.ENOENT) {
            objects.vanished(device, key, record);
        }
        if (descriptor < 0) {
            return true; // where it can't be opened, whoever asks for it is told
        }
        String wrong;
        try {
            wrong = whatIsWrong(descriptor, record);
        } catch (IOException e) {
            if (isClosing()) {
                return false;
            }
            FAILURES.error(
                    "The body of {} can't be read: objects/{}: {}",
                    LoggedKeys.of(key),
                    Device.name(key.digest(), record.bodyGeneration()),
                    e.getMessage());
            return true;
        } finally {
            NativeIo.close(descriptor);
        }
        if (wrong != null) {
            lose(key, record, wrong);
        }
        return true;
    }

    private @Nullable String whatIsWrong(int descriptor, IndexRecord record) throws IOException {
        long[] facts = new long[3];
        NativeIo.describe(descriptor, facts);
        if (facts[1] != record.length()) {
            return "its file has bytes=" + facts[1] + " instead of " + record.length();
        }
        long found = FileWindow.xxh3(descriptor, record.length(), pace::spendOrThrow);
        metrics.add(Metric.STORE_SCRUBBED_BYTES, record.length());
        return found == record.xxh3()
                ? null
                : "it has the XXH3 " + Long.toHexString(found) + " instead of " + Long.toHexString(record.xxh3());
    }

    /** The file first: whoever looks the object up from then on finds it gone. */
    private void lose(ObjectKey key, IndexRecord record, String wrong) throws IOException {
        String name = Device.name(key.digest(), record.bodyGeneration());
        String now = " is in " + quarantine.directory() + " now";
        try {
            quarantine.take(name, "the object " + LoggedKeys.of(key) + ": " + wrong);
        } catch (NoSuchFileException e) {
            return; // removed or overwritten meanwhile
        } catch (IOException e) {
            now = " is removed, because it can't be moved to " + quarantine.directory() + ": " + e.getMessage();
        }
        countQuarantined();
        metrics.count(Metric.STORE_BODIES_DAMAGED);
        objects.takeOut(key, record.bodyGeneration());
        FAILURES.error(
                "The body of {} is not what was stored: {}; the object is taken out, and objects/{}{}",
                LoggedKeys.of(key),
                wrong,
                name,
                now);
    }

    private void countQuarantined() {
        try {
            quarantined = quarantine.contents();
        } catch (IOException e) {
            FAILURES.warn("What is in {} can't be counted: {}", quarantine.directory(), e.getMessage());
        }
    }

    private void keepCursorIfDue() throws IOException {
        if (System.nanoTime() - notedNanos >= TimeUnit.SECONDS.toNanos(NOTE_SECONDS)) {
            objects.keepCursor(device, at);
            notedNanos = System.nanoTime();
        }
    }

    private boolean isClosing() {
        return closing.getCount() == 0;
    }

    /** What is in quarantine, as far as this run knows. */
    public Quarantine.Contents quarantined() {
        return quarantined;
    }

    /** Stops soon; {@link #close} waits for that. */
    public void stop() {
        closing.countDown();
    }

    /** Stops, and keeps how far it has come; a disk that hangs is not waited for. */
    @Override
    public void close() {
        stop();
        Patience.awaitEnd(thread, CLOSE_MILLIS);
    }
}
