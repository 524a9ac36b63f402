package org.objmapper.server.store.device;

import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;

/** The file of a body that no index commit knows of yet: first without a name, then with one. Safe on any thread. */
public final class NewFile {
    private final Device device;
    private final byte[] digest;
    private final long generation;
    private int descriptor;
    private boolean synced;
    private @Nullable DeviceException lost;
    private boolean linked;

    /** Takes over a descriptor that is open for reading. */
    public NewFile(Device device, int descriptor, boolean synced, byte[] digest, long generation) {
        this.device = device;
        this.descriptor = descriptor;
        this.synced = synced;
        this.digest = digest;
        this.generation = generation;
    }

    public synchronized boolean isSynced() {
        return synced;
    }

    /** Brings its bytes to disk, unless they are there or lost. Readers may open it meanwhile. On one thread at a time. */
    public void sync() {
        int open;
        synchronized (this) {
            if (synced || lost != null || descriptor < 0) {
                return;
            }
            open = descriptor;
        }
        int result = NativeIo.fsync(open);
        synchronized (this) {
            synced = result >= 0;
            // Never synced again: the kernel would say that all is well.
            lost = synced ? null : DeviceException.ofErrno(result, "bring a body to disk");
        }
    }

    /** Gives it its name, which is on disk after {@link Device#syncDirectories}. Its bytes must be on disk. */
    public synchronized void publish() throws DeviceException {
        if (linked) {
            return;
        }
        if (lost != null) {
            throw lost;
        }
        if (!synced || descriptor < 0) {
            throw new DeviceException(Status.IO_ERROR, "the body of generation " + generation + " was lost before");
        }
        device.link(descriptor, digest, generation);
        linked = true;
    }

    /** Another descriptor of it; below 0 is -errno. */
    public synchronized int open() {
        return descriptor >= 0
                ? NativeIo.openAt(Device.AT_FDCWD, Device.path("/proc/self/fd/" + descriptor), Device.O_RDONLY, 0)
                : device.open(digest, generation);
    }

    /** Lets go of the descriptor: the index knows the file, or recovery finds out at the next start. */
    public synchronized void leave() {
        close();
    }

    /** Lets go of the file; takes its name away unless {@code inUse} says that its digest and generation are known after all. */
    public synchronized void discard(BiPredicate<byte[], Long> inUse) {
        if (linked && !inUse.test(digest, generation)) {
            device.unlink(digest, generation);
        }
        close();
    }

    private void close() {
        if (descriptor >= 0) {
            NativeIo.close(descriptor);
            descriptor = -1;
        }
    }
}
