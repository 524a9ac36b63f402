package org.objmapper.server.store;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.Totals;

/** What the figures say of each device. */
final class DeviceFigures {
    private final Devices devices;
    private final Index index;
    private final OldestBodies oldest;
    private final Evictor evictor;
    private final Ledger ledger;
    private final Metrics metrics;

    DeviceFigures(Devices devices, Index index, OldestBodies oldest, Evictor evictor, Ledger ledger, Metrics metrics) {
        this.devices = devices;
        this.index = index;
        this.oldest = oldest;
        this.evictor = evictor;
        this.ledger = ledger;
        this.metrics = metrics;
    }

    void show() {
        showByDevice(Metric.DEVICE_OBJECTS, device -> totals(device).objects());
        showByDevice(Metric.DEVICE_BYTES, device -> totals(device).bytes());
        showByDevice(Metric.DEVICE_FREE_BYTES, Device::freeBytes);
        showByDevice(Metric.DEVICE_QUEUE, Device::queueLength);
        showByDevice(
                Metric.DEVICE_LATENCY,
                device -> TimeUnit.NANOSECONDS.toMicros(device.health().latencyNanos()));
        showByDevice(Metric.DEVICE_STATE, device -> device.health().state().ordinal());
        showByDevice(Metric.DEVICE_DRAINING, device -> device.isDraining() ? 1 : 0);
        showByDevice(Metric.DEVICE_ERRORS, device -> device.health().errors());
        showByDevice(Metric.DEVICE_HITS, Device::hits);
        showByDevice(Metric.DEVICE_MISSES, Device::misses);
        showByDevice(Metric.DEVICE_EVICTIONS_CAPACITY, device -> evictor.evictions(device, Evictor.Reason.CAPACITY));
        showByDevice(Metric.DEVICE_EVICTIONS_NO_SPACE, device -> evictor.evictions(device, Evictor.Reason.NO_SPACE));
        if (ledger.isKnown()) {
            showByDevice(Metric.DEVICE_HELD_BYTES, ledger::heldBytes);
        }
        showByDevice(Metric.DEVICE_OLDEST_SECONDS, oldest::ageSeconds);
    }

    private void showByDevice(Metric metric, ToLongFunction<Device> figure) {
        metrics.showEach(metric, "device", () -> {
            Map<String, Long> figures = new LinkedHashMap<>();
            devices.all().forEach(device -> figures.put(device.id(), figure.applyAsLong(device)));
            return figures;
        });
    }

    private Totals totals(Device device) {
        return index.totals(IndexRecord.BACKING, device.number());
    }
}
