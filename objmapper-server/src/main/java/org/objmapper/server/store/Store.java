package org.objmapper.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.ObjectKey;

/**
 * The object store in one directory. Safe on any thread. {@link #hot}, {@link #hash} and everything that takes a callback return at
 * once and may be called on event loops; callbacks run on the store's threads. A change is visible as soon as its callback says OK, and
 * a durable one is then on disk; others are within a second.
 */
public final class Store implements AutoCloseable {
    /** Bodies up to here stand in the index. */
    static final int INLINE_BODY_BYTES = 4_096;

    private static final int CHUNKS = 256;
    private static final int INDEX_THREADS = 2;
    private static final int INDEX_QUEUE_LENGTH = 1_024;
    /** The most that the index may grow to: address space, not memory. */
    private static final long INDEX_MAP_BYTES = 1L << 40;

    static final int SHED_AT_ONCE = 64;

    private final StoreOptions options;
    private final Device files;
    private final Index index;
    private final HotTable hot;
    private final DescriptorReserve reserve;
    private final Closer closer;
    private final Committer committer;
    private final DeviceQueue device;
    private final DeviceQueue lookups;
    private final PassedQueue passed;
    private final ChunkPool chunks = new ChunkPool(CHUNKS);
    private final Metrics metrics = new Metrics();
    private final Changes changes;
    private final Purger purger;
    private final Housekeeping housekeeping;
    private final Finder finder;
    private final Lister lister;

    /** Takes what a look-up found. */
    public interface Lookup {
        /** With the object, pinned for whoever takes it, or null; or with a failure. */
        void found(@Nullable StoredObject found, @Nullable StoreException failure);
    }

    /** Takes a page of a listing. */
    public interface Listing {
        /** With a page, or a failure; whoever takes it closes it. */
        void listed(ListedPage page);
    }

    private Store(StoreOptions options, LongSupplier clock, Device files, Index index) {
        this.options = options;
        this.files = files;
        this.index = index;
        long firstGeneration = index.generationBound();
        hot = new HotTable(options.hotObjects());
        closer = new Closer(files);
        long descriptorLimit = NativeIo.raiseDescriptorLimit();
        reserve = DescriptorReserve.of(descriptorLimit);
        committer = new Committer(index, files, hot, closer, metrics, descriptorLimit);
        device = new DeviceQueue("store-device", options.deviceThreads(), options.deviceQueueLength());
        lookups = new DeviceQueue("store-index", INDEX_THREADS, INDEX_QUEUE_LENGTH);
        passed = new PassedQueue(options.passedQueueLength(), options.passedQueueLengthPerUser());
        changes = new Changes(index, files, committer, clock);
        purger = new Purger(index, committer, changes);
        housekeeping = new Housekeeping(changes, committer, index, files, firstGeneration, metrics);
        finder = new Finder(index, files, hot, reserve, committer, closer, housekeeping);
        lister = new Lister(index, committer, clock);
        showMetrics();
    }

    /** Opens the store of a directory; an empty directory becomes one. Says what is wrong if it can't. */
    public static Store open(StoreOptions options) throws IOException {
        return open(options, System::currentTimeMillis);
    }

    /** As {@link #open(StoreOptions)}, with a clock of the caller's. */
    static Store open(StoreOptions options, LongSupplier clock) throws IOException {
        Device files = openDevice(options);
        Index index = null;
        try {
            throw unopened(options.directory(), e);
