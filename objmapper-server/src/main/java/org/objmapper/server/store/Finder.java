package org.objmapper.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
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
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Finder.class));

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
    private final IntFunction<ByteBuffer> memory;
    private final ThreadLocal<TableLook> looks = ThreadLocal.withInitial(TableLook::new);

    /** Finds objects, whose bytes are counted in {@code objects} and go to direct buffers of {@code memory}. */
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
            IntFunction<ByteBuffer> memory) {
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
        this.memory = memory;
    }

    /** What the table says of a key. Takes no lock, never waits, and allocates nothing but once for each thread. */
    Whereabouts whereabouts(ByteBuffer buffer, int offset, int length) {
        return looks.get().at(table, buffer, offset, length);
    }

    /** Tells what stands under a key, once, whatever goes wrong; where a device has the body, on the threads of that one. */
    void find(byte[] bytes, long hash, Store.Lookup lookup) {
        Device device = otherDevice(bytes, hash);
        if (device == null) {
            tell(bytes, hash, lookup);
        } else if (device.isOffline()) {
            lookup.found(null, StoreException.of(DeviceException.offline(device)));
        } else {
            OnDevice asked = new OnDevice(device, lookup);
            onDevices.add(asked);
            if (!device.queue().submit(() -> tell(bytes, hash, asked))) {
                asked.found(
                        null, new StoreException(Status.BUSY, "the queue of the device " + device.id() + " is full"));
            }
        }
    }

    /** A look-up that waits for a device, which may hang; whoever waits for it is told once, by the device or in its place. */
    private final class OnDevice implements Store.Lookup {
        private final Device device;
        private final Store.Lookup lookup;
        private final AtomicBoolean told = new AtomicBoolean();

        OnDevice(Device device, Store.Lookup lookup) {
            this.device = device;
            this.lookup = lookup;
        }

        @Override
        public void found(@Nullable StoredObject found, @Nullable StoreException failure) {
            onDevices.remove(this);
            if (told.compareAndSet(false, true)) {
                lookup.found(found, failure);
            } else if (found != null) {
                found.unpin();
            }
        }
    }

    /** Nobody waits any more for a device of which nothing can be asked. */
    void giveUp(Device device) {
        for (OnDevice asked : onDevices) {
            if (asked.device == device) {
                asked.found(null, StoreException.of(DeviceException.offline(device)));
            }
        }
    }

    /** The device that has the body of what stands under a key, unless that is the one that has the index. */
    private @Nullable Device otherDevice(byte[] bytes, long hash) {
        if (devices.all().size() == 1) {
            return null;
        }
        try {
            ObjectKey key = new ObjectKey(bytes, hash);
            IndexRecord record = inTable(key);
            if (record == null) {
                Change pending = committer.pending(key);
                record = pending == null ? index.get(key) : pending.record();
            }
            boolean isOnDevice = record != null && record.hasFile() && !upper.hasInMemory(record);
            Device device = record == null || !isOnDevice ? null : devices.byNumber(record.device());
            return device == devices.first() ? null : device;
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

    private void tell(byte[] bytes, long hash, Store.Lookup lookup) {
        StoredObject found;
        try {
            found = findOrLog(new ObjectKey(bytes, hash));
        } catch (StoreException e) {
            lookup.found(null, e);
            return;
        } catch (OutOfMemoryError e) {
            lookup.found(null, new StoreException(Status.BUSY, "the server's memory for objects is full (" + e + ")"));
            return;
        } catch (RuntimeException | Error e) {
            FAILURES.error("A look-up ended in a defect", e);
            lookup.found(null, new StoreException(Status.INTERNAL, "the look-up ended in a defect: " + e));
            return;
        }
        lookup.found(found, null);
    }

    /** As {@link #findOrClear}; what can't be read is logged with its key. */
    private @Nullable StoredObject findOrLog(ObjectKey key) throws StoreException {
        try {
            return findOrClear(key);
        } catch (StoreException e) {
            throw e; // it is busy; nothing is wrong
        } catch (IOException | IndexException e) {
            FAILURES.error("{} can't be read: {}", LoggedKeys.of(key), e.getMessage());
            throw StoreException.of(e);
        }
    }

    /** As {@link #findOnce}; where memory is short it goes to this before what is only kept at hand. */
    private @Nullable StoredObject findOrClear(ObjectKey key) throws IOException {
        try {
            return findOnce(key);
        } catch (OutOfMemoryError e) {
            hot.clear();
            return findOnce(key);
        }
    }

    private @Nullable StoredObject findOnce(ObjectKey key) throws IOException {
        IndexRecord last = null;
        while (true) {
            long seen = hot.changes(key.hash());
            long newestBan = bans.newest();
            IndexRecord record = last == null ? inTable(key) : null;
            Change pending = record == null ? committer.pending(key) : null;
            if (record == null) {
                record = pending == null ? index.get(key) : pending.record();
            }
            if (record == null || bans.hit(record)) {
                return null;
            }
            if (!record.hasFile()) {
                return share(object(key, record, inIndex(record)), seen, newestBan);
            }
            OpenBody copy = upper.open(record);
            if (copy != null) {
                return share(objectOfFile(key, record, copy), seen, newestBan);
            }
            Device device = deviceOf(record);
            int descriptor = openBody(device, key, record, pending);
            if (descriptor >= 0) {
                return share(objectOfFile(key, record, onDevice(device, key, record, descriptor)), seen, newestBan);
            }
            if (descriptor != -Errno.ENOENT) {
                throw DeviceException.ofErrno(
                                descriptor,
                                "open the file objects/" + Device.name(key.digest(), record.bodyGeneration()))
                        .on(device);
            }
            if (last != null && last.generation() == record.generation()) {
                recovery.vanished(device, key, record);
                return null;
            }
            last = record; // it may have been replaced since then: once more, and this time the index is asked
        }
    }

    /** What the table knows of an object with a file, which is enough to open it; else null. */
    private @Nullable IndexRecord inTable(ObjectKey key) {
        Entry entry = new Entry();
        boolean found = table.findWhole(key.digest(), entry) == ObjectTable.Answer.FOUND;
        return found && !entry.needsIndex() ? entry.record(key) : null;
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
                OpenBody.Tier.INDEX, record.bodyGeneration(), -1, -1, null, device.queue(), device.closer());
    }

    private static OpenBody onDevice(Device device, ObjectKey key, IndexRecord record, int descriptor) {
        return new OpenBody(
                OpenBody.Tier.DEVICE,
                record.bodyGeneration(),
                descriptor,
                device.descriptor(),
                Device.path(Device.name(key.digest(), record.bodyGeneration())),
                device.queue(),
                device.closer());
    }

    private StoredObject objectOfFile(ObjectKey key, IndexRecord record, OpenBody opened) throws StoreException {
        try {
            return object(key, record, opened);
        } catch (StoreException | OutOfMemoryError e) {
            opened.closer().close(opened.descriptor());
            throw e;
        }
    }

    private StoredObject object(ObjectKey key, IndexRecord record, OpenBody opened) throws StoreException {
        byte[] body = record.inlineBody();
        byte[] path = opened.path();
        int bytes = StoredObject.bytesOf(
                key.bytes().length,
                record.metadata().length,
                body == null ? 0 : body.length,
                path == null ? 0 : path.length);
        objects.take(bytes);
        try {
            return new StoredObject(
                    key.bytes(),
                    key.hash(),
                    key.stableHash(),
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
