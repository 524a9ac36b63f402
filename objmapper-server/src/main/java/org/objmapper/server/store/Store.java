package org.objmapper.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.lmdbjava.LmdbException;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.ListEntry;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/**
 * The object store in one directory. Safe on any thread. {@link #hot}, {@link #hash} and everything that takes a callback return at
 * once and may be called on event loops; callbacks run on the store's threads. A change is visible as soon as its callback says OK, and
 * a durable one is then on disk; others are within a second.
 */
public final class Store implements AutoCloseable {
    private static final int CHUNKS = 256;
    private static final int SHED_AT_ONCE = 64;
    private static final int LIST_SLICE = 500;
    /** A page ends when it is this long, whatever the limit. */
    private static final int LIST_BYTES = 4 << 20;

    private static final int DUE_AT_ONCE = 1_000;

    private final StoreOptions options;
    private final LongSupplier clock;
    private final Device files;
    private final Index index;
    private final HotTable hot;
    private final Committer committer;
    private final DeviceQueue device;
    private final DeviceQueue lookups;
    private final PassedQueue passed;
    private final ChunkPool chunks = new ChunkPool(CHUNKS);
    private final Figures figures = new Figures();
    private final Housekeeping housekeeping;

    /** Takes what a look-up found. */
    public interface Lookup {
        /** With the object, pinned for whoever takes it, or null; or with a failure. */
        void found(@Nullable StoredObject found, @Nullable StoreException failure);
    }

    /** Takes a page of a listing. */
    public interface Listing {
        /** With entries and, if there are more, where to go on; or with a failure. */
        void page(List<ListEntry> entries, byte @Nullable [] cursor, @Nullable StoreException failure);
    }

    private Store(StoreOptions options, LongSupplier clock, Device files, Index index) {
        this.options = options;
        this.clock = clock;
        this.files = files;
        this.index = index;
        long firstGeneration = index.generationBound();
        hot = new HotTable(options.hotObjects());
        committer = new Committer(index, files, hot);
        device = new DeviceQueue("store-device", options.deviceThreads(), options.deviceQueueLength());
        lookups = new DeviceQueue("store-index", options.indexThreads(), options.indexQueueLength());
        passed = new PassedQueue(options.passedQueueLength(), options.passedQueueLengthPerUser());
        registerFigures();
        housekeeping = new Housekeeping(this, index, files, firstGeneration);
    }

    /** Opens the store of a directory; an empty directory becomes one. Says what is wrong if it can't. */
    public static Store open(StoreOptions options) throws IOException {
        return open(options, System::currentTimeMillis);
    }

    /** As {@link #open(StoreOptions)}, with a clock of the caller's. */
    static Store open(StoreOptions options, LongSupplier clock) throws IOException {
        Device files = Device.open(options.directory());
        Index index = null;
        try {
            index = new Index(files.index(), options.mapBytes());
            Store store = new Store(options, clock, files, index);
            store.housekeeping.start();
            return store;
        } catch (LmdbException e) {
            if (index != null) {
                index.close();
            }
            files.close();
            throw new StoreException(
                    StoreException.ofIndex(e).status(),
                    "the index in " + files.index() + " can't be opened: " + e.getMessage());
        }
    }

    private void registerFigures() {
        figures.gauge("objmapper_store_objects", () -> index.totals().objects());
        figures.gauge("objmapper_store_bytes", () -> index.totals().bytes());
        figures.gauge("objmapper_store_free_bytes", files::freeBytes);
        figures.gauge("objmapper_store_hot_objects", hot::size);
        figures.gauge("objmapper_store_pending_changes", committer::pendingCount);
        figures.gauge("objmapper_store_device_queue", device::length);
        figures.gauge("objmapper_store_index_queue", lookups::length);
    }

    // ---- reading

    /** The hash of a key that {@link #hot} and {@link #lookup} want; never 0 for a key that is there. Allocates nothing. */
    public long hash(ByteBuffer buffer, int offset, int length) {
        return ObjectKey.hash(buffer, offset, length);
    }

    /** The object under a key, pinned, if it is at hand; else null, and {@link #lookup} knows. May be expired. */
    public @Nullable StoredObject hot(long keyHash, ByteBuffer buffer, int offset, int length) {
        return hot.get(keyHash, buffer, offset, length);
    }

    /** Looks an object up; it may be expired. False when too much waits already. */
    public boolean lookup(byte[] key, long keyHash, Lookup lookup) {
        return lookups.submit(() -> {
            StoredObject found;
            try {
                found = find(new ObjectKey(key, keyHash));
            } catch (IOException | LmdbException e) {
                lookup.found(null, StoreException.of(e));
                return;
            }
            lookup.found(found, null);
        });
    }

    private @Nullable StoredObject find(ObjectKey key) throws StoreException {
        IndexRecord last = null;
        while (true) {
            long seen = hot.changes(key.hash());
            Change pending = committer.pending(key);
            IndexRecord record = pending == null ? index.get(key) : pending.record();
            if (record == null) {
                return null;
            }
            if (!record.hasFile()) {
                return share(object(key, record, -1), seen);
            }
            int descriptor = openBody(key, record, pending);
            if (descriptor >= 0) {
                return share(object(key, record, descriptor), seen);
            }
            if (descriptor != -Errno.ENOENT) {
                throw StoreException.ofErrno(descriptor, "open a body");
            }
            if (last != null && last.generation() == record.generation()) {
                housekeeping.vanished(key, record);
                return null;
            }
            last = record; // it may have been replaced since the index was read: once more
        }
    }

    private StoredObject share(StoredObject object, long seen) {
        hot.putUnlessChanged(object, seen);
        return object;
    }

    private int openBody(ObjectKey key, IndexRecord record, @Nullable Change pending) {
        NewFile file = pending == null ? null : pending.file();
        int descriptor = file == null ? files.open(key.digest(), record.bodyGeneration()) : file.open();
        if (descriptor == -Errno.EMFILE || descriptor == -Errno.ENFILE) {
            shedDescriptors();
            descriptor = file == null ? files.open(key.digest(), record.bodyGeneration()) : file.open();
        }
        return descriptor;
    }

    private StoredObject object(ObjectKey key, IndexRecord record, int descriptor) {
        byte[] body = record.inlineBody();
        ByteBuffer path =
                descriptor < 0 ? null : direct(Device.path(Device.name(key.digest(), record.bodyGeneration())));
        return new StoredObject(
                key.bytes(),
                key.hash(),
                record.generation(),
                record.length(),
                record.expiryMillis(),
                record.graceMillis(),
                direct(record.metadata()),
                body == null ? null : direct(body),
                descriptor,
                files.descriptor(),
                path);
    }

    private static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(bytes)
                .flip();
    }

    /** Lets go of some descriptors that are kept at hand: the process has too many. */
    public void shedDescriptors() {
        hot.shed(SHED_AT_ONCE);
    }

    // ---- bodies

    /**
     * Starts to take a body in pieces.
     *
     * @param length of the body; negative if not known
     * @param progress runs on some thread when there is room again, and when the body can't be taken any more
     */
    public BodyWriter receive(long length, Runnable progress) {
        return new BodyWriter(this, length, progress);
    }

    /** Takes the body from a descriptor of a user's, which is closed in any case. */
    public void putDescriptor(Put put, int descriptor, long length, int uid, Result.Outcome outcome) {
        try {
            boolean trusted = options.passedDescriptorUids().contains(uid);
            PassedBody body = PassedBody.check(files, descriptor, length, trusted);
            if (Long.compareUnsigned(length, options.maxObjectBytes()) > 0) {
                throw new StoreException(
                        Status.TOO_LARGE,
                        "a body of " + length + " bytes; this server takes up to " + options.maxObjectBytes());
            }
            passed.copy(uid, () -> copy(put, body, descriptor, outcome));
        } catch (StoreException e) {
            discard(descriptor, uid);
            outcome.done(Result.failed(e));
        }
    }

    private void copy(Put put, PassedBody passedBody, int descriptor, Result.Outcome outcome) {
        Body body;
        try {
            body = passedBody.copy(put, options.inlineBodyBytes());
        } catch (StoreException e) {
            outcome.done(Result.failed(e));
            return;
        } finally {
            NativeIo.close(descriptor);
        }
        put(put, body, outcome);
    }

    /** Closes a descriptor that a user passed, where that may block nobody else. */
    public void discard(int descriptor, int uid) {
        passed.close(uid, () -> NativeIo.close(descriptor));
    }

    // ---- changes

    /** Makes an object of a body, which it takes over. May block. */
    void put(Put put, Body body, Result.Outcome outcome) {
        boolean taken = false;
        Result result;
        try {
            ObjectKey key = new ObjectKey(put.key());
            synchronized (committer) {
                committer.awaitRoom();
                IndexRecord there = current(key);
                result = check(put, there);
                if (result == null) {
                    result = publish(key, put, body, outcome);
                    taken = true;
                }
            }
        } catch (IOException | LmdbException e) {
            result = Result.failed(StoreException.of(e));
        }
        if (!taken) {
            body.discard();
        }
        if (!taken || !put.durable()) {
            outcome.done(result);
        }
    }

    private @Nullable Result check(Put put, @Nullable IndexRecord there) {
        if (put.ifAbsent() && there != null && !there.expiredAt(clock.getAsLong())) {
            return Result.precondition(there.generation());
        }
        return checkGeneration(put.ifGeneration(), there);
    }

    private static @Nullable Result checkGeneration(@Nullable Long wanted, @Nullable IndexRecord there) {
        long generation = there == null ? 0 : there.generation();
        return wanted == null || wanted == generation && there != null ? null : Result.precondition(generation);
    }

    private Result publish(ObjectKey key, Put put, Body body, Result.Outcome outcome) throws StoreException {
        long now = clock.getAsLong();
        long expiry = expiry(now, put.ttlMillis());
        ObjectMetadata metadata = put.metadata();
        metadata.set(MetadataType.SHA256, body.sha256()).set(MetadataType.CREATED, now);
        Long xxh3 = body.xxh3();
        if (xxh3 != null) {
            metadata.set(MetadataType.XXH3, xxh3);
        }
        long generation = committer.takeGeneration();
        byte[] encoded = encode(metadata, generation, expiry);
        IndexRecord record = new IndexRecord(
                key.bytes(),
                generation,
                body.inline() == null ? generation : 0,
                body.length(),
                now,
                expiry,
                metadata.graceMillis(),
                encoded,
                body.inline());
        NewFile file = body.inline() == null
                ? new NewFile(files, body.descriptor(), body.synced(), key.digest(), generation)
                : null;
        Result result = new Result(Status.OK, "", generation, body.length(), 0, body.sha256(), xxh3);
        committer.add(new Change(key, record, file, put.durable() ? outcome : null, result));
        return result;
    }

    private static byte[] encode(ObjectMetadata metadata, long generation, long expiry) throws StoreException {
        metadata.set(MetadataType.GENERATION, generation);
        if (expiry == IndexRecord.NEVER) {
            metadata.remove(MetadataType.EXPIRY);
        } else {
            metadata.set(MetadataType.EXPIRY, expiry);
        }
        byte[] encoded = metadata.encode();
        if (encoded.length > ObjectMetadata.LONGEST) {
            throw new StoreException(
                    Status.BAD_REQUEST,
                    "the object's metadata would take " + encoded.length + " bytes; it may take "
                            + ObjectMetadata.LONGEST);
        }
        return encoded;
    }

    private static long expiry(long now, long ttlMillis) {
        return ttlMillis < 0 || ttlMillis >= IndexRecord.NEVER - now ? IndexRecord.NEVER : now + ttlMillis;
    }

    /** What stands under a key, the changes included that are on their way. Under the committer's lock, when something depends on it. */
    private @Nullable IndexRecord current(ObjectKey key) {
        Change pending = committer.pending(key);
        IndexRecord record = pending == null ? index.get(key) : pending.record();
        return record == null || record.goneAt(clock.getAsLong()) ? null : record;
    }

    /** Deletes an object. False when too much waits already. */
    public boolean delete(byte[] key, @Nullable Long ifGeneration, boolean durable, Result.Outcome outcome) {
        return change(new ObjectKey(key), ifGeneration, durable, outcome, there -> null);
    }

    /**
     * Gives an object a new generation with changed metadata. False when too much waits already.
     *
     * @param ttlMillis from now, negative for never; null leaves the expiry
     */
    public boolean touch(
            byte[] key,
            ObjectMetadata changes,
            @Nullable Long ttlMillis,
            @Nullable Long ifGeneration,
            boolean durable,
            Result.Outcome outcome) {
        return change(new ObjectKey(key), ifGeneration, durable, outcome, there -> {
            ObjectMetadata metadata = ObjectMetadata.decode(there.metadata()).merge(changes);
            long expiry = ttlMillis == null ? there.expiryMillis() : expiry(clock.getAsLong(), ttlMillis);
            return rewritten(there, metadata, committer.takeGeneration(), expiry);
        });
    }

    private static IndexRecord rewritten(IndexRecord there, ObjectMetadata metadata, long generation, long expiry)
            throws StoreException {
        byte[] encoded = encode(metadata, generation, expiry);
        return new IndexRecord(
                there.key(),
                generation,
                there.bodyGeneration(),
                there.length(),
                there.createdMillis(),
                expiry,
                metadata.graceMillis(),
                encoded,
                there.inlineBody());
    }

    /** What a change makes of what is there; null for nothing. */
    private interface Edit {
        @Nullable
        IndexRecord of(IndexRecord there) throws StoreException;
    }

    private boolean change(
            ObjectKey key, @Nullable Long ifGeneration, boolean durable, Result.Outcome outcome, Edit edit) {
        return device.submit(() -> {
            Result result;
            boolean told = false;
            try {
                synchronized (committer) {
                    committer.awaitRoom();
                    IndexRecord there = current(key);
                    result = checkGeneration(ifGeneration, there);
                    if (result == null && there == null) {
                        result = Result.refused(Status.NOT_FOUND, "");
                    } else if (result == null && there != null) {
                        result = edit(key, there, edit.of(there), durable ? outcome : null);
                        told = durable;
                    }
                }
            } catch (IOException | LmdbException e) {
                result = Result.failed(StoreException.of(e));
            }
            if (!told && result != null) {
                outcome.done(result);
            }
        });
    }

    private Result edit(ObjectKey key, IndexRecord there, @Nullable IndexRecord now, Result.@Nullable Outcome outcome) {
        Change pending = committer.pending(key);
        NewFile file = now == null || pending == null ? null : pending.file();
        Result result = now == null ? Result.ok(there.generation(), 0) : Result.ok(now.generation(), now.length());
        committer.add(new Change(key, now, file, outcome, result));
        return result;
    }

    /** Takes the object under a key away, durably; soft: makes it expire. False when too much waits already. */
    public boolean purgeKey(byte[] key, boolean soft, Result.Outcome outcome) {
        ObjectKey wanted = new ObjectKey(key);
        return purge(soft, outcome, hits -> {
            IndexRecord there = current(wanted);
            if (there != null) {
                hits.put(wanted, there);
            }
        });
    }

    /** Takes all objects away whose keys start so, durably; soft: makes them expire. False when too much waits already. */
    public boolean purgePrefix(byte[] prefix, boolean soft, Result.Outcome outcome) {
        return purge(soft, outcome, hits -> {
            index.scan(prefix, null, Integer.MAX_VALUE, record -> {
                hits.put(new ObjectKey(record.key()), record);
                return true;
            });
            overlay(hits, record -> PrefixKey.startsWith(record.key(), prefix));
        });
    }

    /** Takes all objects with a tag away, durably; soft: makes them expire. False when too much waits already. */
    public boolean purgeTag(byte[] tag, boolean soft, Result.Outcome outcome) {
        return purge(soft, outcome, hits -> {
            index.tagged(tag).forEach(record -> hits.put(new ObjectKey(record.key()), record));
            overlay(hits, record -> ObjectMetadata.decode(record.metadata()).tags().stream()
                    .anyMatch(other -> Arrays.equals(other, tag)));
        });
    }

    /** Corrects what the index said by the changes that are on their way to it. */
    private void overlay(Map<ObjectKey, IndexRecord> hits, Predicate<IndexRecord> matches) {
        for (Change change : committer.allPending()) {
            ObjectKey key = change.key();
            IndexRecord record = change.record();
            if (key != null && record != null && matches.test(record)) {
                hits.put(key, record);
            } else if (key != null) {
                hits.remove(key);
            }
        }
    }

    /** Finds what a purge takes; under the committer's lock. */
    private interface Search {
        void into(Map<ObjectKey, IndexRecord> hits);
    }

    private boolean purge(boolean soft, Result.Outcome outcome, Search search) {
        return device.submit(() -> {
            try {
                synchronized (committer) {
                    committer.awaitRoom();
                    Map<ObjectKey, IndexRecord> hits = new LinkedHashMap<>();
                    search.into(hits);
                    long count = 0;
                    for (Map.Entry<ObjectKey, IndexRecord> hit : hits.entrySet()) {
                        count += purgeOne(hit.getKey(), hit.getValue(), soft);
                    }
                    // Tells when all of this, and all before it, is on disk: nothing that it found gone may come back.
                    committer.add(Change.barrier(outcome, Result.purged(count)));
                }
            } catch (IOException | LmdbException e) {
                outcome.done(Result.failed(StoreException.of(e)));
            }
        });
    }

    private int purgeOne(ObjectKey key, IndexRecord there, boolean soft) throws StoreException {
        long now = clock.getAsLong();
        if (there.goneAt(now) || (soft && there.expiredAt(now))) {
            return 0;
        }
        IndexRecord left =
                soft ? rewritten(there, ObjectMetadata.decode(there.metadata()), there.generation(), now) : null;
        edit(key, there, left, null);
        return 1;
    }

    /** Removes an object if it is still the same, and says whether it was; on any thread that may block. */
    boolean removeIfSame(ObjectKey key, IndexRecord known) throws StoreException {
        synchronized (committer) {
            committer.awaitRoom();
            Change pending = committer.pending(key);
            IndexRecord there = pending == null ? index.get(key) : pending.record();
            if (there != null
                    && there.generation() == known.generation()
                    && there.expiryMillis() == known.expiryMillis()) {
                edit(key, there, null, null);
                return true;
            }
            return false;
        }
    }

    /** Removes some of what is expired and past its grace, on disk too; returns how many. */
    int removeDue() throws StoreException, InterruptedException {
        int removed = 0;
        for (IndexRecord record : index.due(clock.getAsLong(), DUE_AT_ONCE)) {
            removed += removeIfSame(new ObjectKey(record.key()), record) ? 1 : 0;
        }
        if (removed > 0) {
            flush();
        }
        return removed;
    }

    /** Waits until all changes so far are on disk, or given up. */
    void flush() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        committer.afterAll(result -> done.countDown());
        done.await();
    }

    // ---- listing

    /** Lists up to {@code limit} unexpired objects whose keys start so. False when too much waits already. */
    public boolean list(byte[] prefix, byte @Nullable [] cursor, int limit, Listing listing) {
        if (cursor != null && cursor.length > PrefixKey.LONGEST) {
            listing.page(
                    List.of(), null, new StoreException(Status.BAD_REQUEST, "the cursor is none of this server's"));
            return true;
        }
        return lookups.submit(() -> {
            if (committer.pendingCount() == 0) {
                listNow(prefix, cursor, limit, listing);
            } else {
                committer.afterAll(flushed -> listAfterFlush(flushed, prefix, cursor, limit, listing));
            }
        });
    }

    private void listAfterFlush(Result flushed, byte[] prefix, byte @Nullable [] cursor, int limit, Listing listing) {
        if (flushed.status() != Status.OK) {
            listing.page(List.of(), null, new StoreException(flushed.status(), flushed.message()));
        } else if (!lookups.submit(() -> listNow(prefix, cursor, limit, listing))) {
            listing.page(List.of(), null, new StoreException(Status.BUSY, "the index's queue is full"));
        }
    }

    private void listNow(byte[] prefix, byte @Nullable [] cursor, int limit, Listing listing) {
        List<ListEntry> entries = new ArrayList<>();
        PageRoom room = new PageRoom(limit);
        byte[] at = cursor;
        try {
            long now = clock.getAsLong();
            do {
                // A slice for each read transaction, so that none lives long.
                at = index.scan(prefix, at, LIST_SLICE, record -> {
                    if (!record.expiredAt(now)) {
                        entries.add(room.take(entry(record)));
                    }
                    return room.isLeft();
                });
            } while (at != null && room.isLeft());
            if (at != null && !anyBehind(prefix, at, now)) {
                at = null;
            }
        } catch (LmdbException e) {
            listing.page(List.of(), null, StoreException.ofIndex(e));
            return;
        }
        listing.page(entries, at, null);
    }

    /** What a page of a listing may still take. */
    private static final class PageRoom {
        private int entries;
        private int bytes = LIST_BYTES;

        PageRoom(int entries) {
            this.entries = entries;
        }

        ListEntry take(ListEntry entry) {
            entries--;
            bytes -= entry.size();
            return entry;
        }

        boolean isLeft() {
            return entries > 0 && bytes > 0;
        }
    }

    private boolean anyBehind(byte[] prefix, byte[] cursor, long now) {
        boolean[] found = new boolean[1];
        byte[] at = cursor;
        do {
            at = index.scan(prefix, at, LIST_SLICE, record -> {
                found[0] = !record.expiredAt(now);
                return !found[0];
            });
        } while (at != null && !found[0]);
        return found[0];
    }

    private static ListEntry entry(IndexRecord record) {
        return new ListEntry(
                record.key(),
                record.generation(),
                record.length(),
                record.createdMillis(),
                record.expiryMillis() == IndexRecord.NEVER ? Limits.UNKNOWN : record.expiryMillis());
    }

    // ---- what the parts need of each other

    /** The id of the backing directory, which names it in IO_ERROR; it stays the same for as long as the directory is a store. */
    public String deviceId() {
        return files.id();
    }

    /** What the store and the server count. */
    public Figures figures() {
        return figures;
    }

    /** The queue for whatever may block on the store's directory. */
    public DeviceQueue device() {
        return device;
    }

    /** The queue for whatever may block on what a user passed. */
    PassedQueue passed() {
        return passed;
    }

    Device files() {
        return files;
    }

    ChunkPool chunks() {
        return chunks;
    }

    int inlineBodyBytes() {
        return options.inlineBodyBytes();
    }

    long maxObjectBytes() {
        return options.maxObjectBytes();
    }

    /** Waits until recovery, which runs in the background after the start, has been through the whole store. */
    void awaitRecovery() throws InterruptedException {
        housekeeping.awaitRecovery();
    }

    /** Finishes what is under way, brings all changes to disk and lets go of the directory. No session may use it any more. */
    @Override
    public void close() {
        housekeeping.close();
        passed.close();
        device.close();
        lookups.close();
        committer.close();
        hot.clear();
        index.close();
        files.close();
    }
}
