package org.objmapper.server.store.device;

import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;

/**
 * The file of a body that no index commit knows of yet: first without a name, then with one. A {@link FilePublisher} brings it to disk.
 * Safe on any thread; no lock is held while a call of the file system is under way.
 */
public final class NewFile {
    private final Device device;
    private final byte[] digest;
    private final long generation;

    // Guarded by this.
    private int descriptor;
    private int users;
    private boolean synced;
    private boolean begun;
    private boolean linked;
    private boolean settled;
    private boolean left;
    private boolean discarded;
    private @Nullable DeviceException lost;

    /** Takes over a descriptor that is open for reading. */
    public NewFile(Device device, int descriptor, boolean synced, byte[] digest, long generation) {
        this.device = device;
        this.descriptor = descriptor;
        this.synced = synced;
        this.digest = digest;
        this.generation = generation;
    }

    public Device device() {
        return device;
    }

    public long generation() {
        return generation;
    }

    public synchronized boolean isSynced() {
        return synced;
    }

    /** Whether it is known how bringing it to disk went: then it has its name on disk, or {@link #loss} says why not. */
    public synchronized boolean isSettled() {
        return settled;
    }

    /** Why it is lost; null while it isn't. */
    public synchronized @Nullable DeviceException loss() {
        return lost;
    }

    /** True for the first who asks, who has it brought to disk. */
    synchronized boolean begin() {
        boolean first = !begun;
        begun = true;
        return first;
    }

    /** Brings its bytes to disk, unless they are there or lost. On one thread at a time. */
    void sync() {
        int open;
        synchronized (this) {
            if (synced || lost != null || discarded) {
                return;
            }
            open = use();
        }
        int result = device.sync(open);
        synchronized (this) {
            synced = result >= 0;
            if (!synced && lost == null) {
                // Never synced again: the kernel would say that all is well.
                lost = DeviceException.ofErrno(result, "bring a body to disk").on(device);
            }
        }
        unuse();
    }

    /** Gives it its name, which is on disk after {@link Device#syncDirectories}, unless it is lost or not wanted any more. */
    void link() {
        int open;
        synchronized (this) {
            if (linked || lost != null || discarded) {
                return;
            }
            if (!synced) {
                lost = new DeviceException(Status.IO_ERROR, "the body of generation " + generation + " is not on disk");
                return;
            }
            open = use();
        }
        try {
            device.link(open, digest, generation);
            linked();
        } catch (DeviceException e) {
            lose(e.on(device));
        } finally {
            unuse();
        }
    }

    private void linked() {
        boolean unwanted;
        synchronized (this) {
            linked = true;
            unwanted = discarded || lost != null;
        }
        if (unwanted) {
            device.unlink(digest, generation);
        }
    }

    /** It will not be brought to disk. */
    synchronized void lose(DeviceException why) {
        if (lost == null && !settled) {
            lost = why;
        }
    }

    /** How it went is known from here on; false where it was known already. */
    synchronized boolean settle() {
        boolean first = !settled;
        settled = true;
        return first;
    }

    /** Another descriptor of it; below 0 is -errno. May block. */
    public int open() {
        int open;
        synchronized (this) {
            open = descriptor < 0 || left ? -1 : use();
        }
        if (open < 0) {
            return device.open(digest, generation);
        }
        try {
            return NativeIo.openAt(Device.AT_FDCWD, Device.path("/proc/self/fd/" + open), Device.O_RDONLY, 0);
        } finally {
            unuse();
        }
    }

    /** Lets go of the descriptor: the index knows the file, or recovery finds out at the next start. */
    public void leave() {
        synchronized (this) {
            left = true;
        }
        device.closer().later(this::closeIfUnused);
    }

    /** Lets go of the file unless it was left; takes its name away, also where it gets it only now: nothing leads to it. */
    public void discard() {
        boolean named;
        synchronized (this) {
            if (left) {
                return;
            }
            named = linked;
            discarded = true;
            left = true;
        }
        device.closer().later(() -> {
            if (named) {
                device.unlink(digest, generation);
            }
            closeIfUnused();
        });
    }

    public byte[] digest() {
        return digest;
    }

    /** Under the lock: the descriptor stays open until {@link #unuse}. */
    private int use() {
        users++;
        return descriptor;
    }

    private void unuse() {
        synchronized (this) {
            users--;
        }
        closeIfUnused();
    }

    private void closeIfUnused() {
        int open;
        synchronized (this) {
            if (!left || users > 0 || descriptor < 0) {
                return;
            }
            open = descriptor;
            descriptor = -1;
        }
        NativeIo.close(open);
    }
}
