package org.objmapper.server.store.device;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.device.DeviceHealth.State;
import org.slf4j.LoggerFactory;

/**
 * The devices of a store. A thread of their own looks at each once a second: how much room it has, whether it hangs or fails, whether one
 * that was gone is there again. Owns them. Safe on any thread.
 */
public final class Devices implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Devices.class));
    private static final long PAUSE_MILLIS = 1_000;

    /** Is told each second of a device of which nothing can be asked: what came to it meanwhile has to be answered too. */
    public interface Watcher {
        void isOffline(Device device, boolean sinceNow);
    }

    private final List<Device> all;
    private final Watcher watcher;
    private final Map<Device, DeviceQueue> probes = new ConcurrentHashMap<>();
    private final Map<Device, State> seen = new ConcurrentHashMap<>();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "store-devices");
    private volatile Placement placement;

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
        for (Device device : all) {
            probes.put(device, new DeviceQueue("store-probe", 1, 1));
            seen.put(device, device.health().state());
        }
        thread.setDaemon(true);
    }

    /** Begins to look after them. */
    public void start() {
        thread.start();
    }

    public List<Device> all() {
        return all;
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
        State before = seen.put(device, now);
        if (now != before) {
            FAILURES.warn(
                    "device={} in {} is {} now; errors={} latencyMicros={}",
                    device.id(),
                    device.root(),
                    now,
                    device.health().errors(),
                    TimeUnit.NANOSECONDS.toMicros(device.health().latencyNanos()));
        }
        if (now == State.OFFLINE) {
            device.queue().runWaiting();
            watcher.isOffline(device, now != before);
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
        for (int i = 0; i < all.size(); i++) {
            closing += all.get(i).isOffline() ? 0 : all.get(i).closer().descriptors();
        }
        return closing;
    }

    /** Finishes what is queued for them. */
    public void closeQueues() {
        all.forEach(device -> device.queue().close());
    }

    /** Looks after them no more. */
    public void stop() {
        closing.countDown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        probes.values().forEach(DeviceQueue::close);
    }

    /** Lets go of them. */
    @Override
    public void close() {
        all.forEach(Device::close);
    }
}
