package org.objmapper.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.ban.Bans;
import org.objmapper.server.store.ban.Extent;
import org.objmapper.server.store.ban.FillTokens;
import org.objmapper.server.store.check.IndexScrub;
import org.objmapper.server.store.check.PageCheck;
import org.objmapper.server.store.check.Scrub;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.IndexRow;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.SavedOrder;
import org.objmapper.server.store.table.Filler;
import org.objmapper.server.store.table.ObjectTable;
import org.objmapper.server.store.tier.EvictionOrder;
import org.objmapper.server.store.validity.SharedTable;
import org.objmapper.server.store.validity.ValidityTable;
import org.slf4j.LoggerFactory;

/**
 * The object store in one directory. Safe on any thread. {@link #hot}, {@link #hash} and everything that takes a callback return at
 * once and may be called on event loops; callbacks run on the store's threads. A change is visible as soon as its callback says OK, and
 * a durable one is then on disk; others are on their way there after 200 ms.
 */
public final class Store implements AutoCloseable {
    /** Bytes of a fill token. */
    public static final int FILL_TOKEN_BYTES = FillTokens.TOKEN_BYTES;

    /** Bodies up to here stand in the index. */
    static final int INLINE_BODY_BYTES = 4_096;

    /** Chunks of bodies on their way to the device, and bodies that may wait for one. */
    static final int CHUNKS = 256;

    /** The least that one of several devices has of them. */
    private static final int MIN_CHUNKS = 32;

    static final int MAX_WAITING_FOR_CHUNKS = 1_024;
    static final int INDEX_THREADS = 2;
    private static final int INDEX_QUEUE_LENGTH = 1_024;
    /** What the table of all objects takes at most, as a part of Java's memory, which direct buffers may take as much of as the heap. */
    static final int TABLE_PART_OF_MEMORY = 2;

    /** The most that the index may grow to: address space, not memory. */
    private static final long INDEX_MAP_BYTES = 1L << 40;

    /** What is evicted at least when the device is full, so that the next PUT finds room. */
    private static final long EVICTED_AT_ONCE_BYTES = 4L << 20;

    /** Removed files that are watched because a client holds them, and the part of all descriptors that they may take. */
    private static final int MAX_WATCHED = 4_096;

    private static final int PART_OF_DESCRIPTORS_FOR_WATCHED = 16;

    /** And behind it the number of the device, u16. */
    private static final byte[] SCRUB_CURSOR = "scrub/".getBytes(StandardCharsets.US_ASCII);
    /** Which validity table clients may have. */
    private static final byte[] VALIDITY = "validity".getBytes(StandardCharsets.US_ASCII);

    private final FailureLog defects = new FailureLog(LoggerFactory.getLogger(Store.class));
    private final StoreOptions options;
    private final LongSupplier clock;
    private final Devices devices;
    private final Index index;
    private final HotTable hot;
    private final ObjectTable table;
    private final SharedTable shared;
    private final ValidityTable validity;
    private final DescriptorReserve reserve;
    private final Ledger ledger;
    private final UpperTiers upper;
    private final BackingTier tier;
    private final Committer committer;
    private final Filler filler;
    private final PageCheck pageCheck;
    private final Evictor evictor;
    private final DeviceQueue changing;
    private final DeviceQueue lookups;
    private final PassedQueue passed;
    private final Map<Device, ChunkPool> chunks = new ConcurrentHashMap<>();
    private final Metrics metrics;
    private final FillTokens fills;
    private final Bans bans = new Bans();
    private final Changes changes;
    private final BanPass banPass;
    private final Purger purger;
    private final OldestBodies oldest;
    private final Housekeeping housekeeping;
    private final Recovery recovery;
    private final List<Scrub> scrubs;
    private final IndexScrub indexScrub;
    private final DeviceCommands deviceCommands;
    private final Finder finder;
    private final Lister lister;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Takes what a look-up found. */
    public interface Lookup {
        /** With the object, pinned for whoever takes it, or null; or with a failure. */
        void found(@Nullable StoredObject found, @Nullable StoreException failure);
    }

    /** Takes a descriptor that was opened. */
    public interface Opening {
        /** With a descriptor, which is the taker's to close; below 0 is -errno. */
        void opened(int descriptor);
    }

    /** Takes a page of a listing. */
    public interface Listing {
        /** With a page, or a failure; whoever takes it closes it. */
        void listed(ListedPage page);
    }

    private Store(
            StoreOptions options,
            LongSupplier clock,
            IntFunction<ByteBuffer> memory,
            List<Device> opened,
            @Nullable Device cache,
            Index index,
            Metrics metrics) {
        this.options = options;
        this.clock = clock;
        devices = new Devices(opened, this::isOffline);
        opened.forEach(device -> addChunks(device, opened.size()));
        this.index = index;
        this.metrics = metrics;
        long firstGeneration = index.generationBound();
        hot = new HotTable(options.hotObjects(), options.hotBytes());
        ObjectMemory objects = new ObjectMemory(options.hotBytes() + options.objectBytes());
        long limitOfProcess = NativeIo.raiseDescriptorLimit();
        long descriptorLimit = limitOfProcess / options.partOfProcess();
        reserve = new DescriptorReserve(limitOfProcess, hot, devices::closingDescriptors);
        ledger = new Ledger(opened, maxWatched(descriptorLimit));
        table = new ObjectTable(Runtime.getRuntime().maxMemory() / TABLE_PART_OF_MEMORY / options.partOfProcess());
        shared = SharedTable.open(options.validityTable(), index.row(IndexRow.Table.STATE, VALIDITY), clock);
        validity = shared.table();
        tier = new BackingTier(options.capacity(), index.totals());
        upper = new UpperTiers(
                options.tiers(),
                cache,
                new CacheWatcher(),
                index,
                devices,
                hot,
                ledger,
                reserve,
                descriptorLimit,
                metrics,
                clock);
        PendingChanges pending = new PendingChanges(index, hot, table, validity);
        committer = new Committer(index, devices, pending, ledger, upper, tier, metrics, descriptorLimit);
        changing = new DeviceQueue("store-changes", options.deviceThreads(), options.deviceQueueLength());
        filler = new Filler(table, index, committer);
        pageCheck = new PageCheck(index, filler::start);
        lookups = new DeviceQueue("store-index", INDEX_THREADS, INDEX_QUEUE_LENGTH);
        passed = new PassedQueue(options.passedQueueLength(), options.passedQueueLengthPerUser());
        fills = new FillTokens(ThreadLocalRandom.current().nextLong(), System::nanoTime);
        changes = new Changes(index, tier, committer, fills, bans, clock);
        EvictionOrder order = new EvictionOrder(options.capacity().policy());
        evictor = new Evictor(
                tier, order, index, new SavedOrder(index, IndexRecord.BACKING), committer, changes, devices, metrics);
        banPass = new BanPass(index, committer, changes, metrics);
        purger = new Purger(index, changes, banPass);
        oldest = new OldestBodies(index, devices, committer, clock);
        housekeeping = new Housekeeping(changes, committer, index, oldest);
        recovery = new Recovery(devices, index, changes, options.checks(), firstGeneration, metrics);
        scrubs = new CopyOnWriteArrayList<>(opened.stream().map(this::scrubOf).toList());
        indexScrub = new IndexScrub(index, options.checks(), metrics);
        deviceCommands = new DeviceCommands(options, devices, index, committer, changes, metrics, new DeviceUser());
        finder = new Finder(
                index,
                devices,
                hot,
                table,
                bans,
                upper,
                reserve,
                committer,
                recovery,
                objects,
                clock,
                memory,
                options.offlineMisses());
        lister = new Lister(index, committer, bans, clock);
        showMetrics();
        HeldFigures.show(ledger, metrics);
        new DeviceFigures(devices, index, oldest, evictor, ledger, metrics).show();
    }

    /** Begins to load what opening a store needs, and returns at once: it is half of a start, and can be had beside the other half. */
    public static void loadAhead() {
        LoggerFactory.getILoggerFactory(); // on one thread: another would get one that does not last
        Thread loader = new Thread(
                () -> {
                    try {
                        Device.load();
                        Index.load();
                    } catch (LinkageError | RuntimeException e) {
                        // Opening a store meets it again, and says it.
                    }
                },
                "store-loader");
        loader.setDaemon(true);
        loader.start();
    }

    /** Opens the store of a directory; an empty directory becomes one. Says what is wrong if it can't. */
    public static Store open(StoreOptions options) throws IOException {
        return open(options, System::currentTimeMillis, ByteBuffer::allocateDirect);
    }

    /** As {@link #open(StoreOptions)}, with a clock of the caller's, and direct buffers for the objects that were found. */
    static Store open(StoreOptions options, LongSupplier clock, IntFunction<ByteBuffer> memory) throws IOException {
        Device files = openDevice(options);
        Index index = null;
        Device cache = null;
        try {
            Metrics metrics = new Metrics();
            Index.Ids ids = new Index.Ids(files.indexId(), files.id());
            index = new Index(files.index(), INDEX_MAP_BYTES, ids, files.isNew(), !files.wasUsed(), metrics);
            files.syncIndexDirectory();
            files.settle();
            cache = Cache.open(options.tiers().cache(), files.indexId());
            List<Device> devices = DeviceRegister.open(files, options, index);
            Store store = new Store(options, clock, memory, devices, cache, index, metrics);
            store.shareTable();
            store.devices.start();
            store.purger.resume();
            store.recovery.start();
            store.housekeeping.start();
            store.scrubs.forEach(Scrub::start);
            store.indexScrub.start();
            store.pageCheck.start();
            store.evictor.start();
            store.upper.start(store.committer::write);
            store.deviceCommands.resume();
            return store;
        } catch (IOException | IndexException e) {
            if (index != null) {
                index.close();
            }
            if (cache != null) {
                cache.close();
            }
            files.close();
            throw unopened(options.directory(), e);
        }
    }

    /** No change is made before those are sure to notice who go by what the server before said. */
    private void shareTable() {
        if (shared.holdsBack()) {
            committer.holdBack();
        }
        shared.start(
                value -> committer.write(List.of(new IndexRow(IndexRow.Table.STATE, VALIDITY, value))),
                committer::release);
    }

    private void addChunks(Device device, int devicesInAll) {
        chunks.put(device, new ChunkPool(chunksOf(devicesInAll), MAX_WAITING_FOR_CHUNKS));
    }

    private Scrub scrubOf(Device device) {
        return new Scrub(device, index, new ScrubbedObjects(), options.checks(), metrics);
    }

    /** What the store has for each device. */
    private final class DeviceUser implements DeviceCommands.User {
        @Override
        public void willUse(Device device) {
            addChunks(device, devices.all().size() + 1);
            recovery.add(device);
            Scrub scrub = scrubOf(device);
            scrubs.add(scrub);
            scrub.start();
        }

        @Override
        public void usesNoMore(Device device) {
            recovery.remove(device);
            for (Scrub scrub : scrubs) {
                if (scrub.device() == device) {
                    scrubs.remove(scrub);
                    scrub.close();
                }
            }
            chunks.remove(device);
        }
    }

    private static int chunksOf(int devices) {
        return Math.max(MIN_CHUNKS, CHUNKS / devices);
    }

    /** Nobody may wait for a device any more that is offline, or get what can't be read. */
    private void isOffline(Device device, boolean sinceNow) {
        committer.giveUp(device);
        finder.giveUp(device);
        if (sinceNow) {
            validity.changeAll(hot::clear);
        }
    }

    /** What is at hand comes from the cache directory while that can be asked, and else from the devices. */
    private final class CacheWatcher implements Devices.Watcher {
        /** Nobody may wait for it any more: what it may have is opened elsewhere. */
        @Override
        public void isOffline(Device cache, boolean sinceNow) {
            finder.giveUp(cache);
            if (sinceNow) {
                hot.clear();
            }
        }

        @Override
        public void isBack(Device cache) {
            hot.clear();
        }
    }

    private static StoreException unopened(Path directory, Exception failure) {
        StoreException known = StoreException.of(failure);
        boolean ofDisk = failure instanceof IndexException
                ? ((IndexException) failure).isFailure()
                : !(failure instanceof DeviceException); // which says itself what to do
        return new StoreException(
                known.status(),
                "the store in " + directory + " can't be opened: " + known.getMessage()
                        + (ofDisk ? "; it must be " + Device.HEALTHY : ""));
    }

    private static Device openDevice(StoreOptions options) throws StoreException {
        try {
            return Device.open(options.firstDevice(), null);
        } catch (IOException e) {
            throw StoreException.of(e);
        }
    }

    private static int maxWatched(long descriptorLimit) {
        return (int) Math.min(MAX_WATCHED, descriptorLimit / PART_OF_DESCRIPTORS_FOR_WATCHED);
    }

    private void showMetrics() {
        metrics.show(Metric.STORE_OBJECTS, () -> index.totals().objects());
        metrics.show(Metric.STORE_BYTES, () -> index.totals().bytes());
        metrics.show(Metric.STORE_EVICTABLE_OBJECTS, () -> index.totals().evictableObjects());
        metrics.show(Metric.STORE_EVICTABLE_BYTES, () -> index.totals().evictableBytes());
        metrics.show(Metric.STORE_UNFINISHED_BYTES, tier::unfinishedBytes);
        metrics.show(Metric.STORE_CAPACITY_BYTES, () -> options.capacity().bytes());
        metrics.show(Metric.STORE_CAPACITY_OBJECTS, () -> options.capacity().objects());
        metrics.show(Metric.STORE_OLDEST_SECONDS, oldest::ageSeconds);
        metrics.show(Metric.STORE_FREE_BYTES, devices::freeBytes);
        metrics.show(Metric.STORE_INDEX_BYTES, index::fileBytes);
        metrics.show(Metric.STORE_INDEX_MAX_BYTES, index::maxFileBytes);
        metrics.show(Metric.STORE_HOT_OBJECTS, hot::size);
        metrics.show(Metric.STORE_PENDING_CHANGES, committer.pending()::count);
        metrics.show(
                Metric.STORE_DEVICE_QUEUE,
                () -> changing.length()
                        + devices.all().stream()
                                .mapToInt(device -> device.queue().length())
                                .sum());
        metrics.show(Metric.STORE_INDEX_QUEUE, lookups::length);
        metrics.show(Metric.STORE_OPEN_QUEUE, () -> devices.all().stream()
                .mapToInt(device -> device.opens().length())
                .sum());
        metrics.show(Metric.STORE_TABLE_OBJECTS, table::objects);
        metrics.show(Metric.STORE_TABLE_BYTES, table::bytes);
        metrics.show(Metric.STORE_TABLE_WHOLE, () -> table.isWhole() ? 1 : 0);
        metrics.show(Metric.STORE_TABLE_LEFT_OUT, table::leftOut);
        metrics.show(Metric.STORE_BANS, bans::count);
        metrics.show(Metric.STORE_PURGES, changes::purges);
        metrics.show(Metric.STORE_PURGE_QUEUE, purger::length);
        metrics.show(Metric.STORE_CLOSER_QUEUE, () -> devices.all().stream()
                .mapToInt(device -> device.closer().length())
                .sum());
        metrics.show(Metric.STORE_QUARANTINED_FILES, () -> scrubs.stream()
                .mapToLong(scrub -> scrub.quarantined().files())
                .sum());
        metrics.show(Metric.STORE_QUARANTINED_BYTES, () -> scrubs.stream()
                .mapToLong(scrub -> scrub.quarantined().bytes())
                .sum());
    }

    // ---- what clients keep

    /** The word that stands for all objects, to be asked for before a look-up; odd while many of them change. */
    public long validityEpoch() {
        return validity.epoch();
    }

    /** The word that stands for a key, by its hash; as {@link #validityEpoch}. */
    public long validityWord(long keyHash) {
        return validity.word(validity.slot(keyHash));
    }

    /** Where that word stands. */
    public long validitySlot(long keyHash) {
        return validity.slot(keyHash);
    }

    /** The descriptor of these words' file for a session, which stays the store's; -1 where there is none. {@link #letGoOfValidity} ends it. */
    public int handValidity() {
        return shared.hand();
    }

    /** A session ends that was handed the descriptor. */
    public void letGoOfValidity() {
        shared.letGo();
    }

    // ---- reading

    /** The hash of a key that {@link #hot} and {@link #lookup} want; never 0 for a key that is there. Allocates nothing. */
    public long hash(ByteBuffer buffer, int offset, int length) {
        return ObjectKey.hash(buffer, offset, length);
    }

    /**
     * The object that a request gets under a key, pinned, if it is at hand; else null, and {@link #lookup} knows, unless the headers are
     * {@link RequestHeaders#unmatched unmatched}. May be expired. Allocates nothing.
     */
    public @Nullable StoredObject hot(long keyHash, ByteBuffer buffer, int offset, int length, RequestHeaders headers) {
        long newestBan =
                bans.active().newest(); // before the look: when it is dropped, what it hit may be in hand already
        StoredObject found = hot.get(keyHash, buffer, offset, length);
        Variants variants = found == null ? null : found.variants();
        if (found != null && variants != null) {
            found = chosen(found, variants, headers);
        }
        if (found == null || found.hasPassed(newestBan)) {
            return found;
        }
        found.unpin();
        return null;
    }

    /** The one that is asked for among the objects under the key of one of them, which is unpinned. */
    private @Nullable StoredObject chosen(StoredObject one, Variants variants, RequestHeaders headers) {
        int chosen = variants.choose(headers, clock.getAsLong());
        if (chosen >= 0 && variants.variant(chosen) == one.variant) {
            return one;
        }
        StoredObject found = null;
        if (chosen < 0) {
            headers.matchedNone(variants);
        } else {
            found = hot.getBeside(one, variants.variant(chosen));
        }
        one.unpin();
        return found;
    }

    /** Whether there is surely no object under a key that is not at hand; else {@link #lookup} knows. Allocates nothing. */
    public boolean isAbsent(ByteBuffer buffer, int offset, int length) {
        return finder.whereabouts(buffer, offset, length) == Whereabouts.ABSENT;
    }

    /** Somebody asked for an object and got it. */
    public void found(StoredObject object) {
        tier.uses().note(object.stableHash);
        Device device = object.device();
        if (device != null) {
            device.countHit();
        }
        upper.found(object);
    }

    /** A client gave what it keeps of a key so often without asking: that it is wanted counts for eviction. */
    public void servedByClient(byte[] key, long hits) {
        metrics.add(Metric.CLIENT_HITS, hits);
        tier.uses().note(new ObjectKey(key).stableHash());
    }

    /**
     * Looks up the object that a request gets under a key; it may be expired. The headers, which are kept, are told where there are objects
     * of which none is asked for. False when too much waits already.
     */
    public boolean lookup(byte[] key, long keyHash, RequestHeaders headers, Lookup lookup) {
        Device device = finder.deviceAtHand(key);
        return device == null
                ? lookups.submit(() -> finder.find(key, keyHash, headers, lookup))
                : finder.findOn(device, key, keyHash, headers, lookup);
    }

    /** Opens the file of a pinned object that {@linkplain StoredObject#mayHang may hang} anew. False when too much waits already. */
    public boolean openAnew(StoredObject object, Opening opening) {
        Device device = object.device();
        if (device == null) {
            throw new IllegalStateException("whoever needs it opens it: " + object);
        }
        return finder.openAnew(object, device, opening);
    }

    /**
     * Queues what may block on the file of a pinned object, and runs what that says is to be done then; in its place, once, what is given
     * for it, where the file's device is found to hang, or the work throws. False at once where too much waits already.
     */
    public boolean submit(StoredObject object, Supplier<Runnable> work, Runnable inItsPlace) {
        return finder.submit(object, work, inItsPlace);
    }

    /**
     * Lets go of some descriptors that are kept at hand where a new one is among the last that the process may open: they are for what
     * is under way. False where there is nothing to let go of.
     */
    public boolean makeRoomFor(int descriptor) {
        return reserve.makeRoomFor(descriptor);
    }

    /** Lets go of some descriptors that are kept at hand: the process has too many. False where it found none. */
    public boolean shedDescriptors() {
        return reserve.shed();
    }

    /** The time by which objects expire, in milliseconds since 1970. */
    public long nowMillis() {
        return clock.getAsLong();
    }

    /** What {@link #fillToken} is to be given after a look-up; to be asked for before it. Waits for nothing. */
    public long fillTime() {
        return fills.now();
    }

    /** Writes the {@link #FILL_TOKEN_BYTES} of the token for a look-up that began at {@code fillTime} and found nothing. Waits for nothing. */
    public void fillToken(long fillTime, byte[] token) {
        fills.token(fillTime, token);
    }

    /** What removed objects may occupy because a new session of a user's process was handed them. The session ends it. */
    public HeldShare newHeldShare(int uid, int pid) {
        return new HeldShare(ledger.holders(), uid, pid, options.heldBytesPerSession(), options.heldGraceMillis());
    }

    // ---- bodies

    /** What the bodies of a new session may have of the memory for bodies on their way to the device. */
    public UploadShare newUploadShare() {
        return new UploadShare((int) (options.uploadBytesPerSession() / ChunkPool.CHUNK_BYTES));
    }

    /**
     * Starts to take a body in pieces.
     *
     * @param key of the object, by which it is placed on a device
     * @param share of the session that it comes by
     * @param length of the body; negative if not known
     * @param progress runs on some thread when there is room again, and when the body can't be taken any more
     */
    public BodyWriter receive(byte[] key, UploadShare share, long length, Runnable progress) {
        return new BodyWriter(this, devices.place(key), share, length, progress);
    }

    /** Takes the body from a descriptor of a user's, which is closed in any case. */
    public void putDescriptor(Put put, int descriptor, long length, int uid, Result.Outcome outcome) {
        try {
            boolean trusted = options.passedDescriptorUids().contains(uid);
            PassedBody body = PassedBody.check(devices.place(put.key()), descriptor, length, trusted);
            checkLength(length);
            passed.copy(uid, () -> copy(put, body, descriptor, outcome));
        } catch (StoreException e) {
            discard(descriptor, uid);
            outcome.done(Result.failed(e));
        }
    }

    private void copy(Put put, PassedBody passedBody, int descriptor, Result.Outcome outcome) {
        Body body;
        UnfinishedBody unfinished = unfinishedBody();
        try {
            unfinished.grow(passedBody.length());
            body = copyWithRoom(put, passedBody);
        } catch (IOException e) {
            bodyFailed(e);
            outcome.done(Result.failed(StoreException.of(e)));
            return;
        } catch (RuntimeException | Error e) {
            defects.error("copying a passed descriptor failed", e);
            outcome.done(Result.failed(StoreException.of(e)));
            return;
        } finally {
            unfinished.letGo();
            NativeIo.close(descriptor);
        }
        answered(() -> put(put, body, outcome), outcome);
    }

    /** Where the device is full, objects are evicted, and it is tried once more. */
    private Body copyWithRoom(Put put, PassedBody passedBody) throws IOException {
        try {
            return passedBody.copy(put, INLINE_BODY_BYTES, passed::isStopping);
        } catch (IOException e) {
            if (StoreException.of(e).status() != Status.NO_SPACE) {
                throw e;
            }
            makeRoom(passedBody.device(), passedBody.length());
            return passedBody.copy(put, INLINE_BODY_BYTES, passed::isStopping);
        }
    }

    /** A body could not be taken: where that is for its device's sake, whoever runs the server is told too. */
    void bodyFailed(Throwable cause) {
        if (cause instanceof DeviceException) {
            defects.warn("A body could not be written: {}", cause.getMessage());
        }
    }

    /** A body that is about to come, and takes no room yet. */
    UnfinishedBody unfinishedBody() {
        return new UnfinishedBody(tier);
    }

    /** A device is full: evicts objects that free so many bytes of it, and some more, as far as there are. May block. */
    void makeRoom(Device device, long bytes) {
        tier.freeDevice(device, Math.max(bytes, EVICTED_AT_ONCE_BYTES));
    }

    /** Closes a descriptor that a user passed, where that may block nobody else. */
    public void discard(int descriptor, int uid) {
        passed.close(uid, () -> NativeIo.close(descriptor));
    }

    // ---- changes

    /** Makes an object of a body, which it takes over. May block. */
    void put(Put put, Body body, Result.Outcome outcome) {
        changes.put(put, body, outcome);
    }

    /** Deletes what stands under a key, or of that only the object with a generation. False when too much waits already. */
    public boolean delete(byte[] key, @Nullable Long ifGeneration, boolean durable, Result.Outcome outcome) {
        return change(() -> changes.delete(new ObjectKey(key), ifGeneration, durable, outcome), outcome);
    }

    /**
     * Gives an object a new generation with changed metadata; which of those under the key its VARIANT says. False when too much waits
     * already.
     *
     * @param ttlMillis from now, negative for never; null leaves the expiry
     */
    public boolean touch(
            byte[] key,
            ObjectMetadata metadata,
            @Nullable Long ttlMillis,
            @Nullable Long ifGeneration,
            boolean durable,
            Result.Outcome outcome) {
        return change(
                () -> changes.touch(new ObjectKey(key), metadata, ttlMillis, ifGeneration, durable, outcome), outcome);
    }

    /** Takes all objects under a key away, durably; soft: makes it expire. False when too much waits already. */
    public boolean purgeKey(byte[] key, boolean soft, Result.Outcome outcome) {
        return change(() -> changes.purge(new ObjectKey(key), soft, outcome), outcome);
    }

    private boolean change(Runnable work, Result.Outcome outcome) {
        return changing.submit(() -> answered(work, outcome));
    }

    /** Does work that tells its outcome; what it throws is the outcome too, so that no request is left without an answer. */
    void answered(Runnable work, Result.Outcome outcome) {
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            defects.error("a change failed", e);
            outcome.done(Result.failed(StoreException.of(e)));
        }
    }

    /** Takes all objects away whose keys start so, durably; soft: makes them expire. False when too much waits already. */
    public boolean purgePrefix(byte[] prefix, boolean soft, Result.Outcome outcome) {
        return purger.purge(Extent.ofPrefix(prefix), soft, outcome);
    }

    /** Takes all objects with a tag away, durably; soft: makes them expire. False when too much waits already. */
    public boolean purgeTag(byte[] tag, boolean soft, Result.Outcome outcome) {
        return purger.purge(Extent.ofTag(tag), soft, outcome);
    }

    /**
     * Takes all objects away that a ban hits, whose expression is in UTF-8: they are found no more when the outcome is told, and removed
     * later. A soft one makes them expire, and its outcome is told when it has found all. False when too much waits already.
     */
    public boolean ban(byte[] expression, boolean soft, Result.Outcome outcome) {
        return purger.ban(expression, soft, outcome);
    }

    /** Waits until all changes so far are on disk, or given up. */
    void flush() throws InterruptedException {
        committer.flush();
    }

    // ---- listing

    /** Lists up to {@code limit} unexpired objects whose keys start so, and fewer where a page is full. False when too much waits already. */
    public boolean list(byte[] prefix, byte @Nullable [] cursor, int limit, Listing listing) {
        return lister.list(prefix, cursor, limit, listing);
    }

    // ---- what the parts need of each other

    /** What the scrub does to objects, and where it keeps how far it has come. */
    private final class ScrubbedObjects implements Scrub.Objects {
        @Override
        public void awaitRecovery() throws InterruptedException {
            Store.this.awaitRecovery();
        }

        @Override
        public void takeOut(ObjectKey key, long bodyGeneration) throws IOException {
            changes.removeIfBody(key, bodyGeneration);
        }

        @Override
        public void vanished(Device device, ObjectKey key, IndexRecord record) throws IOException {
            recovery.vanished(device, key, record);
        }

        @Override
        public long cursor(Device device) {
            return scrubCursor(device);
        }

        @Override
        public void keepCursor(Device device, long cursor) throws IOException {
            byte[] value = ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(cursor)
                    .array();
            committer.write(List.of(new IndexRow(IndexRow.Table.STATE, scrubCursorName(device), value)));
        }
    }

    private static byte[] scrubCursorName(Device device) {
        return ByteBuffer.allocate(SCRUB_CURSOR.length + Short.BYTES)
                .put(SCRUB_CURSOR)
                .putShort((short) device.number())
                .array();
    }

    /** The body generation that the scrub of a device has come to; 0 for the beginning. */
    long scrubCursor(Device device) {
        byte[] value = index.row(IndexRow.Table.STATE, scrubCursorName(device));
        return value == null
                ? 0
                : ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    /** The id of the backing directory, which names it in IO_ERROR; it stays the same for as long as the directory is a store. */
    public String deviceId() {
        return devices.first().id();
    }

    /** Is told how a command went. */
    public interface Answer {
        /** With OK and the command's text, or with why it was refused. On one of the store's threads. */
        void told(Status status, String text);
    }

    /** Runs a command of operators: its name, then its arguments (protocol-spec.md 5.13). False when too many wait already. */
    public boolean manage(List<String> words, Answer answer) {
        return deviceCommands.run(words, answer);
    }

    Devices devices() {
        return devices;
    }

    /** The values of the metrics, of the store and of the server that uses it. */
    public Metrics metrics() {
        return metrics;
    }

    /** Queues what may block on the index; false at once where too much waits already. */
    public boolean submit(Runnable task) {
        return changing.submit(task);
    }

    /** The queue for whatever may block on what a user passed. */
    PassedQueue passed() {
        return passed;
    }

    ChunkPool chunks(Device device) {
        ChunkPool pool = chunks.get(device);
        return pool == null ? new ChunkPool(MIN_CHUNKS, MAX_WAITING_FOR_CHUNKS) : pool; // it was removed just now
    }

    /** Refuses a body of so many bytes, unsigned, where the store takes none that long. */
    void checkLength(long length) throws StoreException {
        if (Long.compareUnsigned(length, options.maxObjectBytes()) > 0) {
            throw new StoreException(
                    Status.TOO_LARGE,
                    "a body of " + Long.toUnsignedString(length) + " bytes; this server takes up to "
                            + options.maxObjectBytes());
        }
        tier.refuseIfLongerThanAll(length);
    }

    /** Waits until recovery, which runs in the background after the start, has been through the whole store. */
    void awaitRecovery() throws InterruptedException {
        recovery.awaitEnd();
    }

    /** Finishes what is under way, brings all changes to disk and lets go of the directory. No session may use it any more; once is enough. */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        deviceCommands.close();
        recovery.close();
        housekeeping.close();
        scrubs.forEach(Scrub::stop);
        scrubs.forEach(Scrub::close);
        indexScrub.close();
        pageCheck.close();
        filler.close();
        purger.close();
        banPass.close();
        passed.close();
        devices.closeQueues();
        changing.close();
        lookups.close();
        lister.close();
        evictor.close();
        upper.stop();
        shared.stop();
        committer.close();
        shared.close();
        devices.stop();
        hot.clear();
        upper.close();
        ledger.close();
        index.close();
        devices.close();
    }
}
