package org.objmapper.server.store.device;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.device.DeviceHealth.State;
import org.objmapper.server.thread.Patience;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * The devices of a store. A thread of their own looks at each once a second: how much room it has, whether it hangs or fails, whether one
 * that was gone is there again. Owns them. Safe on any thread.
 */
public final class Devices implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Devices.class));
    private static final long PAUSE_MILLIS = 1_000;

    /** Is told each second of a device of which nothing can be asked: what came to it meanwhile has to be answered too. Returns at once. */
    public interface Watcher {
        void isOffline(Device device, boolean sinceNow);

        /** Can be asked again, after it was offline. */
        default void isBack(Device device) {}
    }

    /** Never changes; another takes its place. */
    private volatile List<Device> all;

    private final Watcher watcher;
    private final Map<Device, DeviceQueue> probes = new ConcurrentHashMap<>();
    private final Map<Device, State> seen = new ConcurrentHashMap<>();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "store-devices");
    private volatile Placement placement;
    /** When it has been waited long enough for all that hangs, on whichever device; 0 before {@link #closeQueues}. */
    private long endNanos;

    /**
     * Takes devices over.
     *
     * @param all the first is the one that has the index
     * @param watcher is told of those that are offline; must return at once
     */
    public Devices(List<Device> all, Watcher watcher) {
        this.all = List.copyOf(all);
        this.watcher = watcher;
        this.placement = placement();
        all.forEach(this::watch);
        thread.setDaemon(true);
    }

    private void watch(Device device) {
        probes.put(device, new DeviceQueue("store-probe", 1, 1));
        seen.put(device, device.health().state());
    }

    /** Takes one more over, which is open. */
    public synchronized void add(Device device) {
        watch(device);
        List<Device> more = new ArrayList<>(all);
        more.add(device);
        all = List.copyOf(more);
        placement = placement();
    }

    /** Lets go of one that nothing leads to any more: its directory is free for others. */
    public synchronized void remove(Device device) {
        all = all.stream().filter(other -> other != device).toList();
        placement = placement();
        DeviceQueue probe = probes.remove(device);
        if (probe != null) {
            probe.close();
        }
        seen.remove(device);
        device.leave();
    }

    /** What {@link Device#isDraining} says has changed: new bodies go elsewhere from now on. */
    public void placeAnew() {
        placement = placement();
    }

    /** Begins to look after them. */
    public void start() {
        thread.start();
    }

    public List<Device> all() {
        return all;
    }

    /** Room of their file systems, each counted once. */
    public long freeBytes() {
        Map<Long, Long> byFileSystem = new HashMap<>();
        all.forEach(device -> byFileSystem.merge(device.fileSystem(), device.freeBytes(), Math::max));
        return byFileSystem.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The one that has the index too. */
    public Device first() {
        return all.get(0);
    }

    /** The device of a number in the index; null where there is none. */
    public @Nullable Device byNumber(int number) {
        for (Device device : all) {
            if (device.number() == number) {
                return device;
            }
        }
        return null;
    }

    /** The device for the body of a key. It may be offline, and refuse it, where all are. */
    public Device place(byte[] key) {
        Device placed = byNumber(placement.place(key));
        return placed == null ? first() : placed;
    }

    /** A device that takes new bodies and has room for one of a key, preferably where it would be placed; null for none. */
    public @Nullable Device placeWithRoom(byte[] key, long bytes) {
        Device placed = byNumber(placement.place(key));
        if (placed != null && placed.hasRoomFor(bytes)) {
            return placed;
        }
        return all.stream()
                .filter(device -> device.health().state() == State.SERVING && !device.isDraining())
                .filter(device -> device.hasRoomFor(bytes))
                .max(Comparator.comparingLong(Device::freeBytes))
                .orElse(null);
    }

    /** On those that serve; where none does, on those that are suspect. */
    private Placement placement() {
        Placement serving = placement(State.SERVING);
        return serving.isEmpty() ? placement(State.SUSPECT) : serving;
    }

    private Placement placement(State state) {
        return new Placement(all.stream()
                .filter(device -> device.health().state() == state && !device.isDraining())
                .map(Device::candidate)
                .toList());
    }

    private void run() {
        while (!isClosing()) {
            for (Device device : all) {
                look(device);
            }
            placement = placement();
        }
    }

    private boolean isClosing() {
        try {
            return closing.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private void look(Device device) {
        DeviceQueue probe = probes.get(device);
        if (probe != null && probe.length() == 0) {
            probe.submit(() -> probe(device)); // one that hangs is judged by how long
        }
        State now = device.health().check(System.nanoTime());
        State before = seen.replace(device, now);
        if (before == null) {
            return; // it was removed
        }
        if (now != before) {
            FAILURES.warn(
                    "device={} in {} is {} now; errors={} latencyMicros={}",
                    device.id(),
                    device.root(),
                    now,
                    device.health().errors(),
                    TimeUnit.NANOSECONDS.toMicros(device.health().latencyNanos()));
        }
        device.goOn();
        if (now == State.OFFLINE) {
            watcher.isOffline(device, now != before);
        } else if (before == State.OFFLINE) {
            watcher.isBack(device);
        }
    }

    private static void probe(Device device) {
        try {
            if (device.returned()) {
                device.measure();
            }
        } catch (IOException e) {
            FAILURES.warn("device={} is not back: {}", device.id(), e.getMessage());
        }
    }

    /** Waits until all files are gone that were to be closed or unlinked so far, but for those of devices that are offline. */
    public void awaitFreed() throws InterruptedException {
        for (Device device : all) {
            if (!device.isOffline()) {
                device.closer().awaitAllSoFar();
            }
        }
    }

    /** How many descriptors wait to be closed; those that hang are not among them. Allocates nothing. */
    public int closingDescriptors() {
        int closing = 0;
        List<Device> now = all;
        for (int i = 0; i < now.size(); i++) {
            closing += now.get(i).isOffline() ? 0 : now.get(i).closer().descriptors();
        }
        return closing;
    }

    /** Finishes what is queued for them. */
    public void closeQueues() {
        endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Patience.MILLIS);
        all.forEach(device -> device.queue().close(leftMillis()));
        all.forEach(device -> device.opens().close(leftMillis()));
    }

    /** What hangs in one place has had its time everywhere, or systemd loses patience first. */
    private long leftMillis() {
        long left = endNanos == 0 ? Patience.MILLIS : TimeUnit.NANOSECONDS.toMillis(endNanos - System.nanoTime());
        return Math.max(Patience.HURRIED_MILLIS, left);
    }

    /** Looks after them no more. */
    public void stop() {
        closing.countDown();
        Uninterruptibly.join(thread);
        probes.values().forEach(probe -> probe.close(leftMillis()));
    }

    /** Lets go of them. */
    @Override
    public void close() {
        all.forEach(device -> device.close(leftMillis()));
    }
}
