package org.objmapper.server.store;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexRecord;

/**
 * How old the object is whose body is on a device for the longest, as of the last look: bodies stand in the index in the order in which
 * they came. Safe on any thread; a look may block.
 */
final class OldestBodies {
    private final Index index;
    private final Devices devices;
    private final LongSupplier clock;
    private volatile Map<Integer, Long> createdMillis = Map.of();

    OldestBodies(Index index, Devices devices, LongSupplier clock) {
        this.index = index;
        this.devices = devices;
        this.clock = clock;
    }

    void look() {
        Map<Integer, Long> found = new HashMap<>();
        for (Device device : devices.all()) {
            List<IndexRecord> first = index.onDevice(device.number(), 0, 1);
            first.forEach(record -> found.put(device.number(), record.createdMillis()));
        }
        createdMillis = found;
    }

    /** 0 where the device has none. */
    long ageSeconds(Device device) {
        Long created = createdMillis.get(device.number());
        return created == null ? 0 : ageSeconds(created);
    }

    /** Of all devices; 0 where they have none. */
    long ageSeconds() {
        return createdMillis.values().stream().mapToLong(this::ageSeconds).max().orElse(0);
    }

    private long ageSeconds(long created) {
        return TimeUnit.MILLISECONDS.toSeconds(Math.max(0, clock.getAsLong() - created));
    }
}
