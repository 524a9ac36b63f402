package org.objmapper.server.store.hold;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * What removed objects still occupy, because a client holds their file or is being sent it. Each such file is watched by a descriptor of
 * the ledger's own, up to a bound, and asked about again and again until nobody holds it. Safe on any thread.
 */
public final class Ledger implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Ledger.class));
    private static final long PAUSE_MILLIS = 500;

    private final Map<Device, LeaseProbe> probes = new ConcurrentHashMap<>();
    private final LeaseProbe memoryProbe = LeaseProbe.ofMemory();
    private final Holders holders = new Holders();
    private final int maxWatched;
    private final Thread thread = new Thread(this::run, "store-ledger");

    // Guarded by this.
    private List<HeldFile> watched = new ArrayList<>();
    private long heldBytes;
    private long unwatched;
    private boolean closing;

    /** A removed file that is held. */
    private record HeldFile(
            LeaseProbe probe, @Nullable Device device, Closer closer, int descriptor, long generation, long bytes) {}

    /** A ledger of the files of some devices, and of those that come later, that watches up to so many. */
    public Ledger(List<Device> devices, int maxWatched) {
        devices.stream().filter(device -> !device.isOffline()).forEach(this::probe);
        this.maxWatched = maxWatched;
        thread.setDaemon(true);
        thread.start();
    }

    /** Takes the name of an object's file away, and watches the file for as long as it is held. May block. */
    public void unlink(Device device, byte[] digest, long generation) {
        if (device.isOffline()) {
            return; // recovery does it at the next start
        }
        LeaseProbe probe = probe(device);
        int descriptor = probe.isProved() ? device.open(digest, generation) : -1;
        device.unlink(digest, generation);
        if (descriptor >= 0) {
            watchIfHeld(probe, device, device.closer(), descriptor, generation);
        }
    }

    /** What can be asked on a device, whose directory has to be there. */
    private LeaseProbe probe(Device device) {
        return probes.computeIfAbsent(device, LeaseProbe::of);
    }

    /**
     * Takes over the last descriptor that the store has of a copy in sealed memory, and watches the memory for as long as it is held. The
     * descriptor is open for reading only and was never passed on.
     */
    public void watchMemory(Closer closer, int descriptor, long generation) {
        watchIfHeld(memoryProbe, null, closer, descriptor, generation);
    }

    private void watchIfHeld(
            LeaseProbe probe, @Nullable Device device, Closer closer, int descriptor, long generation) {
        long[] facts = new long[3];
        if (probe.isProved() && probe.isHeld(descriptor) && NativeIo.describe(descriptor, facts) == 0) {
            watch(new HeldFile(probe, device, closer, descriptor, generation, facts[1]));
        } else {
            NativeIo.close(descriptor);
        }
    }

    private void watch(HeldFile file) {
        synchronized (this) {
            if (watched.size() < maxWatched && !closing) {
                if (watched.isEmpty()) {
                    notifyAll();
                }
                watched.add(file);
                heldBytes += file.bytes;
                return;
            }
            unwatched++;
        }
        NativeIo.close(file.descriptor);
        FAILURES.warn(
                "A removed object of bytes={} is held, and is not counted as such: files={} are watched already",
                file.bytes,
                maxWatched);
    }

    private void run() {
        for (List<HeldFile> files = next(); !files.isEmpty(); files = next()) {
            Set<HeldFile> free = new HashSet<>();
            for (HeldFile file : files) {
                if (!file.probe.isHeld(file.descriptor)) {
                    free.add(file);
                }
            }
            forget(free);
        }
    }

    /** The files to ask about: waits until there are any, and then a while. None when the ledger closes. */
    private synchronized List<HeldFile> next() {
        try {
            while (watched.isEmpty() && !closing) {
                wait();
            }
            if (!closing) {
                wait(PAUSE_MILLIS);
            }
        } catch (InterruptedException e) {
            closing = true; // nobody interrupts it
        }
        return closing ? List.of() : List.copyOf(watched);
    }

    private void forget(Set<HeldFile> free) {
        synchronized (this) {
            watched.removeIf(free::contains);
            free.forEach(file -> heldBytes -= file.bytes);
        }
        free.forEach(file -> file.closer.close(file.descriptor));
        holders.charge(bodies());
    }

    private synchronized List<HeldBody> bodies() {
        return watched.stream()
                .map(file -> new HeldBody(file.generation, file.bytes))
                .toList();
    }

    /** The sessions to which bodies were handed. */
    public Holders holders() {
        return holders;
    }

    /** Whether the figures say anything: not where the kernel can't tell on one of the file systems. */
    public boolean isKnown() {
        return probes.values().stream().allMatch(LeaseProbe::isProved);
    }

    /** Removed files that are held. */
    public synchronized long heldFiles() {
        return watched.size();
    }

    /** Their bytes. */
    public synchronized long heldBytes() {
        return heldBytes;
    }

    /** Those of a device, or of a cache directory. */
    public long heldBytes(Device device) {
        return heldBytesOf(device);
    }

    /** Those of copies in memory. */
    public long heldBytesOfMemory() {
        return heldBytesOf(null);
    }

    private synchronized long heldBytesOf(@Nullable Device device) {
        return watched.stream()
                .filter(file -> file.device == device)
                .mapToLong(HeldFile::bytes)
                .sum();
    }

    /** How many files were held when they were removed, and were not watched because too many were already. */
    public synchronized long unwatched() {
        return unwatched;
    }

    /** Watches no more. */
    @Override
    public void close() {
        synchronized (this) {
            closing = true;
            notifyAll();
        }
        Uninterruptibly.join(thread);
        List<HeldFile> left;
        synchronized (this) {
            left = watched;
            watched = new ArrayList<>();
            heldBytes = 0;
        }
        left.forEach(file -> NativeIo.close(file.descriptor));
    }
}
