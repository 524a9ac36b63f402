package org.objmapper.server.store.device;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Opens a directory that may hang, on a thread of its own: whoever wants it waits for some time, and does without it then. What is opened
 * too late is closed again, so that the directory is free for who comes next.
 */
public final class DeviceOpening {
    /** How long is waited for one, as a rule. */
    public static final long LONGEST_MILLIS = 5_000;

    private final Path directory;
    private final long deadlineNanos;
    private boolean isGivenUp;
    private @Nullable Device opened;
    private @Nullable IOException failure;

    /** Opens the device. */
    public interface Open {
        Device open() throws IOException;
    }

    private DeviceOpening(Path directory, long longestMillis) {
        this.directory = directory;
        this.deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(longestMillis);
    }

    /** Begins to open a directory. */
    public static DeviceOpening begin(Path directory, Open open) {
        return begin(directory, LONGEST_MILLIS, open);
    }

    /** As {@link #begin(Path, Open)}, with so much patience. */
    public static DeviceOpening begin(Path directory, long longestMillis, Open open) {
        DeviceOpening opening = new DeviceOpening(directory, longestMillis);
        Thread thread = new Thread(() -> opening.run(open), "store-opening");
        thread.setDaemon(true); // a hung disk must not keep the process from ending
        thread.start();
        return opening;
    }

    private void run(Open open) {
        try {
            end(open.open(), null);
        } catch (IOException e) {
            end(null, e);
        } catch (RuntimeException e) {
            end(null, new IOException("opening " + directory + " failed: " + e, e));
        }
    }

    private void end(@Nullable Device device, @Nullable IOException why) {
        synchronized (this) {
            if (!isGivenUp) {
                opened = device;
                failure = why;
                notifyAll();
                return;
            }
        }
        if (device != null) {
            device.close();
        }
    }

    /**
     * The device, open, which is the caller's; to be called once.
     *
     * @throws DeviceException also where it takes too long: it is {@linkplain DeviceException#isAbsent absent} then
     */
    public synchronized Device await() throws IOException {
        try {
            long left = deadlineNanos - System.nanoTime();
            while (opened == null && failure == null && left > 0) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
                left = deadlineNanos - System.nanoTime();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it shall end, and waits for nothing any more
        }
        if (failure != null) {
            throw failure;
        }
        if (opened == null) {
            isGivenUp = true;
            throw DeviceException.absent("the store's directory " + directory + " does not answer: see to its disk");
        }
        isGivenUp = true; // from here on it is the caller's
        Device given = opened;
        opened = null;
        return given;
    }

    /** Whether it was given up because it took too long. */
    public synchronized boolean isGivenUp() {
        return isGivenUp;
    }

    /** Wants the device no more. */
    public void giveUp() {
        Device unwanted;
        synchronized (this) {
            isGivenUp = true;
            unwanted = opened;
            opened = null;
        }
        if (unwanted != null) {
            unwanted.close();
        }
    }
}
