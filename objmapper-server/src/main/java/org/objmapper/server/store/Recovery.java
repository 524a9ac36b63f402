package org.objmapper.server.store;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.check.CheckOptions;
import org.objmapper.server.store.check.Reconciliation;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.LoggedKeys;
import org.objmapper.server.store.index.ObjectKey;
import org.slf4j.LoggerFactory;

/** Compares all devices with the index while the store serves, each on a thread of its own: one that hangs keeps none of the others waiting. */
final class Recovery implements AutoCloseable {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Recovery.class));

    private final Function<Device, Reconciliation> reconciliations;
    private final List<Reconciliation> all = new CopyOnWriteArrayList<>();

    /** Generations from {@code firstGeneration} on belong to this run of the server. */
    Recovery(
            Devices devices,
            Index index,
            Changes changes,
            CheckOptions options,
            long firstGeneration,
            Metrics metrics) {
        reconciliations =
                device -> new Reconciliation(device, index, changes::removeIfSame, options, firstGeneration, metrics);
        devices.all().forEach(device -> all.add(reconciliations.apply(device)));
        metrics.show(Metric.STORE_RECOVERING_DEVICES, () -> sum(one -> one.isRunning() ? 1 : 0));
        metrics.show(Metric.STORE_RECOVERY_WALKED, () -> sum(Reconciliation::walked));
        metrics.show(Metric.STORE_RECOVERY_ENTRIES, () -> sum(Reconciliation::total));
    }

    private long sum(ToLongFunction<Reconciliation> figure) {
        return all.stream().mapToLong(figure).sum();
    }

    void start() {
        all.forEach(Reconciliation::start);
    }

    /** One more device, which has no objects yet. */
    void add(Device device) {
        Reconciliation one = reconciliations.apply(device);
        all.add(one);
        one.start();
    }

    /** A device that nothing is on, and that is offline for ever. */
    void remove(Device device) {
        for (Reconciliation one : all) {
            if (one.device() == device) {
                all.remove(one);
                one.close();
            }
        }
    }

    /** An object on a device whose file was not there: takes it out of the index, unless it was replaced meanwhile. */
    void vanished(Device device, ObjectKey key, IndexRecord record) throws StoreException {
        try {
            for (Reconciliation one : all) {
                if (one.device() == device && one.lose(key, record)) {
                    FAILURES.error(
                            "The file of {} is gone or has another length; the object is taken out: objects/{}",
                            LoggedKeys.of(key),
                            Device.name(key.digest(), record.bodyGeneration()));
                }
            }
        } catch (IOException e) {
            throw StoreException.of(e);
        }
    }

    /** Returns when all devices that are there have been looked through, or were given up. */
    void awaitEnd() throws InterruptedException {
        for (Reconciliation one : all) {
            one.awaitRecovery();
        }
    }

    @Override
    public void close() {
        all.forEach(Reconciliation::close);
    }
}
