package org.objmapper.server.store.tier;

import java.io.IOException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntPredicate;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.FileWindow;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.IndexRecord;

/**
 * Copies of bodies in sealed pieces of memory, each with one descriptor, which is open for reading only and is never passed on. Owns the
 * descriptors. Safe on any thread.
 */
public final class SealedBodies implements Copies {
    private static final long PAGE_BYTES = 4_096;

    private final Ledger ledger;
    private final Closer closer = new Closer();
    private final IntPredicate isOfReserve;
    private final ConcurrentHashMap<Long, Sealed> bodies = new ConcurrentHashMap<>();

    /** A sealed piece of memory; its descriptor is not closed while another is made of it. */
    private static final class Sealed {
        private final int descriptor;
        private boolean gone;

        Sealed(int descriptor) {
            this.descriptor = descriptor;
        }

        synchronized int open() {
            return gone ? -Errno.ENOENT : NativeIo.reopen(descriptor, -1, 0);
        }

        synchronized void leave() {
            gone = true;
        }
    }

    /**
     * No copies yet.
     *
     * @param ledger watches what clients hold of copies that left
     * @param isOfReserve whether a descriptor is one of the last that the process may open
     */
    public SealedBodies(Ledger ledger, IntPredicate isOfReserve) {
        this.ledger = ledger;
        this.isOfReserve = isOfReserve;
    }

    /** Memory comes in whole pages. */
    @Override
    public long occupied(long length) {
        return (length + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    }

    @Override
    public void find(Found found) {
        // memory goes with the server
    }

    @Override
    public void add(IndexRecord record, int file) throws IOException {
        if (file < 0) {
            throw DeviceException.ofErrno(file, "open a body to copy it");
        }
        int sealed = sealed(record, file);
        Sealed before = bodies.put(record.bodyGeneration(), new Sealed(sealed));
        if (before != null) {
            letGo(before, record.bodyGeneration());
        }
    }

    private int sealed(IndexRecord record, int file) throws IOException {
        int memory = check(NativeIo.newMemory());
        try {
            fill(record, file, memory);
            int sealed = check(NativeIo.seal(memory));
            if (isOfReserve.test(sealed)) {
                NativeIo.close(sealed);
                throw new ShortageException(true, "only the last descriptors are left");
            }
            return sealed;
        } finally {
            NativeIo.close(memory);
        }
    }

    private static int check(int result) throws IOException {
        if (result == -Errno.EMFILE || result == -Errno.ENFILE) {
            throw new ShortageException(true, Errno.nameOf(-result));
        }
        if (result < 0) {
            throw DeviceException.ofErrno(result, "take memory for a body");
        }
        return result;
    }

    private static void fill(IndexRecord record, int file, int memory) throws IOException {
        try {
            Copies.compare(record, FileWindow.copy(file, record.length(), memory));
        } catch (DeviceException e) {
            throw e.status() == Status.NO_SPACE ? new ShortageException(false, String.valueOf(e.getMessage())) : e;
        }
    }

    @Override
    public boolean has(long bodyGeneration) {
        return bodies.containsKey(bodyGeneration);
    }

    /** A descriptor of a body's copy, the caller's, to be closed by {@link #closer}; below 0 where there is none. Waits for no disk. */
    public int open(long bodyGeneration) {
        Sealed there = bodies.get(bodyGeneration);
        return there == null ? -Errno.ENOENT : there.open();
    }

    /** Closes descriptors of copies: to free the memory of a large one takes a while. */
    public Closer closer() {
        return closer;
    }

    @Override
    public boolean remove(long bodyGeneration, byte[] digest) {
        Sealed there = bodies.remove(bodyGeneration);
        if (there != null) {
            letGo(there, bodyGeneration);
        }
        return there != null;
    }

    private void letGo(Sealed body, long bodyGeneration) {
        body.leave();
        closer.later(() -> ledger.watchMemory(closer, body.descriptor, bodyGeneration));
    }

    @Override
    public void close() {
        bodies.values().forEach(body -> {
            body.leave();
            NativeIo.close(body.descriptor);
        });
        bodies.clear();
        closer.close();
    }
}
