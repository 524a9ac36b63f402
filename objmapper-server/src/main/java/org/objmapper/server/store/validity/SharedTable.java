package org.objmapper.server.store.validity;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * The table as clients have it: its file, the clock that is written into it while any of them holds it, and how long after a start
 * nothing may change, because clients of the server before may still go by another table. Safe on any thread.
 */
public final class SharedTable implements AutoCloseable {
    /** Between two times that are written. */
    static final long HEARTBEAT_MILLIS = 10;

    /** How long a client may go by a clock that it has not seen move is a second (protocol-spec.md 11.4); and what clocks may differ by. */
    static final long HOLD_BACK_MILLIS = 1_250;

    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(SharedTable.class));
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final @Nullable TableFile file;
    /** Why there is no file, where there should be one. */
    private final @Nullable String trouble;

    private final ValidityTable table;
    private final LongSupplier clock;
    private final String boot;
    private final boolean isRecorded;
    private final long openedNanos = System.nanoTime();
    private final Thread thread = new Thread(this::run, "store-validity");

    // Guarded by this.
    private boolean mayShare;
    private boolean holdsBack;
    private int holders;
    private boolean closing;

    private Runnable onRelease = () -> {};
    private RecordWriter record = value -> {};

    /** Keeps in the index which table clients may have; what it is given stands there when it returns. */
    public interface RecordWriter {
        void write(byte[] value) throws IOException;
    }

    private SharedTable(
            @Nullable TableFile file,
            @Nullable String trouble,
            boolean isRecorded,
            boolean holdsBack,
            String boot,
            LongSupplier clock) {
        this.file = file;
        this.trouble = trouble;
        this.table = file == null ? ValidityTable.unshared() : file.table();
        this.isRecorded = isRecorded;
        this.holdsBack = holdsBack;
        this.boot = boot;
        this.clock = clock;
        thread.setDaemon(true);
    }

    /**
     * Opens the table at a path, after the store was locked: whoever wrote it before is dead. Where it can't be had clients get none, which is logged
     * when one asks for it.
     *
     * @param path null for a store that shares none
     * @param recorded what the record says, null for nothing
     */
    public static SharedTable open(@Nullable Path path, byte @Nullable [] recorded, LongSupplier clock) {
        if (path == null) {
            return new SharedTable(null, null, true, false, "", clock);
        }
        String boot = "";
        boolean isOfThisBoot = true;
        boolean wasThere = true;
        try {
            boot = Files.readString(BOOT_ID).strip();
            isOfThisBoot = recorded != null && isOf(boot, recorded);
            wasThere = Files.exists(path);
            TableFile same = isOfThisBoot && recorded != null ? TableFile.takeUp(path, identity(boot, recorded)) : null;
            if (same != null) {
                return new SharedTable(same, null, true, false, boot, clock);
            }
            boolean mayBeKept = recorded == null ? wasThere : isOfThisBoot;
            return new SharedTable(TableFile.create(path), null, false, mayBeKept, boot, clock);
        } catch (IOException | UnsupportedOperationException e) {
            String why = path + " can't be used: " + e.getMessage();
            return new SharedTable(null, why, true, recorded == null ? wasThere : isOfThisBoot, boot, clock);
        }
    }

    private static boolean isOf(String boot, byte[] recorded) {
        byte[] start = boot.getBytes(StandardCharsets.US_ASCII);
        return recorded.length >= start.length && Arrays.equals(recorded, 0, start.length, start, 0, start.length);
    }

    private static @Nullable Identity identity(String boot, byte[] recorded) {
        return Identity.of(ByteBuffer.wrap(recorded, boot.length(), recorded.length - boot.length())
                .slice());
    }

    /** Whether changes must wait for {@code onRelease} of {@link #start}. */
    public synchronized boolean holdsBack() {
        return holdsBack;
    }

    /** Begins to share it. {@code onRelease} runs when changes need not wait any more, on a thread of its own; at once where they need not at all. */
    public void start(RecordWriter newRecord, Runnable onReleaseNow) {
        record = newRecord;
        onRelease = onReleaseNow;
        TableFile mine = file;
        boolean waits = holdsBack();
        try {
            if (mine != null && !isRecorded) {
                // Before anybody has it; and the table itself only when nobody can go by the one before any more.
                record.write(waits ? boot.getBytes(StandardCharsets.US_ASCII) : recorded(mine));
            }
            synchronized (this) {
                mayShare = mine != null;
            }
        } catch (IOException e) {
            FAILURES.error("Clients get no validity table until the next start: {}", e.getMessage());
        }
        if (!waits) {
            onRelease.run();
        }
        thread.start();
    }

    private byte[] recorded(TableFile mine) {
        byte[] identity = mine.identity().encoded();
        return ByteBuffer.allocate(boot.length() + identity.length)
                .put(boot.getBytes(StandardCharsets.US_ASCII))
                .put(identity)
                .array();
    }

    /** The words. */
    public ValidityTable table() {
        return table;
    }

    /** The descriptor for one more client, which stays the table's, with a clock that goes; -1 where there is none. {@link #letGo} ends it. */
    public synchronized int hand() {
        TableFile mine = file;
        if (trouble != null) {
            FAILURES.error("Clients get no validity table, and ask for every object: {}", trouble);
        }
        if (mine == null || !mayShare || closing) {
            return -1;
        }
        if (holders++ == 0) {
            table.setClock(clock.getAsLong());
            notifyAll();
        }
        return mine.descriptor();
    }

    /** A client that {@link #hand} was called for is gone. */
    public synchronized void letGo() {
        holders--;
    }

    private void run() {
        while (await()) {
            release();
        }
    }

    /** Keeps the clock going; true when it is time to release changes, false when the store closes. */
    private synchronized boolean await() {
        Uninterruptibly.awaitWhile(() -> !closing && !isOver(), this::beat);
        return !closing;
    }

    private synchronized void beat() throws InterruptedException {
        if (holders > 0) {
            table.setClock(clock.getAsLong());
        }
        if (holders > 0 || holdsBack) {
            wait(HEARTBEAT_MILLIS);
        } else {
            wait();
        }
    }

    private boolean isOver() {
        return holdsBack && System.nanoTime() - openedNanos >= TimeUnit.MILLISECONDS.toNanos(HOLD_BACK_MILLIS);
    }

    private void release() {
        synchronized (this) {
            holdsBack = false;
        }
        onRelease.run();
        TableFile mine = file;
        if (mine != null) {
            try {
                record.write(recorded(mine));
            } catch (IOException e) {
                FAILURES.error("The next start will hold changes back for a moment: {}", e.getMessage());
            }
        }
    }

    /** Takes back all that it said, so that no client goes by it any more and the next server need not care; nobody waits for a change any more. */
    public void stop() {
        halt();
        TableFile mine = file;
        if (mine == null || holdsBack()) {
            return; // clients may go by the one before still: that is the next server's concern
        }
        table.changeAll(() -> {});
        try {
            record.write(new byte[0]);
            mine.delete();
        } catch (IOException e) {
            FAILURES.warn("The next start may hold changes back for a moment: {}", e.getMessage());
        }
    }

    /** Stops the clock, and lets all else stand as it is where a server is killed. */
    void halt() {
        synchronized (this) {
            closing = true;
            notifyAll();
        }
        Uninterruptibly.join(thread);
    }

    /** After {@link #stop}, and after all who were handed the table are gone. */
    @Override
    public void close() {
        if (file != null) {
            file.close();
        }
    }
}
