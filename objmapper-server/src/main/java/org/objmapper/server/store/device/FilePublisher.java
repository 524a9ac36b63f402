package org.objmapper.server.store.device;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.objmapper.protocol.Status;
import org.objmapper.server.thread.Patience;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the new files of one device to disk, many at once: their bytes, their names, the directories. Whoever gives it files does not
 * wait, and is told of each one once, also where the device hangs and {@link #giveUp} ends the waiting. Safe on any thread.
 */
public final class FilePublisher implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FilePublisher.class);
    static final int MAX_AT_ONCE = 256;

    private static final long CLOSE_MILLIS = 30_000;

    private final Device device;
    private final Consumer<List<NewFile>> settled;
    private final Thread thread;

    // Guarded by this.
    private final Deque<NewFile> waiting = new ArrayDeque<>();
    private List<NewFile> underway = List.of();
    private boolean closing;

    /** A publisher that tells {@code settled} of the files that were brought to disk or lost; it must return at once. */
    public FilePublisher(Device device, Consumer<List<NewFile>> settled) {
        this.device = device;
        this.settled = settled;
        this.thread = new Thread(this::run, "store-publisher");
        thread.setDaemon(true); // a hung disk must not keep the process from ending
        thread.start();
    }

    /** Has files brought to disk, but for those that were given to it before. */
    public synchronized void publish(List<NewFile> files) {
        for (NewFile file : files) {
            if (file.begin()) {
                waiting.add(file);
            }
        }
        notifyAll();
    }

    private void run() {
        for (List<NewFile> files = next(); !files.isEmpty(); files = next()) {
            try {
                bringToDisk(files);
            } catch (RuntimeException | Error e) {
                LOG.error("a defect in bringing bodies to disk", e);
                lose(files, new DeviceException(Status.INTERNAL, "bringing a body to disk ended in a defect: " + e));
            }
            settle(files);
        }
    }

    /** The next files; none when it closes. */
    private synchronized List<NewFile> next() {
        underway = new ArrayList<>();
        try {
            while (waiting.isEmpty() && !closing) {
                wait();
            }
        } catch (InterruptedException e) {
            closing = true; // nobody interrupts it
        }
        while (underway.size() < MAX_AT_ONCE && !waiting.isEmpty()) {
            underway.add(waiting.remove());
        }
        return List.copyOf(underway);
    }

    private void bringToDisk(List<NewFile> files) {
        syncBytes(files);
        files.forEach(NewFile::link);
        try {
            device.syncDirectories();
        } catch (DeviceException e) {
            device.forgetDirectories();
            lose(files, e.on(device));
        }
    }

    /** All at the same time, so that the file system's journal merges what it writes. */
    private void syncBytes(List<NewFile> files) {
        List<NewFile> unsynced = files.stream().filter(file -> !file.isSynced()).toList();
        Semaphore synced = new Semaphore(0);
        for (NewFile file : unsynced) {
            Runnable sync = () -> {
                try {
                    file.sync();
                } finally {
                    synced.release();
                }
            };
            if (unsynced.size() == 1 || !device.syncs().submit(sync)) {
                sync.run();
            }
        }
        synced.acquireUninterruptibly(unsynced.size());
    }

    private static void lose(List<NewFile> files, DeviceException why) {
        files.forEach(file -> file.lose(why));
    }

    private void settle(List<NewFile> files) {
        List<NewFile> first = files.stream().filter(NewFile::settle).toList();
        if (!first.isEmpty()) {
            settled.accept(first);
        }
    }

    /** All files that are not on disk yet are lost: the device is. What hangs is left to itself. */
    public void giveUp(DeviceException why) {
        List<NewFile> given;
        synchronized (this) {
            given = new ArrayList<>(underway);
            given.addAll(waiting);
            waiting.clear();
        }
        lose(given, why);
        settle(given);
    }

    /** Brings to disk what waits; what hangs is given up. */
    @Override
    public void close() {
        synchronized (this) {
            closing = true;
            notifyAll();
        }
        Patience.awaitEnd(thread, CLOSE_MILLIS);
    }
}
