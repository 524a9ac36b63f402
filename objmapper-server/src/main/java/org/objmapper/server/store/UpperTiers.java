package org.objmapper.server.store;

import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.SavedOrder;
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

    private static final TierFigures CACHE_FIGURES = new TierFigures(
            Metric.CACHE_OBJECTS,
            Metric.CACHE_BYTES,
            Metric.CACHE_CAPACITY_OBJECTS,
            Metric.CACHE_CAPACITY_BYTES,
            Metric.CACHE_OLDEST_SECONDS,
            Metric.CACHE_HITS,
            Metric.CACHE_MISSES,
            Metric.CACHE_PROMOTIONS,
            Metric.CACHE_PROMOTION_FAILURES,
            Metric.CACHE_EVICTIONS_CAPACITY,
            Metric.CACHE_EVICTIONS_NO_SPACE,
            Metric.CACHE_EVICTIONS_NO_SPACE); // a copy in a file needs no descriptor

    private final Devices devices;
    private final @Nullable Memory memory;
    private final @Nullable Cache cache;

    /** The memory tier. */
    private record Memory(SealedBodies copies, UpperTier tier) {}

    /**
     * The objects, as the tiers need them.
     *
     * @param copying where bodies are opened and copied; null for the queue of their device
     */
    private record Bodies(
            Index index,
            Devices devices,
            HotTable hot,
            @Nullable DeviceQueue copying) implements UpperTier.Bodies {
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
            if (device == null || device.isOffline()) {
                return false;
            }
            return (copying == null ? device.queue() : copying).submit(() -> open(device, record, work));
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

    /**
     * The tiers that some options name.
     *
     * @param directory of the cache; null where there is none
     * @param watcher is told when it is offline
     */
    UpperTiers(
            TierOptions options,
            @Nullable Device directory,
            Devices.Watcher watcher,
            Index index,
            Devices devices,
            HotTable hot,
            Ledger ledger,
            DescriptorReserve reserve,
            long descriptorLimit,
            Metrics metrics,
            LongSupplier clock) {
        this.devices = devices;
        Capacity ofMemory = options.memory();
        if (ofMemory == null) {
            memory = null;
        } else {
            SealedBodies copies = new SealedBodies(ledger, reserve::holds);
            metrics.show(Metric.MEMORY_HELD_BYTES, ledger::heldBytesOfMemory);
            Capacity capacity = ofMemory.withObjects(
                    Math.min(ofMemory.objects(), Math.max(1, descriptorLimit / PART_OF_DESCRIPTORS)));
            Bodies bodies = new Bodies(index, devices, hot, null);
            memory = new Memory(
                    copies, new UpperTier("memory", capacity, copies, bodies, metrics, MEMORY_FIGURES, clock, null));
        }
        TierOptions.CacheOptions ofCache = options.cache();
        if (directory == null || ofCache == null) {
            cache = null;
        } else {
            metrics.show(Metric.CACHE_HELD_BYTES, () -> ledger.heldBytes(directory));
            cache = new Cache(
                    directory,
                    ledger,
                    watcher,
                    (copies, copying) -> new UpperTier(
                            "cache",
                            ofCache.capacity(),
                            copies,
                            new Bodies(index, devices, hot, copying),
                            metrics,
                            CACHE_FIGURES,
                            clock,
                            new SavedOrder(index, IndexRecord.CACHE)));
            showFigures(metrics, directory);
        }
    }

    private static void showFigures(Metrics metrics, Device directory) {
        metrics.show(Metric.CACHE_QUEUE, directory::queueLength);
        metrics.show(
                Metric.CACHE_LATENCY,
                () -> TimeUnit.NANOSECONDS.toMicros(directory.health().latencyNanos()));
        metrics.show(Metric.CACHE_STATE, () -> directory.health().state().ordinal());
        metrics.show(Metric.CACHE_ERRORS, () -> directory.health().errors());
    }

    /** Begins; what outlives the server is written by {@code rows}. */
    void start(SavedOrder.Rows rows) {
        if (memory != null) {
            memory.tier.start(rows);
        }
        if (cache != null) {
            cache.start(rows);
        }
    }

    /** Somebody asked for an object and got it. */
    void found(StoredObject object) {
        OpenBody.Tier place = object.tier();
        if (place == OpenBody.Tier.INDEX) {
            return;
        }
        long body = object.bodyGeneration();
        if (memory != null) {
            if (place == OpenBody.Tier.MEMORY) {
                memory.tier.hit(body);
                return; // nobody below has to know
            }
            memory.tier.missed(body);
        }
        if (cache != null) {
            if (place == OpenBody.Tier.CACHE) {
                cache.tier().hit(body);
            } else {
                cache.tier().missed(body);
            }
        }
    }

    /** A body is gone. */
    void left(long bodyGeneration, byte[] digest) {
        if (memory != null) {
            memory.tier.left(bodyGeneration, digest);
        }
        if (cache != null) {
            cache.tier().left(bodyGeneration, digest);
        }
    }

    /** Whether memory has the body of an object. */
    boolean hasInMemory(long bodyGeneration) {
        return memory != null && memory.copies.has(bodyGeneration);
    }

    boolean hasCache() {
        return cache != null;
    }

    /** The cache directory, if it may have the body of an object: then its queue is the one to {@link #open} it on. */
    @Nullable
    Device cacheOf(IndexRecord record) {
        return cache == null ? null : cache.mayHave(record);
    }

    boolean isCache(Device device) {
        return cache != null && cache.isIn(device);
    }

    /** Opens the body of an object where it can be had without its device; null where it can't. */
    @Nullable
    OpenBody open(IndexRecord record) {
        OpenBody inMemory = memory == null ? null : openInMemory(memory, record);
        return inMemory != null || cache == null ? inMemory : cache.open(record);
    }

    private @Nullable OpenBody openInMemory(Memory in, IndexRecord record) {
        int descriptor = in.copies.open(record.bodyGeneration());
        if (descriptor < 0) {
            return null;
        }
        return new OpenBody(
                OpenBody.Tier.MEMORY,
                record.bodyGeneration(),
                descriptor,
                -1,
                null,
                devices.first().queue(),
                null,
                in.copies.closer(),
                OpenBody.NOTHING);
    }

    /** Decides no more; what is to be written for the next start is. The queues of the devices are closed already. */
    void stop() {
        if (memory != null) {
            memory.tier.stop();
        }
        if (cache != null) {
            cache.stop();
        }
    }

    /** Lets go of the copies that do not outlive the server, and of the cache's directory. After {@link #stop}, and of all that was found. */
    @Override
    public void close() {
        if (memory != null) {
            memory.tier.close();
        }
        if (cache != null) {
            cache.close();
        }
    }
}
