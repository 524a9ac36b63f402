package org.objmapper.server.store.check;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.store.check.DeviceCalls.SilenceException;
import org.objmapper.server.store.device.Device;

/**
 * Runs a check on a thread of its own, and asks the device of its index meanwhile, once a second, whether it answers: LMDB's file is memory,
 * and whoever reads memory that a disk does not give waits for ever.
 */
final class IndexWatch {
    private static final long PAUSE_MILLIS = 1_000;
    /** What may be read past the page cache on any disk. */
    private static final int BLOCK = 4_096;

    /** The check. */
    interface Check {
        FsckReport run() throws IOException;
    }

    private IndexWatch() {}

    /** The check's report. Where the device is given up, the check is left to itself, with what it has open. */
    static FsckReport run(Device first, Check check) throws IOException {
        CompletableFuture<FsckReport> report = new CompletableFuture<>();
        Thread thread = new Thread(() -> end(check, report), "store-fsck");
        thread.setDaemon(true); // it may hang
        thread.start();
        try (DeviceCalls calls = new DeviceCalls(first)) {
            while (true) {
                try {
                    return report.get(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
                } catch (TimeoutException e) {
                    ask(calls, first, report);
                }
            }
        } catch (ExecutionException e) {
            throw failure(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the check was interrupted");
        }
    }

    private static void end(Check check, CompletableFuture<FsckReport> report) {
        try {
            report.complete(check.run());
        } catch (IOException | RuntimeException | Error e) {
            report.completeExceptionally(e);
        }
    }

    private static IOException failure(@Nullable Throwable cause) {
        if (cause instanceof RuntimeException defect) {
            throw defect;
        }
        return DeviceCalls.failure(cause);
    }

    private static void ask(DeviceCalls calls, Device first, CompletableFuture<FsckReport> report) throws IOException {
        try {
            calls.ask(alive -> read(first.index().resolve("data.mdb")));
        } catch (SilenceException e) {
            if (!report.isDone()) {
                throw e;
            }
        }
    }

    /** Reads a block from the disk; how that goes is for the check to find out. */
    private static long read(Path file) {
        long read = read(file, Device.O_RDONLY | Device.O_DIRECT);
        return read == -Errno.EINVAL ? read(file, Device.O_RDONLY) : read;
    }

    private static long read(Path file, int flags) {
        int descriptor = NativeIo.openAt(Device.AT_FDCWD, Device.path(file.toString()), flags, 0);
        if (descriptor < 0) {
            return descriptor;
        }
        ByteBuffer block = ByteBuffer.allocateDirect(2 * BLOCK).alignedSlice(BLOCK);
        try {
            return NativeIo.read(descriptor, NativeIo.address(block), BLOCK, 0);
        } finally {
            NativeIo.close(descriptor);
        }
    }
}
