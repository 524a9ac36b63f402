package org.objmapper.server.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.server.store.TierOptions.CacheOptions;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.DeviceOpening;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.SavedOrder;
import org.objmapper.server.store.tier.CachedFiles;
import org.objmapper.server.store.tier.UpperTier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The cache directory: a tier of copies on a faster device, which may fail, hang or go without harm to any object. Safe on any thread. */
final class Cache implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Cache.class);
    private static final int COPY_THREADS = 2;
    private static final int COPY_QUEUE_LENGTH = 64;

    private final Device directory;
    private final Devices looked;
    private final CachedFiles copies;
    private final UpperTier tier;
    /** Apart from those of the devices and of the directory: whichever hangs, the other one's work goes on. */
    private final DeviceQueue copying = new DeviceQueue("store-copy", COPY_THREADS, COPY_QUEUE_LENGTH);

    /** Makes the tier of the copies, with the queue that copies them. */
    interface Tier {
        UpperTier of(CachedFiles copies, DeviceQueue copying);
    }

    /**
     * Opens the directory of a cache for the store of an index; null for none. One that is not there, or hangs, is opened without its
     * directory, which is logged, and used when it is back. Refuses what is another's.
     */
    static @Nullable Device open(@Nullable CacheOptions options, String index) throws IOException {
        if (options == null) {
            return null;
        }
        DeviceOptions device = new DeviceOptions(
                options.directory(), DeviceOptions.USUAL_WEIGHT, options.threads(), options.queueLength());
        try {
            return DeviceOpening.begin(options.directory(), () -> openAndSettle(device, index))
                    .await();
        } catch (DeviceException e) {
            if (!e.isAbsent()) {
                throw e;
            }
            LOG.error("The cache directory is not used until it is back: {}", e.getMessage());
            return Device.absent(device, idFor(index));
        }
    }

    private static Device openAndSettle(DeviceOptions device, String index) throws IOException {
        Device directory = Device.open(device, idFor(index));
        try {
            directory.settle();
        } catch (IOException e) {
            directory.close();
            throw e;
        }
        return directory;
    }

    /** What the id file of a cache has in the index's place: neither takes one of the store's devices for a cache, nor the other way round. */
    private static String idFor(String index) {
        return UUID.nameUUIDFromBytes(("cache of " + index).getBytes(StandardCharsets.US_ASCII))
                .toString();
    }

    /** A cache in a directory, which it owns. */
    Cache(Device directory, Ledger ledger, Devices.Watcher watcher, Tier tier) {
        this.directory = directory;
        this.looked = new Devices(List.of(directory), watcher);
        this.copies = new CachedFiles(directory, ledger);
        this.tier = tier.of(copies, copying);
    }

    void start(SavedOrder.Rows rows) {
        looked.start();
        tier.start(rows);
    }

    boolean isIn(Device device) {
        return device == directory;
    }

    UpperTier tier() {
        return tier;
    }

    /** Where a body is to be looked for, on the queue of that device; null where it has no copy, or can't be asked for it. */
    @Nullable
    Device mayHave(IndexRecord record) {
        return copies.mayHave(record.bodyGeneration()) ? directory : null;
    }

    /** Opens the copy of a body; null where there is none that is whole. May block. */
    @Nullable
    OpenBody open(IndexRecord record) {
        if (!copies.mayHave(record.bodyGeneration())) {
            return null;
        }
        int descriptor = copies.open(record);
        if (descriptor == -Errno.ENOENT || descriptor == -Errno.EIO) {
            leave(record);
        }
        if (descriptor < 0) {
            return null;
        }
        return new OpenBody(
                OpenBody.Tier.CACHE,
                record.bodyGeneration(),
                descriptor,
                directory.descriptor(),
                Device.path(Device.name(new ObjectKey(record.key()).digest(), record.bodyGeneration())),
                directory.queue(),
                directory,
                directory.closer(),
                () -> directory.queue().submit(() -> leave(record)));
    }

    /** The copy is no good. */
    private void leave(IndexRecord record) {
        tier.spoiled(record);
    }

    /** Decides no more; what waits for the directory is done first. */
    void stop() {
        copying.close();
        looked.closeQueues();
        tier.stop();
        looked.stop();
    }

    @Override
    public void close() {
        tier.close();
    }
}
