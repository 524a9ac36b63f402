package org.objmapper.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.ban.Bans;
import org.objmapper.server.store.ban.Extent;
import org.objmapper.server.store.ban.FillTokens;
import org.objmapper.server.store.ban.RecordedPurge;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.NewFile;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.IndexRow;
import org.objmapper.server.store.index.LoggedKeys;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.Totals;
import org.objmapper.server.store.index.Variant;

/** Makes changes of single objects: looks at what is there, decides under the committer's lock, and gives the committer the change. Safe on any thread that may block. */
final class Changes {
    /** Bans whose objects are not all removed yet (protocol-spec.md 5.7). */
    static final int MAX_BANS = 256;

    private static final int DUE_AT_ONCE = 1_000;
    private static final long NEVER = -1;
    private static final ReadAllAhead NOTHING_AHEAD = new ReadAllAhead(NEVER, Map.of());

    private final Index index;
    private final Function<ObjectKey, @Nullable IndexRecord> stored;
    private final BackingTier tier;
    private final Committer committer;
    private final FillTokens fills;
    private final Bans bans;
    private final LongSupplier clock;
    /** Those under way; changed under the committer's lock. */
    private final List<Purge> purges = new CopyOnWriteArrayList<>();
    /** Devices that take nothing any more; guarded by the committer's lock. */
    private final Set<Device> removed = new HashSet<>();

    /**
     * What stood in the index after so many {@link Committer#departures}, and which of the purges under way take it: regular expressions are
     * not to be matched under the lock.
     */
    record ReadAhead(long departures, @Nullable IndexRecord record, Map<Purge, Boolean> taken) {
        static final ReadAhead NOTHING = new ReadAhead(NEVER, null, Map.of());

        boolean isTaken(IndexRecord there, Purge by) {
            boolean isSame = record != null && record.generation() == there.generation();
            Boolean known = isSame ? taken.get(by) : null;
            return known == null ? by.takes(there) : known;
        }
    }

    /** Which objects stood under a key in the index after so many {@link Committer#departures}, and what was read of each. */
    private record ReadAllAhead(long departures, Map<ObjectKey, ReadAhead> each) {}

    Changes(Index index, BackingTier tier, Committer committer, FillTokens fills, Bans bans, LongSupplier clock) {
        this(index, index::get, tier, committer, fills, bans, clock);
    }

    /** As usual, but with another way to what stands in the index. */
    Changes(
            Index index,
            Function<ObjectKey, @Nullable IndexRecord> stored,
            BackingTier tier,
            Committer committer,
            FillTokens fills,
            Bans bans,
            LongSupplier clock) {
        this.index = index;
        this.stored = stored;
        this.tier = tier;
        this.committer = committer;
        this.fills = fills;
        this.bans = bans;
        this.clock = clock;
    }

    /** Makes an object of a body, which it takes over. May block. */
    void put(Put put, Body body, Result.Outcome outcome) {
        boolean taken = false;
        boolean told = false;
        Result result = null;
        try {
            Variant variant = put.metadata().variant();
            ObjectKey key = new ObjectKey(put.key()).variant(variant.id());
            while (result == null) {
                Totals more;
                ReadAhead ahead = readAhead(key);
                ReadAllAhead besides = ahead.record == null && key.variant() != 0 ? readAllAhead(key) : NOTHING_AHEAD;
                synchronized (committer) {
                    committer.awaitRoom();
                    IndexRecord before = standing(key, ahead);
                    more = Totals.of(body.length(), put.metadata().isEvictable())
                            .minus(Totals.of(before));
                    result = check(put, key, unlessGone(before));
                    if (result == null && before == null && key.variant() != 0) {
                        result = checkBesides(key, variant, besides);
                    }
                    if (result != null) {
                        told = put.durable() && tellOnceOnDisk(key, outcome, result);
                    } else if (tier.hasRoom(more)) {
                        result = publish(key, put, body, before, outcome);
                        taken = true;
                        told = put.durable();
                    }
                }
                if (result == null) {
                    tier.awaitRoom(more);
                }
            }
        } catch (IOException | IndexException e) {
            result = Result.failed(StoreException.of(e));
        } catch (RuntimeException | Error e) {
            body.discard();
            throw e;
        }
        if (!taken) {
            body.discard();
        }
        if (!told) {
            outcome.done(result);
        }
    }

    /** Tells what a durable change found when that is on disk too; false where it is already. Under the committer's lock. */
    private boolean tellOnceOnDisk(ObjectKey key, Result.Outcome outcome, Result found) {
        if (committer.pending().under(key).isEmpty()) {
            return false;
        }
        committer.add(Change.barrierAfterAll(outcome, found));
        return true;
    }

    private @Nullable Result check(Put put, ObjectKey key, @Nullable IndexRecord there) {
        String stale = staleness(put, key);
        if (stale != null) {
            return Result.refused(Status.STALE_FILL, stale);
        }
        if (put.ifAbsent() && there != null && !there.expiredAt(clock.getAsLong())) {
            return Result.precondition(there.generation());
        }
        return checkGeneration(put.ifGeneration(), there);
    }

    /** Whether one more variant may stand under a key. */
    private @Nullable Result checkBesides(ObjectKey key, Variant variant, ReadAllAhead ahead) throws StoreException {
        List<Variant> variants = new ArrayList<>();
        for (IndexRecord there : allCurrent(key, ahead).values()) {
            if ((there.flags() & IndexRecord.VARIANT) != 0) {
                variants.add(there.variant());
            }
        }
        if (variants.size() >= Limits.MAX_VARIANTS) {
            return Result.refused(
                    Status.BAD_REQUEST,
                    LoggedKeys.of(key) + " has " + variants.size() + " variants, as many as a key takes");
        }
        variants.add(variant);
        int headers = Variants.headers(variants);
        return headers <= MetadataType.VARIANT_HEADER.repeats()
                ? null
                : Result.refused(
                        Status.BAD_REQUEST,
                        "the variants of " + LoggedKeys.of(key) + " would be told apart by " + headers
                                + " headers; they may be by " + MetadataType.VARIANT_HEADER.repeats());
    }

    private @Nullable String staleness(Put put, ObjectKey key) {
        byte[] token = put.fillToken();
        return token == null
                ? null
                : fills.staleness(
                        token,
                        key,
                        ByteBuffer.wrap(put.metadata().encode()).order(ByteOrder.LITTLE_ENDIAN),
                        put.metadata().tags());
    }

    private static @Nullable Result checkGeneration(@Nullable Long wanted, @Nullable IndexRecord there) {
        long generation = there == null ? 0 : there.generation();
        return wanted == null || wanted == generation && there != null ? null : Result.precondition(generation);
    }

    private Result publish(ObjectKey key, Put put, Body body, @Nullable IndexRecord before, Result.Outcome outcome)
            throws StoreException {
        if (body.device() != null) {
            refuseRemoved(body.device());
        }
        long now = clock.getAsLong();
        long expiry = expiry(now, put.ttlMillis());
        ObjectMetadata metadata = put.metadata();
        metadata.set(MetadataType.SHA256, body.sha256()).set(MetadataType.CREATED, now);
        Long xxh3 = put.expectedXxh3();
        if (xxh3 != null) {
            metadata.set(MetadataType.XXH3, xxh3);
        }
        long generation = committer.generations().take();
        byte[] encoded = encode(metadata, generation, expiry);
        Device device = body.device();
        IndexRecord record = new IndexRecord(
                key.bytes(),
                (body.inline() == null ? 0 : IndexRecord.INLINE)
                        | (metadata.isEvictable() ? IndexRecord.EVICTABLE : 0)
                        | (key.variant() == 0 ? 0 : IndexRecord.VARIANT),
                device == null ? IndexRecord.NO_DEVICE : device.number(),
                generation,
                generation,
                body.length(),
                now,
                expiry,
                metadata.graceMillis(),
                body.xxh3(),
                encoded,
                body.inline());
        NewFile file =
                device == null ? null : new NewFile(device, body.descriptor(), body.synced(), key.digest(), generation);
        Result result = new Result(Status.OK, "", generation, body.length(), 0, body.sha256(), xxh3, null);
        committer.add(new Change(key, before, record, file, put.durable() ? outcome : null, result));
        fills.changed(key);
        return result;
    }

    private void refuseRemoved(Device device) throws StoreException {
        if (removed.contains(device)) {
            throw new StoreException(
                    Status.BUSY, "the device " + device.id() + " was removed meanwhile: try once more");
        }
    }

    /** Whether nothing is on a device or on its way there; then nothing comes there any more. */
    boolean closeIfEmpty(Device device) {
        synchronized (committer) {
            for (Change change : committer.pending().all()) {
                NewFile file = change.file();
                if (file != null && file.device() == device) {
                    return false;
                }
            }
            if (index.totals(IndexRecord.BACKING, device.number()).objects() > 0) {
                return false;
            }
            removed.add(device);
            return true;
        }
    }

    /** Takes back {@link #closeIfEmpty}. */
    void open(Device device) {
        synchronized (committer) {
            removed.remove(device);
        }
    }

    private static byte[] encode(ObjectMetadata metadata, long generation, long expiry) throws StoreException {
        metadata.set(MetadataType.GENERATION, generation);
        if (expiry == IndexRecord.NEVER) {
            metadata.remove(MetadataType.EXPIRY);
        } else {
            metadata.set(MetadataType.EXPIRY, expiry);
        }
        byte[] encoded = metadata.encode();
        if (encoded.length > Limits.MAX_OBJECT_METADATA) {
            throw new StoreException(
                    Status.BAD_REQUEST,
                    "the object's metadata would take " + encoded.length + " bytes; it may take "
                            + Limits.MAX_OBJECT_METADATA);
        }
        return encoded;
    }

    private static long expiry(long now, long ttlMillis) {
        return ttlMillis < 0 || ttlMillis >= IndexRecord.NEVER - now ? IndexRecord.NEVER : now + ttlMillis;
    }

    /**
     * Reads what {@link #current} will want of the index, not under the lock: a page that isn't in memory holds up nobody else's change.
     */
    ReadAhead readAhead(ObjectKey key) {
        long departures = committer.pending().departures();
        if (committer.pending().of(key) != null) {
            return ReadAhead.NOTHING; // where it is one of those that are leaving, it may be counted already
        }
        try {
            IndexRecord record = stored.apply(key);
            Map<Purge, Boolean> taken = new HashMap<>();
            if (record != null) {
                purges.forEach(purge -> taken.put(purge, purge.takes(record)));
            }
            return new ReadAhead(departures, record, taken);
        } catch (IndexException e) {
            return ReadAhead.NOTHING; // asked again where the committer says first whether it takes changes
        }
    }

    /** As {@link #readAhead}, for all objects under a key. */
    private ReadAllAhead readAllAhead(ObjectKey key) {
        long departures = committer.pending().departures();
        Map<ObjectKey, ReadAhead> each = new LinkedHashMap<>();
        try {
            for (ObjectKey one : index.keysUnder(key)) {
                each.put(one, readAhead(one));
            }
            return new ReadAllAhead(departures, each);
        } catch (IndexException e) {
            return NOTHING_AHEAD;
        }
    }

    private @Nullable IndexRecord stored(ObjectKey key, ReadAhead ahead) {
        Change pending = committer.pending().of(key);
        if (pending != null) {
            return pending.record();
        }
        // Else a commit may have changed it since; but then its page is in memory.
        return ahead.departures == committer.pending().departures() ? ahead.record : stored.apply(key);
    }

    /**
     * What stands under a key, the changes included that are on their way; purges under way take it first. Under the committer's lock.
     */
    @Nullable
    IndexRecord current(ObjectKey key, ReadAhead ahead) throws StoreException {
        return unlessGone(standing(key, ahead));
    }

    /** As {@link #current}, for all objects under a key. */
    private Map<ObjectKey, IndexRecord> allCurrent(ObjectKey key, ReadAllAhead ahead) throws StoreException {
        Set<ObjectKey> all = new LinkedHashSet<>(
                ahead.departures == committer.pending().departures() ? ahead.each.keySet() : index.keysUnder(key));
        for (Change change : committer.pending().under(key)) {
            ObjectKey pending = change.key();
            if (pending != null) {
                all.add(pending);
            }
        }
        Map<ObjectKey, IndexRecord> found = new LinkedHashMap<>();
        for (ObjectKey one : all) {
            IndexRecord record = current(one, ahead.each.getOrDefault(one, ReadAhead.NOTHING));
            if (record != null) {
                found.put(one, record);
            }
        }
        return found;
    }

    private @Nullable IndexRecord unlessGone(@Nullable IndexRecord record) {
        return record == null || record.goneAt(clock.getAsLong()) ? null : record;
    }

    /** As {@link #current}, but whatever is past its grace and not removed yet stands too. */
    private @Nullable IndexRecord standing(ObjectKey key, ReadAhead ahead) throws StoreException {
        IndexRecord record = stored(key, ahead);
        for (Purge purge : purges) {
            if (record != null && ahead.isTaken(record, purge)) {
                record = take(key, record, purge.isSoft(), purge);
            }
        }
        return record;
    }

    /** Takes an object for a purge, unless there is nothing to take any more; returns what is left of it. */
    private @Nullable IndexRecord take(ObjectKey key, IndexRecord there, boolean soft, Purge purge)
            throws StoreException {
        long now = clock.getAsLong();
        if (there.goneAt(now) || (soft && there.expiredAt(now))) {
            return there;
        }
        IndexRecord left = soft ? expired(there, now) : null;
        purge.took();
        edit(key, there, left, purge::settled);
        return left;
    }

    private static IndexRecord expired(IndexRecord there, long now) throws StoreException {
        return rewritten(there, ObjectMetadata.decode(there.metadata()), there.generation(), now);
    }

    /**
     * Begins a purge, and records it with the next commit; adds to {@code onTheirWay} the keys of what it takes and the index may not have
     * yet.
     */
    Purge begin(Extent extent, boolean soft, List<ObjectKey> onTheirWay) throws StoreException {
        synchronized (committer) {
            awaitRoom(!soft);
            Purge purge = new Purge(new RecordedPurge(committer.generations().take(), extent, soft, null));
            for (Change change : committer.pending().all()) {
                ObjectKey key = change.key();
                IndexRecord record = change.record();
                if (key != null && record != null && purge.takes(record)) {
                    onTheirWay.add(key);
                }
            }
            purges.add(purge);
            fills.purged(extent);
            committer.add(Change.ofRows(List.of(purge.recorded().row()), null));
            return purge;
        }
    }

    /** Begins a ban: it hides what it hits from now on, and {@code outcome} is told when it is on disk; null where there are too many already. */
    @Nullable
    Purge beginBan(Extent extent, Result.Outcome outcome) throws StoreException {
        synchronized (committer) {
            committer.awaitRoomToRemove();
            if (bans.count() >= MAX_BANS) {
                return null;
            }
            Purge ban = new Purge(new RecordedPurge(committer.generations().take(), extent, false, null));
            purges.add(ban);
            committer.pending().hideAll(() -> bans.add(ban.recorded()));
            fills.purged(extent);
            committer.add(Change.ofRows(List.of(ban.recorded().row()), outcome));
            return ban;
        }
    }

    /** Goes on with a ban that hides objects which were not removed when the server stopped. */
    Purge resumeBan(RecordedPurge recorded) {
        synchronized (committer) {
            bans.add(recorded);
            return resume(recorded);
        }
    }

    /** All that a ban hits is removed. */
    void endBan(Purge ban) {
        synchronized (committer) {
            purges.remove(ban);
            bans.drop(ban.recorded());
        }
    }

    /** Goes on with a purge that a stop of the server cut off. */
    Purge resume(RecordedPurge recorded) {
        synchronized (committer) {
            Purge purge = new Purge(recorded);
            purges.add(purge);
            return purge;
        }
    }

    /** Takes those of some objects that purges under way cover, and writes the row that says how far one of these is; one that removes them may do so on a full disk. */
    void take(List<ObjectKey> keys, @Nullable IndexRow progress, boolean removes) throws StoreException {
        Map<ObjectKey, ReadAhead> ahead = new LinkedHashMap<>();
        for (ObjectKey key : keys) {
            ahead.put(key, readAhead(key));
        }
        synchronized (committer) {
            awaitRoom(removes);
            if (progress != null) {
                committer.add(Change.ofRows(List.of(progress), null));
            }
            for (Map.Entry<ObjectKey, ReadAhead> each : ahead.entrySet()) {
                current(each.getKey(), each.getValue());
            }
        }
    }

    /** Has a purge told when all changes so far are on disk, and nothing is recorded of it any more. */
    void settle(Purge purge) throws StoreException {
        synchronized (committer) {
            committer.awaitRoomToRemove();
            purge.awaits();
            Result purged = Result.purged(0);
            committer.add(
                    purge.isSoft()
                            ? Change.barrierAfterAll(purge::settled, purged)
                            : Change.barrier(purge::settled, purged));
            purge.awaits();
            committer.add(Change.ofRows(List.of(purge.recorded().noRow()), purge::settled));
        }
    }

    /** How many purges are under way. */
    int purges() {
        synchronized (committer) {
            return purges.size() - bans.count();
        }
    }

    void end(Purge purge) {
        synchronized (committer) {
            purges.remove(purge);
        }
    }

    /** Takes all objects under a key away, durably; soft: makes them expire. */
    void purge(ObjectKey key, boolean soft, Result.Outcome outcome) {
        try {
            ReadAllAhead ahead = readAllAhead(key);
            synchronized (committer) {
                awaitRoom(!soft);
                long now = clock.getAsLong();
                Map<ObjectKey, IndexRecord> there = allCurrent(key, ahead);
                there.values().removeIf(record -> soft && record.expiredAt(now));
                List<Change> together = new ArrayList<>();
                for (Map.Entry<ObjectKey, IndexRecord> each : there.entrySet()) {
                    IndexRecord record = each.getValue();
                    together.add(changeOf(each.getKey(), record, soft ? expired(record, now) : null, null));
                }
                addTogether(together);
                fills.removed(key);
                // Tells when this, and all before it, is on disk: what it found gone may not come back.
                Result purged = Result.purged(together.size());
                committer.add(soft ? Change.barrierAfterAll(outcome, purged) : Change.barrier(outcome, purged));
            }
        } catch (IOException | IndexException e) {
            outcome.done(Result.failed(StoreException.of(e)));
        }
    }

    /** Deletes all objects under a key, or of them only the one with a generation. */
    void delete(ObjectKey key, @Nullable Long ifGeneration, boolean durable, Result.Outcome outcome) {
        Result result;
        boolean told = false;
        try {
            ReadAllAhead ahead = readAllAhead(key);
            synchronized (committer) {
                committer.awaitRoomToRemove();
                boolean waits = durable || committer.isOutOfRoom();
                Map<ObjectKey, IndexRecord> there = allCurrent(key, ahead);
                long newest = there.values().stream()
                        .mapToLong(IndexRecord::generation)
                        .max()
                        .orElse(0);
                if (ifGeneration != null) {
                    there.values().removeIf(record -> record.generation() != ifGeneration);
                }
                if (!there.isEmpty()) {
                    result = remove(there, waits ? outcome : null);
                    told = waits;
                } else {
                    result = ifGeneration == null ? Result.refused(Status.NOT_FOUND, "") : Result.precondition(newest);
                    told = waits && tellOnceOnDisk(key, outcome, result);
                }
                if (result.isOk() || newest == 0) {
                    fills.removed(key);
                }
            }
        } catch (IOException | IndexException e) {
            result = Result.failed(StoreException.of(e));
        }
        if (!told) {
            outcome.done(result);
        }
    }

    private Result remove(Map<ObjectKey, IndexRecord> there, Result.@Nullable Outcome outcome) {
        Result.Outcome ofEach = there.size() == 1 ? outcome : null;
        List<Change> together = new ArrayList<>();
        there.forEach((key, record) -> together.add(changeOf(key, record, null, ofEach)));
        addTogether(together);
        Result result = together.isEmpty()
                ? Result.ok(0, 0)
                : together.get(together.size() - 1).result();
        if (outcome != null && ofEach == null) {
            committer.add(Change.barrier(outcome, result));
        }
        return result;
    }

    /**
     * Gives an object a new generation with changed metadata; which of those under the key the variant in that says.
     *
     * @param ttlMillis from now, negative for never; null leaves the expiry
     */
    void touch(
            ObjectKey plain,
            ObjectMetadata changes,
            @Nullable Long ttlMillis,
            @Nullable Long ifGeneration,
            boolean durable,
            Result.Outcome outcome) {
        ObjectKey key = plain.variant(changes.variant().id());
        Result result;
        boolean told = false;
        try {
            ReadAhead ahead = readAhead(key);
            synchronized (committer) {
                committer.awaitRoom();
                boolean waits = durable || committer.isOutOfRoom();
                IndexRecord there = current(key, ahead);
                result = checkGeneration(ifGeneration, there);
                if (result == null && there != null) {
                    result = edit(key, there, touched(there, changes, ttlMillis), waits ? outcome : null);
                    told = waits;
                    fills.changed(key);
                } else {
                    result = result == null ? Result.refused(Status.NOT_FOUND, "") : result;
                    told = waits && tellOnceOnDisk(key, outcome, result);
                }
            }
        } catch (IOException | IndexException e) {
            result = Result.failed(StoreException.of(e));
        }
        if (!told) {
            outcome.done(result);
        }
    }

    private IndexRecord touched(IndexRecord there, ObjectMetadata changes, @Nullable Long ttlMillis)
            throws StoreException {
        ObjectMetadata metadata = ObjectMetadata.decode(there.metadata()).merge(changes);
        long expiry = ttlMillis == null ? there.expiryMillis() : expiry(clock.getAsLong(), ttlMillis);
        return rewritten(there, metadata, committer.generations().take(), expiry);
    }

    static IndexRecord rewritten(IndexRecord there, ObjectMetadata metadata, long generation, long expiry)
            throws StoreException {
        return there.rewritten(
                generation,
                expiry,
                metadata.graceMillis(),
                metadata.isEvictable(),
                encode(metadata, generation, expiry));
    }

    private void awaitRoom(boolean toRemove) throws StoreException {
        if (toRemove) {
            committer.awaitRoomToRemove();
        } else {
            committer.awaitRoom();
        }
    }

    Result edit(ObjectKey key, IndexRecord there, @Nullable IndexRecord now, Result.@Nullable Outcome outcome) {
        Change change = changeOf(key, there, now, outcome);
        committer.add(change);
        return change.result();
    }

    /** Has the index take all of these with one commit. */
    private void addTogether(List<Change> changes) {
        int left = changes.size();
        for (Change change : changes) {
            committer.add(--left > 0 ? change.withNext() : change);
        }
    }

    private Change changeOf(
            ObjectKey key, IndexRecord there, @Nullable IndexRecord now, Result.@Nullable Outcome outcome) {
        Change pending = committer.pending().of(key);
        NewFile file = now == null || pending == null ? null : pending.file();
        Result result = now == null ? Result.ok(there.generation(), 0) : Result.ok(now.generation(), now.length());
        return new Change(key, there, now, file, outcome, result);
    }

    /** Removes an object if it is still the same, and says whether it was; on any thread that may block. */
    boolean removeIfSame(ObjectKey key, IndexRecord known) throws StoreException {
        ReadAhead ahead = readAhead(key);
        synchronized (committer) {
            committer.awaitRoomToRemove();
            IndexRecord there = stored(key, ahead);
            if (there != null
                    && there.generation() == known.generation()
                    && there.expiryMillis() == known.expiryMillis()
                    && there.hasBodyOf(known)) {
                edit(key, there, null, null);
                return true;
            }
            return false;
        }
    }

    /** Removes an object if it still has a body; on any thread that may block. */
    void removeIfBody(ObjectKey key, long bodyGeneration) throws StoreException {
        ReadAhead ahead = readAhead(key);
        synchronized (committer) {
            committer.awaitRoomToRemove();
            IndexRecord there = stored(key, ahead);
            if (there != null && there.bodyGeneration() == bodyGeneration) {
                edit(key, there, null, null);
            }
        }
    }

    /**
     * Gives an object the copy of its body that is on another device, and tells {@code outcome} when that is on disk; false where it has
     * another body by now, and then the descriptor stays the caller's. On any thread that may block.
     *
     * @param descriptor of the copy, which has no name yet
     */
    boolean move(ObjectKey key, IndexRecord known, Device target, int descriptor, Result.Outcome outcome)
            throws StoreException {
        ReadAhead ahead = readAhead(key);
        synchronized (committer) {
            committer.awaitRoom();
            IndexRecord there = stored(key, ahead);
            if (there == null || !there.hasBodyOf(known)) {
                return false;
            }
            refuseRemoved(target);
            long bodyGeneration = committer.generations().take();
            committer.add(new Change(
                    key,
                    there,
                    there.movedTo(target.number(), bodyGeneration),
                    new NewFile(target, descriptor, false, key.digest(), bodyGeneration),
                    outcome,
                    Result.ok(there.generation(), there.length())));
            return true;
        }
    }

    /** Evicts an object unless it is kept, and says whether it did; on any thread that may block. */
    boolean evict(ObjectKey key) throws StoreException {
        ReadAhead ahead = readAhead(key);
        synchronized (committer) {
            committer.awaitRoomToRemove();
            IndexRecord there = stored(key, ahead);
            if (there == null || !there.isEvictable()) {
                return false;
            }
            edit(key, there, null, null);
            return true;
        }
    }

    /** Removes some of what is expired and past its grace, but doesn't wait until that is on disk; returns how many. */
    int removeDue() throws StoreException {
        int removed = 0;
        for (IndexRecord record : index.due(clock.getAsLong(), DUE_AT_ONCE)) {
            removed += removeIfSame(record.objectKey(), record) ? 1 : 0;
        }
        return removed;
    }
}
