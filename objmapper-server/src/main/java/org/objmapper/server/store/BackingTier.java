package org.objmapper.server.store;

import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.Totals;
import org.objmapper.server.store.tier.Capacity;
import org.objmapper.server.store.tier.Standings;
import org.objmapper.server.store.tier.Uses;
import org.objmapper.server.thread.Uninterruptibly;

/**
 * The tier of all objects: what it holds, those included whose change is on its way, and whether there is room for more. Whoever needs room
 * waits here for the {@link Evictor}. Safe on any thread; its lock is taken under the committer's, never the other way round.
 */
final class BackingTier {
    private final Capacity capacity;
    private final Uses uses = new Uses();
    private final Standings standings = new Standings();

    // Guarded by this.
    private Totals inIndex;
    private Totals onTheirWay = Totals.NONE;
    private Totals wanted = Totals.NONE;
    private long unfinishedBytes;
    /** Of the unfinished bytes, those that have no room yet. */
    private long unfinishedThatWait;
    /** Above the high watermark, and not at the low one yet. */
    private boolean isMakingRoom;

    /** Bytes that are to be freed on devices, the first wish first. */
    private final Map<Device, Long> wishes = new LinkedHashMap<>();
    /** Where wishes were met, and nobody has taken that into account yet. */
    private final Set<Device> met = new HashSet<>();

    private int waiting;
    private long asked;
    private long givenUp;
    private boolean woken;
    private boolean closing;

    BackingTier(Capacity capacity, Totals inIndex) {
        this.capacity = capacity;
        this.inIndex = inIndex;
        isMakingRoom = capacity.isHigh(inIndex);
    }

    /** What loops tell of objects that were asked for. */
    Uses uses() {
        return uses;
    }

    /** What the evictor is told of objects that came and went. */
    Standings standings() {
        return standings;
    }

    // ---- what it holds

    /** A change is visible from now on. Under the committer's lock. */
    void added(Change change) {
        ObjectKey key = change.key();
        if (key == null) {
            return;
        }
        IndexRecord record = change.record();
        boolean evictable = record != null && record.isEvictable();
        if ((evictable && change.isUse()) || change.difference().evictableObjects() != 0) {
            tellStanding(key, record);
        }
        synchronized (this) {
            onTheirWay = onTheirWay.plus(change.difference());
            notice();
        }
    }

    private void tellStanding(ObjectKey key, @Nullable IndexRecord record) {
        standings.tell(key.stableHash(), record != null && record.isEvictable() ? record.length() : -1);
    }

    /** A change that waited for room is about to reach the index. Under the committer's lock. */
    void standsAgain(Change change) {
        ObjectKey key = change.key();
        if (key != null) {
            tellStanding(key, change.record());
        }
    }

    /** The index has these changes, or some of them are lost. Under the committer's lock. */
    void settled(Collection<Change> changes, boolean someAreLost, Totals nowInIndex) {
        if (someAreLost) {
            standings.leaveOut();
        }
        synchronized (this) {
            for (Change change : changes) {
                onTheirWay = onTheirWay.minus(change.takeDifference());
            }
            inIndex = nowInIndex;
            notice();
        }
    }

    /** What it holds has changed. */
    private void notice() {
        if (!isMakingRoom && capacity.isHigh(held())) {
            isMakingRoom = true;
            wake();
        }
        tellWhoeverWaits(); // it may be room: objects don't leave by eviction alone
    }

    /** Those who wait for room, or for the evictor to give up, look again. The evictor is woken with them, but not if there is nobody. */
    private void tellWhoeverWaits() {
        if (waiting > 0) {
            notifyAll();
        }
    }

    private synchronized Totals held() {
        return inIndex.plus(onTheirWay);
    }

    // ---- for whoever needs room

    /** Whether there is room for so much more. */
    synchronized boolean hasRoom(Totals more) {
        return (more.bytes() <= 0 && more.objects() <= 0) || capacity.takes(held().plus(more));
    }

    /** Waits until there may be room for so much more. */
    synchronized void awaitRoom(Totals more) throws StoreException {
        refuseUnlessPossible(more);
        wanted = wanted.plus(more);
        try {
            if (!awaitEvictor(() -> hasRoom(more))) {
                throw full(more);
            }
        } finally {
            wanted = wanted.minus(more);
        }
    }

    /** Even if all were given up that may be. */
    private void refuseUnlessPossible(Totals more) throws StoreException {
        Totals held = held();
        Totals least = new Totals(held.objects() - held.evictableObjects(), held.bytes() - held.evictableBytes(), 0, 0);
        if (!capacity.takes(least.plus(more))) {
            throw full(more);
        }
    }

    private StoreException full(Totals more) {
        return full("a body of " + more.bytes() + " bytes has no room");
    }

    private StoreException full(String what) {
        Totals held = held();
        String unfinished = unfinishedBytes == 0 ? "" : ", unfinished bodies have " + unfinishedBytes;
        return new StoreException(
                Status.NO_SPACE,
                what + ": of " + held.bytes() + " bytes in " + held.objects() + " objects only "
                        + held.evictableBytes() + " bytes may be evicted" + unfinished
                        + ", and the store's capacity is " + capacity.bytes() + " bytes in " + capacity.objects()
                        + " objects; delete objects or raise the capacity");
    }

    /** Refuses a body that would have no room if nothing else were here. */
    void refuseIfLongerThanAll(long length) throws StoreException {
        if (length > capacity.bytes()) {
            throw new StoreException(
                    Status.NO_SPACE,
                    "a body of " + length + " bytes is longer than the store's capacity of " + capacity.bytes()
                            + " bytes; raise the capacity");
        }
    }

    /** So many bytes are about to be written of a body that is no object yet; waits until there is room. */
    synchronized void grow(long bytes) throws StoreException {
        unfinishedBytes += bytes;
        if (takesUnfinished()) {
            return;
        }
        unfinishedThatWait += bytes;
        boolean room = awaitEvictor(this::takesUnfinished);
        unfinishedThatWait -= bytes;
        if (!room) {
            unfinishedBytes -= bytes;
            tellWhoeverWaits();
            throw full("a body that is coming in has no room for " + bytes + " bytes more");
        }
    }

    /** So many bytes of bodies that were no objects yet are an object's now, or gone. */
    synchronized void shrink(long bytes) {
        unfinishedBytes -= bytes;
        tellWhoeverWaits();
    }

    private boolean takesUnfinished() {
        return capacity.takesUnfinished(held(), unfinishedBytes);
    }

    /** Bytes that bodies that are no objects yet take; those that wait for room take none. */
    synchronized long unfinishedBytes() {
        return unfinishedBytes - unfinishedThatWait;
    }

    /**
     * Has objects evicted that free so many bytes of a device, because its file system is full, or as many as there are, and waits until they
     * are gone.
     */
    synchronized void freeDevice(Device device, long bytes) {
        wantOnDevice(device, bytes);
        awaitEvictor(() -> !wishes.containsKey(device));
    }

    /** As {@link #freeDevice}, without waiting. */
    synchronized void wantOnDevice(Device device, long bytes) {
        wishes.merge(device, bytes, Math::max);
        wake();
    }

    /** Whether the evictor is still about a wish for room on a device. */
    synchronized boolean isFreeingDevice(Device device) {
        return wishes.containsKey(device);
    }

    /** Whether such a wish was met since this was asked the last time. */
    synchronized boolean takeMetWish(Device device) {
        return met.remove(device);
    }

    /** Evicting makes no room: the wish is taken back. */
    synchronized void giveUpDevice(Device device) {
        wishes.remove(device);
        met.remove(device);
        tellWhoeverWaits();
    }

    /** Waits until a wish is met; false where nobody is left to evict, and where the store closes. */
    private boolean awaitEvictor(BooleanSupplier isMet) {
        long ticket = ++asked;
        waiting++;
        wake();
        Uninterruptibly.awaitWhile(() -> !isMet.getAsBoolean() && givenUp < ticket && !closing, this::wait);
        waiting--;
        return isMet.getAsBoolean();
    }

    // ---- for the evictor

    /** Why the next object is to be evicted; null where none is. */
    synchronized Evictor.@Nullable Reason reasonToEvict() {
        Totals held = held();
        if (isMakingRoom && !capacity.isAboveLow(held)) {
            isMakingRoom = false;
        }
        boolean somebodyWaits = wanted.bytes() > 0 || wanted.objects() > 0;
        if (isMakingRoom
                || (somebodyWaits && !capacity.takes(held.plus(wanted)))
                || (unfinishedThatWait > 0 && !takesUnfinished())) {
            return Evictor.Reason.CAPACITY;
        }
        return wishes.isEmpty() ? null : Evictor.Reason.NO_SPACE;
    }

    /**
     * Room that a device is to get because its file system is full.
     *
     * @param bytes that are to be freed
     */
    record Wish(Device device, long bytes) {}

    /** The next wish; {@link #freed} says that it is met. Null where there is none. */
    synchronized @Nullable Wish wish() {
        return wishes.entrySet().stream()
                .findFirst()
                .map(wish -> new Wish(wish.getKey(), wish.getValue()))
                .orElse(null);
    }

    /** A device has got room. */
    synchronized void freed(Device device) {
        if (wishes.remove(device) != null) {
            met.add(device);
        }
        tellWhoeverWaits();
    }

    /** What {@link #nobodyIsLeft} wants later; to be asked for before the standings are drained. */
    synchronized long asked() {
        return asked;
    }

    /** Nobody is left to evict for those who had asked until then. */
    synchronized void nobodyIsLeft(long askedUntil) {
        givenUp = askedUntil;
        if (asked == askedUntil) {
            wishes.clear();
        }
        tellWhoeverWaits();
    }

    /** An object was evicted: those who wait look whether that is enough. */
    synchronized void evicted() {
        tellWhoeverWaits();
    }

    /** Waits until there may be something to do, for so long at most; false when the store closes. */
    synchronized boolean awaitWork(long millis) {
        if (!woken && !closing && millis > 0) {
            try {
                TimeUnit.MILLISECONDS.timedWait(this, millis);
            } catch (InterruptedException e) {
                closing = true; // nobody interrupts this thread but to end it
            }
        }
        woken = false;
        return !closing;
    }

    private void wake() {
        woken = true;
        notifyAll();
    }

    synchronized void close() {
        closing = true;
        notifyAll();
    }
}
