package org.objmapper.server.store;

import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.tier.Capacity;
import org.objmapper.server.store.tier.SealedBodies;
import org.objmapper.server.store.tier.TierFigures;
import org.objmapper.server.store.tier.UpperTier;

/** The tiers above the devices, as far as the store has any. {@link #found} and {@link #left} wait for nothing. Safe on any thread. */
final class UpperTiers implements AutoCloseable {
    /** Each copy in memory has a descriptor open: so small a part of all may go for that. */
    static final int PART_OF_DESCRIPTORS = 8;

    private static final TierFigures MEMORY_FIGURES = new TierFigures(
            Metric.MEMORY_OBJECTS,
            Metric.MEMORY_BYTES,
            Metric.MEMORY_CAPACITY_OBJECTS,
            Metric.MEMORY_CAPACITY_BYTES,
            Metric.MEMORY_OLDEST_SECONDS,
            Metric.MEMORY_HITS,
            Metric.MEMORY_MISSES,
            Metric.MEMORY_PROMOTIONS,
            Metric.MEMORY_PROMOTION_FAILURES,
            Metric.MEMORY_EVICTIONS_CAPACITY,
            Metric.MEMORY_EVICTIONS_NO_SPACE,
            Metric.MEMORY_EVICTIONS_DESCRIPTORS);

    private final Devices devices;
    private final @Nullable Memory memory;

    /** The memory tier. */
    private record Memory(SealedBodies copies, UpperTier tier) {}

    /** The objects, as the tiers need them. */
    private record Bodies(Index index, Devices devices, HotTable hot) implements UpperTier.Bodies {
        @Override
        public @Nullable IndexRecord of(long bodyGeneration) {
            for (Device device : devices.all()) {
                IndexRecord record = index.ofFile(device.number(), bodyGeneration);
                if (record != null) {
                    return record;
                }
            }
            return null;
        }

        @Override
        public boolean open(IndexRecord record, IntConsumer work) {
            Device device = devices.byNumber(record.device());
            return device != null && !device.isOffline() && device.queue().submit(() -> open(device, record, work));
        }

        private static void open(Device device, IndexRecord record, IntConsumer work) {
            int file = device.open(record.objectKey().digest(), record.bodyGeneration());
            try {
                work.accept(file);
            } finally {
                if (file >= 0) {
                    NativeIo.close(file);
                }
            }
        }

        @Override
        public void moved(IndexRecord record) {
            ObjectKey key = record.objectKey();
            hot.remove(key.hash(), key.bytes());
        }
    }

    /** The tiers that some options name. */
    UpperTiers(
            TierOptions options,
            Index index,
            Devices devices,
            HotTable hot,
            Ledger ledger,
            DescriptorReserve reserve,
            long descriptorLimit,
            Metrics metrics,
            LongSupplier clock) {
        this.devices = devices;
        Capacity capacity = options.memory();
        if (capacity == null) {
            memory = null;
        } else {
            SealedBodies copies = new SealedBodies(ledger, reserve::holds);
            memory = new Memory(
                    copies,
                    new UpperTier(
                            "memory",
                            capacity.withObjects(
                                    Math.min(capacity.objects(), Math.max(1, descriptorLimit / PART_OF_DESCRIPTORS))),
                            copies,
                            new Bodies(index, devices, hot),
                            metrics,
                            MEMORY_FIGURES,
                            clock));
        }
    }

    void start() {
        if (memory != null) {
            memory.tier.start();
        }
    }

    /** Somebody asked for an object and got it. */
    void found(StoredObject object) {
        if (memory == null || object.tier() == OpenBody.Tier.INDEX) {
            return;
        }
        if (object.isInMemory()) {
            memory.tier.hit(object.bodyGeneration());
        } else {
            memory.tier.missed(object.bodyGeneration());
        }
    }

    /** A body is gone. */
    void left(long bodyGeneration) {
        if (memory != null) {
            memory.tier.left(bodyGeneration);
        }
    }

    /** Whether memory has the body of an object. */
    boolean hasInMemory(IndexRecord record) {
        return memory != null && memory.copies.has(record.bodyGeneration());
    }

    /** Opens the body of an object where it can be had without its device; null where it can't. */
    @Nullable
    OpenBody open(IndexRecord record) {
        int descriptor = memory == null ? -1 : memory.copies.open(record.bodyGeneration());
        if (memory == null || descriptor < 0) {
            return null;
        }
        return new OpenBody(
                OpenBody.Tier.MEMORY,
                record.bodyGeneration(),
                descriptor,
                -1,
                null,
                devices.first().queue(),
                memory.copies.closer());
    }

    /** Copies that do not outlive the server are let go of. After the queues of the devices, and all that was found. */
    @Override
    public void close() {
        if (memory != null) {
            memory.tier.close();
        }
    }
}
