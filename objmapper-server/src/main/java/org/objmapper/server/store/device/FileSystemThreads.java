package org.objmapper.server.store.device;

import java.util.HashMap;
import java.util.Map;

/**
 * The threads for what may block on one file system: all devices of the process that are on it share them, of whatever store, and those of
 * other file systems have their own. A disk does no more work at once because more stores are on it, and one that hangs takes no other's
 * threads. Safe on any thread.
 */
final class FileSystemThreads {
    /** By the device numbers of their file systems. */
    private static final Map<Long, FileSystemThreads> ALL = new HashMap<>();

    private final long fileSystem;
    private int devices;
    private final SharedThreads bodies = new SharedThreads("store-device");
    private final SharedThreads opens = new SharedThreads("store-open");
    private final SharedThreads syncs = new SharedThreads("store-sync");
    private final SharedThreads closes = new SharedThreads("store-closer");

    private FileSystemThreads(long fileSystem) {
        this.fileSystem = fileSystem;
    }

    /** Those of a file system, for one device more; each calls {@link #leave} once. */
    static FileSystemThreads enter(long fileSystem) {
        synchronized (ALL) {
            FileSystemThreads threads = ALL.computeIfAbsent(fileSystem, FileSystemThreads::new);
            threads.devices++;
            return threads;
        }
    }

    /** A device is there no more. What hangs is left to its threads: whoever comes next gets others. */
    void leave() {
        synchronized (ALL) {
            if (--devices == 0) {
                ALL.remove(fileSystem);
            }
        }
    }

    /** Read and write bodies. */
    SharedThreads bodies() {
        return bodies;
    }

    /** Open bodies. */
    SharedThreads opens() {
        return opens;
    }

    /** Bring bodies to disk. */
    SharedThreads syncs() {
        return syncs;
    }

    /** Close and unlink. */
    SharedThreads closes() {
        return closes;
    }
}
