package org.objmapper.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.ban.Bans;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.device.NewFile;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.LoggedKeys;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.table.Entry;
import org.objmapper.server.store.table.ObjectTable;
import org.slf4j.LoggerFactory;

/**
 * Finds objects that are not at hand: asks the table of all objects, then the changes on their way and the index, opens the body and puts
 * the object into the hot table. Safe on any thread that may block, and {@link #whereabouts} on event loops too.
 */
final class Finder {
    private final FailureLog failures = new FailureLog(LoggerFactory.getLogger(Finder.class));

    private final Index index;
    private final Devices devices;
    private final Set<OnDevice> onDevices = ConcurrentHashMap.newKeySet();
    private final HotTable hot;
    private final ObjectTable table;
    private final Bans bans;
    private final UpperTiers upper;
    private final DescriptorReserve reserve;
    private final Committer committer;
    private final Recovery recovery;
    private final ObjectMemory objects;
    private final LongSupplier clock;
    private final IntFunction<ByteBuffer> memory;
    private final boolean offlineMisses;
    private final ThreadLocal<TableLook> looks = ThreadLocal.withInitial(TableLook::new);

    /**
     * Finds objects, whose bytes are counted in {@code objects} and go to direct buffers of {@code memory}.
     *
     * @param offlineMisses whether what is on a device that is offline is not found, instead of a failure
     */
    Finder(
            Index index,
            Devices devices,
            HotTable hot,
            ObjectTable table,
            Bans bans,
            UpperTiers upper,
            DescriptorReserve reserve,
            Committer committer,
            Recovery recovery,
            ObjectMemory objects,
            LongSupplier clock,
            IntFunction<ByteBuffer> memory,
            boolean offlineMisses) {
        this.index = index;
        this.devices = devices;
        this.hot = hot;
        this.table = table;
        this.bans = bans;
        this.upper = upper;
        this.reserve = reserve;
        this.committer = committer;
        this.recovery = recovery;
        this.objects = objects;
        this.clock = clock;
        this.memory = memory;
        this.offlineMisses = offlineMisses;
    }

    /** What the table says of a key. Takes no lock, never waits, and allocates nothing but once for each thread. */
    Whereabouts whereabouts(ByteBuffer buffer, int offset, int length) {
        return looks.get().at(table, buffer, offset, length);
    }

    /** The device that can be asked for what stands under a key, where the table says so; else null. Takes no lock, and never waits. */
    @Nullable
    Device deviceAtHand(byte[] key) {
        Device device = whereabouts(ByteBuffer.wrap(key), 0, key.length) == Whereabouts.DEVICE ? lookedAt() : null;
        return device == null || device.isOffline() ? null : device;
    }

    /** The device that has what this thread's last look found; null where memory has it too, or a cache may have it. */
    private @Nullable Device lookedAt() {
        TableLook look = looks.get();
        return upper.hasCache() || upper.hasInMemory(look.bodyGeneration()) ? null : devices.byNumber(look.device());
    }

    /**
     * Tells what a request with these headers gets under a key, once, whatever goes wrong; where a device has the body, on the threads of
     * that one.
     */
    void find(byte[] bytes, long hash, RequestHeaders headers, Store.Lookup lookup) {
        Device device = deviceOf(bytes, hash, headers);
        if (device == null) {
            tell(bytes, hash, headers, lookup);
        } else if (upper.isCache(device)) {
            OnDevice asked = new OnDevice(device, () -> find(bytes, hash, headers, lookup));
            if (!device.queue().submit(() -> tell(bytes, hash, headers, once(asked, lookup)))) {
                tell(bytes, hash, headers, once(asked, lookup));
            }
        } else if (device.isOffline()) {
            tellOffline(device, lookup);
        } else if (!findOn(device, bytes, hash, headers, lookup)) {
            lookup.found(null, new StoreException(Status.BUSY, "the queue of the device " + device.id() + " is full"));
        }
    }

    /** As {@link #find}, of what a device has the body of; returns at once. False when too much waits for the device already. */
    boolean findOn(Device device, byte[] bytes, long hash, RequestHeaders headers, Store.Lookup lookup) {
        OnDevice asked = new OnDevice(device, () -> tellOffline(device, lookup));
        return device.opens().submit(() -> tell(bytes, hash, headers, once(asked, lookup))) || !asked.withdraw();
    }

    private void tellOffline(Device device, Store.Lookup lookup) {
        device.countMiss();
        lookup.found(null, offlineMisses ? null : StoreException.of(DeviceException.offline(device)));
    }

    private static Store.Lookup once(OnDevice asked, Store.Lookup lookup) {
        return (found, failure) -> {
            if (asked.withdraw()) {
                lookup.found(found, failure);
            } else if (found != null) {
                found.unpin();
            }
        };
    }

    /**
     * Opens the file of a pinned object anew, on the threads of the device that has it; returns at once, and tells once, whatever goes
     * wrong. False when too much waits for the device already.
     */
    boolean openAnew(StoredObject object, Device device, Store.Opening opening) {
        OnDevice asked = new OnDevice(device, () -> opening.opened(-Errno.EIO));
        object.pin(); // or its descriptor might be another's by then
        boolean isQueued = device.opens().submit(() -> {
            int descriptor = -Errno.EIO;
            try {
                descriptor = openAnew(object, device);
            } finally {
                object.unpin();
                tell(asked, descriptor, device, opening);
            }
        });
        if (!isQueued) {
            object.unpin();
        }
        return isQueued || !asked.withdraw();
    }

    private int openAnew(StoredObject object, Device device) {
        int descriptor = device.openAnew(object.descriptor());
        if (descriptor == -Errno.EMFILE || descriptor == -Errno.ENFILE) {
            reserve.shedHere();
            return device.openAnew(object.descriptor());
        }
        reserve.makeRoomFor(descriptor);
        return descriptor;
    }

    private static void tell(OnDevice asked, int descriptor, Device device, Store.Opening opening) {
        if (asked.withdraw()) {
            opening.opened(descriptor);
        } else if (descriptor >= 0) {
            device.closer().close(descriptor);
        }
    }

    /** As {@link Store#submit}. */
    boolean submit(StoredObject object, Supplier<Runnable> work, Runnable inItsPlace) {
        OnDevice asked = new OnDevice(object.device(), inItsPlace);
        object.pin(); // or its descriptor might be another's by then
        boolean isQueued = object.submit(() -> {
            Runnable then = inItsPlace;
            try {
                then = work.get();
            } finally {
                object.unpin();
                if (asked.withdraw()) {
                    then.run();
                }
            }
        });
        if (!isQueued) {
            object.unpin();
        }
        return isQueued || !asked.withdraw();
    }

    /** Somebody waits for a device, which may hang; he is told once, by the device or in its place. */
    private final class OnDevice {
        private final @Nullable Device device;
        private final Runnable inItsPlace;
        private final AtomicBoolean told = new AtomicBoolean();

        OnDevice(@Nullable Device device, Runnable inItsPlace) {
            this.device = device;
            this.inItsPlace = inItsPlace;
            onDevices.add(this);
        }

        /** The device does not answer. */
        void giveUp() {
            if (withdraw()) {
                inItsPlace.run();
            }
        }

        /** Waits no more; false where it was told already. */
        boolean withdraw() {
            onDevices.remove(this);
            return told.compareAndSet(false, true);
        }
    }

    /** Nobody waits any more for a device of which nothing can be asked. */
    void giveUp(Device device) {
        for (OnDevice asked : onDevices) {
            if (asked.device == device) {
                asked.giveUp();
            }
        }
    }

    /**
     * The device to open the body of what stands under a key, or the cache that may have it; null for none, and where only one is there to
     * ask.
     */
    private @Nullable Device deviceOf(byte[] bytes, long hash, RequestHeaders headers) {
        Whereabouts whereabouts = whereabouts(ByteBuffer.wrap(bytes), 0, bytes.length);
        if (!upper.hasCache()
                && (whereabouts != Whereabouts.UNKNOWN || devices.all().size() == 1)) {
            return whereabouts == Whereabouts.DEVICE ? lookedAt() : null;
        }
        try {
            IndexRecord record = standing(new ObjectKey(bytes, hash), headers, true, bans.active())
                    .record();
            boolean isOnDevice = record != null && record.hasFile() && !upper.hasInMemory(record.bodyGeneration());
            if (record == null || !isOnDevice) {
                return null;
            }
            Device cache = upper.cacheOf(record);
            return cache == null ? devices.byNumber(record.device()) : cache;
        } catch (IndexException e) {
            return null; // whoever looks it up meets it again
        }
    }

    private Device deviceOf(IndexRecord record) throws DeviceException {
        Device device = devices.byNumber(record.device());
        if (device == null) {
            throw DeviceException.unknown(record.device());
        }
        return device;
    }

    private void tell(byte[] bytes, long hash, RequestHeaders headers, Store.Lookup lookup) {
        StoredObject found;
        try {
            found = findOrLog(new ObjectKey(bytes, hash), headers);
        } catch (StoreException e) {
            lookup.found(null, e);
            return;
        } catch (OutOfMemoryError e) {
            lookup.found(null, new StoreException(Status.BUSY, "the server's memory for objects is full (" + e + ")"));
            return;
        } catch (RuntimeException | Error e) {
            failures.error("A look-up ended in a defect", e);
            lookup.found(null, new StoreException(Status.INTERNAL, "the look-up ended in a defect: " + e));
            return;
        }
        lookup.found(found, null);
    }

    /** As {@link #findOrClear}; what can't be read is logged with its key. */
    private @Nullable StoredObject findOrLog(ObjectKey key, RequestHeaders headers) throws StoreException {
        try {
            return findOrClear(key, headers);
        } catch (StoreException e) {
            throw e; // it is busy; nothing is wrong
        } catch (IOException | IndexException e) {
            failures.error("{} can't be read: {}", LoggedKeys.of(key), e.getMessage());
            throw StoreException.of(e);
        }
    }

    /** As {@link #findOnce}; where memory is short it goes to this before what is only kept at hand. */
    private @Nullable StoredObject findOrClear(ObjectKey key, RequestHeaders headers) throws IOException {
        try {
            return findOnce(key, headers);
        } catch (OutOfMemoryError e) {
            hot.clear();
            return findOnce(key, headers);
        }
    }

    private @Nullable StoredObject findOnce(ObjectKey plain, RequestHeaders headers) throws IOException {
        IndexRecord last = null;
        while (true) {
            long seen = hot.changes(plain.hash());
            Bans.Active hiding = bans.active();
            Standing standing = standing(plain, headers, last == null, hiding);
            IndexRecord record = standing.record;
            if (record == null) {
                return null;
            }
            ObjectKey key = standing.key;
            if (!record.hasFile()) {
                return share(object(standing, record, inIndex(record)), seen, hiding.newest());
            }
            OpenBody copy = upper.open(record);
            if (copy != null) {
                return share(objectOfFile(standing, record, copy), seen, hiding.newest());
            }
            Device device = deviceOf(record);
            int descriptor = openBody(device, key, record, standing.pending);
            if (descriptor >= 0) {
                return share(
                        objectOfFile(standing, record, onDevice(device, key, record, descriptor)),
                        seen,
                        hiding.newest());
            }
            boolean mayHaveBeenReplaced = descriptor == -Errno.ENOENT && (last == null || !last.hasBodyOf(record));
            if (!mayHaveBeenReplaced || (device.isOffline() && offlineMisses)) {
                missed(device, key, record, descriptor);
                return null;
            }
            last = record; // once more, and this time the index is asked
        }
    }

    /** A device did not give a body; fails where that is not the same as if there were no object. */
    private void missed(Device device, ObjectKey key, IndexRecord record, int errno) throws IOException {
        device.countMiss();
        if (device.isOffline() && offlineMisses) {
            return;
        }
        if (errno != -Errno.ENOENT) {
            throw DeviceException.ofErrno(
                            errno, "open the file objects/" + Device.name(key.digest(), record.bodyGeneration()))
                    .on(device);
        }
        recovery.vanished(device, key, record);
    }

    /**
     * What a request gets.
     *
     * @param key of the object
     * @param pending the change that brought it, where that is not in the index yet
     * @param variants all that stands under the key; null where there is no variant
     */
    private record Standing(
            ObjectKey key,
            @Nullable IndexRecord record,
            @Nullable Change pending,
            @Nullable Variants variants) {}

    /** What a request gets that no ban hits, and tells the headers where they match none. The table may be asked first. */
    private Standing standing(ObjectKey plain, RequestHeaders headers, boolean asksTable, Bans.Active hiding) {
        Entry entry = new Entry();
        if (asksTable && table.findWhole(plain.digest(), entry) == ObjectTable.Answer.FOUND) {
            IndexRecord alone = entry.needsIndex() ? index.get(plain) : entry.record(plain);
            return new Standing(plain, alone == null || hiding.hit(alone) ? null : alone, null, null);
        }
        Map<Long, Change> pending = new HashMap<>();
        for (Change change : committer.pending().under(plain)) {
            ObjectKey key = change.key();
            if (key != null) {
                pending.put(key.variant(), change);
            }
        }
        Choice choice = new Choice(pending, headers, hiding);
        IndexRecord chosen;
        try {
            chosen = index.choose(plain, choice);
        } catch (IndexException e) {
            IndexRecord alone = newestOfAll(pending, hiding);
            if (alone == null) {
                throw e;
            }
            return new Standing(plain, alone, pending.get(0L), null);
        }
        if (chosen == null) {
            return new Standing(plain, null, null, choice.variants);
        }
        long variant = chosen.variant().id();
        return new Standing(plain.variant(variant), chosen, pending.get(variant), choice.variants);
    }

    /** The object without a variant, where that hides all others, whatever the index has; null where that can't be said. */
    private @Nullable IndexRecord newestOfAll(Map<Long, Change> pending, Bans.Active hiding) {
        Change plain = pending.get(0L);
        IndexRecord record = plain == null ? null : plain.record();
        if (record == null || hiding.hit(record) || record.expiredAt(clock.getAsLong())) {
            return null;
        }
        boolean newest = pending.values().stream()
                .map(Change::record)
                .allMatch(other -> other == null || other.generation() <= record.generation());
        return newest ? record : null;
    }

    /** Chooses among the objects under a key what a request gets. */
    private final class Choice implements Index.Choice {
        private final Map<Long, Change> pending;
        private final RequestHeaders headers;
        private final Bans.Active hiding;
        private @Nullable Variants variants;

        Choice(Map<Long, Change> pending, RequestHeaders headers, Bans.Active hiding) {
            this.pending = pending;
            this.headers = headers;
            this.hiding = hiding;
        }

        @Override
        public @Nullable IndexRecord of(List<IndexRecord> inIndex) {
            List<IndexRecord> there = new ArrayList<>();
            for (IndexRecord record : inIndex) {
                if (!pending.containsKey(record.variant().id())) {
                    add(record, there);
                }
            }
            pending.values().forEach(change -> add(change.record(), there));
            Variants found = Variants.of(there);
            variants = found;
            if (found == null) {
                return there.isEmpty() ? null : there.get(0);
            }
            int chosen = found.choose(headers, clock.getAsLong());
            if (chosen < 0) {
                headers.matchedNone(found);
                return null;
            }
            return there.stream()
                    .filter(record -> record.variant().id() == found.variant(chosen))
                    .findFirst()
                    .orElse(null);
        }

        /** One that counts no more among those that a key takes. */
        private boolean isGoneVariant(IndexRecord record) {
            return (record.flags() & IndexRecord.VARIANT) != 0 && record.goneAt(clock.getAsLong());
        }

        private void add(@Nullable IndexRecord record, List<IndexRecord> to) {
            if (record != null && !hiding.hit(record) && !isGoneVariant(record)) {
                to.add(record);
            }
        }
    }

    private StoredObject share(StoredObject object, long seen, long newestBan) {
        object.passed(newestBan);
        hot.putUnlessChanged(object, seen);
        return object;
    }

    private int openBody(Device device, ObjectKey key, IndexRecord record, @Nullable Change pending) {
        NewFile file = pending == null ? null : pending.file();
        int descriptor = file == null ? device.open(key.digest(), record.bodyGeneration()) : file.open();
        if (descriptor == -Errno.EMFILE || descriptor == -Errno.ENFILE) {
            reserve.shedHere();
            descriptor = file == null ? device.open(key.digest(), record.bodyGeneration()) : file.open();
        } else {
            reserve.makeRoomFor(descriptor);
        }
        return descriptor;
    }

    private OpenBody inIndex(IndexRecord record) {
        Device device = devices.first();
        return new OpenBody(
                OpenBody.Tier.INDEX,
                record.bodyGeneration(),
                -1,
                -1,
                null,
                device.queue(),
                null,
                device.closer(),
                OpenBody.NOTHING);
    }

    private static OpenBody onDevice(Device device, ObjectKey key, IndexRecord record, int descriptor) {
        return new OpenBody(
                OpenBody.Tier.DEVICE,
                record.bodyGeneration(),
                descriptor,
                device.descriptor(),
                Device.path(Device.name(key.digest(), record.bodyGeneration())),
                device.queue(),
                device,
                device.closer(),
                OpenBody.NOTHING);
    }

    private StoredObject objectOfFile(Standing standing, IndexRecord record, OpenBody opened) throws StoreException {
        try {
            return object(standing, record, opened);
        } catch (StoreException | OutOfMemoryError e) {
            opened.closer().close(opened.descriptor());
            throw e;
        }
    }

    private StoredObject object(Standing standing, IndexRecord record, OpenBody opened) throws StoreException {
        ObjectKey key = standing.key;
        Variants variants = standing.variants;
        byte[] body = record.inlineBody();
        byte[] path = opened.path();
        int bytes = StoredObject.bytesOf(
                key.bytes().length,
                variants == null ? 0 : variants.bytes(),
                record.metadata().length,
                body == null ? 0 : body.length,
                path == null ? 0 : path.length);
        objects.take(bytes);
        try {
            return new StoredObject(
                    key.bytes(),
                    key.hash(),
                    key.variant(),
                    key.stableHash(),
                    variants,
                    record.generation(),
                    record.length(),
                    record.expiryMillis(),
                    record.graceMillis(),
                    direct(record.metadata()),
                    body == null ? null : direct(body),
                    opened,
                    path == null ? null : direct(path),
                    objects);
        } catch (OutOfMemoryError e) {
            objects.giveBack(bytes);
            throw e;
        }
    }

    private ByteBuffer direct(byte[] bytes) {
        return memory.apply(bytes.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(bytes)
                .flip();
    }
}
