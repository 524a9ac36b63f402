package org.objmapper.server.store.check;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceHealth;

/**
 * What a check asks of one device, on a thread for that: a device that does not answer keeps nobody waiting for ever. For one thread. What
 * hangs when it is closed is left to itself.
 */
final class DeviceCalls implements AutoCloseable {
    /** A device that leaves a call unanswered for so long is given up; a server takes it for offline then. */
    static final long LONGEST_NANOS = DeviceHealth.HUNG_NANOS;

    private final Device device;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(DeviceCalls::newThread);
    private volatile long aliveNanos;

    /** Calls of the device's file system. */
    interface Calls<T> {
        /** Makes them; {@code alive} is to be run in between where there are many. */
        T make(Runnable alive) throws IOException;
    }

    /** The device was given up, or is given up now. */
    static final class SilenceException extends IOException {
        private static final long serialVersionUID = 1;

        SilenceException(Device device) {
            super("the directory " + device.root() + " stopped answering in the midst of the check");
        }
    }

    DeviceCalls(Device device) {
        this.device = device;
    }

    private static Thread newThread(Runnable work) {
        Thread thread = new Thread(work, "store-check");
        thread.setDaemon(true); // a hung disk must not keep the process from ending
        return thread;
    }

    /** What the calls give; to be asked no more once it has thrown a {@link SilenceException}. */
    <T> T ask(Calls<T> calls) throws IOException {
        alive();
        Future<T> answer = thread.submit(() -> calls.make(this::alive));
        while (true) {
            try {
                return answer.get(leftNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                if (leftNanos() <= 0) {
                    throw new SilenceException(device);
                }
            } catch (ExecutionException e) {
                throw failure(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("the check was interrupted");
            }
        }
    }

    private void alive() {
        aliveNanos = System.nanoTime();
    }

    private long leftNanos() {
        return aliveNanos + LONGEST_NANOS - System.nanoTime();
    }

    /** What a failure on another thread is on the one that waited for it; an error is thrown. */
    static IOException failure(@Nullable Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof IOException failure ? failure : new IOException(cause);
    }

    /** Has something done when the device answers again, if ever. */
    void later(Runnable work) {
        thread.execute(work);
    }

    @Override
    public void close() {
        thread.shutdown();
    }
}
