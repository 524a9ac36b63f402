package org.objmapper.server.store;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.SavedOrder;
import org.objmapper.server.store.tier.EvictionOrder;
import org.objmapper.server.store.tier.OrderCopy;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.LoggerFactory;

/**
 * Evicts objects from the backing tier when it is fuller than its high watermark, when a PUT needs room and when the file system is full; on
 * one thread, which alone has the order of eviction. After the start that is the saved one; it goes through the index once, so that the order
 * knows all objects. An eviction is a change like a DELETE.
 */
final class Evictor implements AutoCloseable {
    /** How long noted uses may wait until the policy hears of them. */
    private static final long PAUSE_MILLIS = 200;
    /** How old the saved order may become; a stop saves it too. */
    private static final long SAVE_PAUSE_NANOS = TimeUnit.MINUTES.toNanos(10);

    /** Objects that are looked at or evicted in one turn: between turns it hears what has changed. */
    private static final int TURN = 256;

    /** What an object takes in the index without its body, about. */
    private static final long INDEX_BYTES = 512;

    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Evictor.class));

    private final BackingTier tier;
    private final Index index;
    private final SavedOrder saved;
    private final Committer committer;
    private final Changes changes;
    private final Devices devices;
    private final Metrics metrics;
    private final EvictionOrder order;
    private final Map<Device, LongAdder[]> evictions = new ConcurrentHashMap<>();
    private final EvictionOrder.Victim victim = new EvictionOrder.Victim();
    private final Thread thread = new Thread(this::run, "store-evictor");
    /** The walk through the index goes on behind this key; before the first while it is null. */
    private byte @Nullable [] walkedTo;

    private boolean walking = true;
    private long freedBytes;
    /** Who was not evicted because that would not have freed the device that is full. */
    private final PassedOver passed = new PassedOver();

    private long savedNanos = System.nanoTime();
    /** What is left of the order that is being saved, and where it goes. */
    private @Nullable OrderCopy copy;

    private SavedOrder.@Nullable Writer writer;

    /** Why an object is evicted. */
    enum Reason {
        /** The tier holds more than it should, or a PUT needs room. */
        CAPACITY(Metric.STORE_EVICTIONS_CAPACITY),
        /** A file system is full. */
        NO_SPACE(Metric.STORE_EVICTIONS_NO_SPACE);

        private final Metric metric;

        Reason(Metric metric) {
            this.metric = metric;
        }
    }

    Evictor(
            BackingTier tier,
            EvictionOrder order,
            Index index,
            SavedOrder saved,
            Committer committer,
            Changes changes,
            Devices devices,
            Metrics metrics) {
        this.tier = tier;
        this.order = order;
        this.index = index;
        this.saved = saved;
        this.committer = committer;
        this.changes = changes;
        this.devices = devices;
        this.metrics = metrics;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    private void run() {
        attempt(() -> saved.load(order::restore), "read the order of eviction");
        boolean busy = true;
        while (tier.awaitWork(busy ? 0 : PAUSE_MILLIS)) {
            busy = turn();
            if (writer != null || System.nanoTime() - savedNanos >= SAVE_PAUSE_NANOS) {
                attempt(this::saveOn, "save the order of eviction");
            }
        }
        attempt(this::saveAll, "save the order of eviction");
    }

    /** Saves the order piece by piece, so that evictions don't wait for all of it. */
    private void saveOn() throws IOException {
        SavedOrder.Writer begun = writer;
        OrderCopy left = copy;
        if (begun == null || left == null) {
            savedNanos = System.nanoTime();
            copy = new OrderCopy(order);
            writer = saved.begin(committer::write);
        } else if (!left.handOver(begun::add)) {
            begun.end();
            stopSaving();
        }
    }

    private void stopSaving() {
        writer = null;
        copy = null;
    }

    /** The last objects that came and went are in it too. */
    private void saveAll() throws IOException {
        passed.putBack(order);
        tier.standings().drain(order::stands);
        tier.uses().drain(order::used);
        SavedOrder.Writer last = saved.begin(committer::write);
        OrderCopy all = new OrderCopy(order);
        while (all.handOver(last::add)) {
            // piece by piece
        }
        last.end();
    }

    private interface Task {
        void run() throws IOException;
    }

    private void attempt(Task task, String what) {
        try {
            task.run();
        } catch (IOException | IndexException e) {
            stopSaving();
            FAILURES.error("The store can't " + what + ": {}", e.getMessage());
        } catch (RuntimeException | Error e) {
            stopSaving();
            FAILURES.error("A defect kept the store from that: " + what, e);
        }
    }

    /** A piece of what there is to do; true if there is more. */
    private boolean turn() {
        long asked = tier.asked();
        try {
            if (!tier.standings().drain(order::stands)) {
                walking = true; // some were left out: the index knows them
                walkedTo = null;
            }
            tier.uses().drain(order::used);
            boolean mayWalk = index.isChecked(); // or it may be the first to meet a broken page, which ends the process
            if (walking && mayWalk) {
                walkOn();
            }
            return (makeRoom(asked) || walking) && mayWalk;
        } catch (StoreException | IndexException | InterruptedException e) {
            FAILURES.error("The store can't make room: {}", e.getMessage());
            tier.nobodyIsLeft(asked);
            return false;
        } catch (RuntimeException | Error e) {
            FAILURES.error("Making room ended in a defect", e);
            tier.nobodyIsLeft(asked);
            return false;
        }
    }

    private void walkOn() {
        List<IndexRecord> some = index.after(walkedTo, TURN);
        for (IndexRecord record : some) {
            ObjectKey key = record.objectKey();
            walkedTo = key.row();
            if (record.isEvictable()) {
                order.found(key.stableHash(), record.length());
            }
        }
        if (some.size() < TURN) {
            walking = false;
            order.forgetUnconfirmed();
        }
    }

    /** Evicts as long as there is a reason to; true if there is more to do than a turn takes. */
    private boolean makeRoom(long asked) throws StoreException, InterruptedException {
        for (int i = 0; i < TURN; i++) {
            Reason reason = tier.reasonToEvict();
            BackingTier.Wish wish = reason == Reason.NO_SPACE ? tier.wish() : null;
            if (reason == null) {
                passed.putBack(order);
                return false;
            }
            if (wish != null && freedBytes >= wish.bytes()) {
                letGoOfFiles();
                tier.freed(wish.device());
            } else if (!passed.isFull() && order.takeVictim(victim)) {
                evict(reason, wish);
            } else if (walking && !passed.isFull()) {
                return true;
            } else if (!makeRoomOfPassed(wish)) {
                letGoOfFiles();
                tier.nobodyIsLeft(asked);
                return false;
            }
        }
        return true;
    }

    /** Nobody is left but those who were passed over: the least that they free is room in the index. False where that is not asked for. */
    private boolean makeRoomOfPassed(BackingTier.@Nullable Wish wish) throws StoreException, InterruptedException {
        if (wish == null) {
            return passed.putBack(order);
        }
        boolean helps = hasIndex(wish.device()) && passed.takeFirst(victim);
        if (helps) {
            evict(Reason.NO_SPACE, null);
            freedBytes += INDEX_BYTES;
        } else {
            passed.putBack(order);
        }
        return helps;
    }

    /** Evicts the victim, or passes it over where that would not free what is wished. */
    private void evict(Reason reason, BackingTier.@Nullable Wish wish) throws StoreException, InterruptedException {
        IndexRecord record = index.findEvictable(victim.hash());
        if (record == null && victim.isConfirmed() && committer.pending().count() > 0) {
            committer.flush(); // it is on its way to the index
            record = index.findEvictable(victim.hash());
        }
        if (record == null) {
            return;
        }
        long freed = wish == null ? 0 : freedBytes(record, wish.device());
        if (wish != null && freed == 0) {
            passed.add(victim);
        } else if (changes.evict(record.objectKey())) {
            metrics.count(reason.metric);
            metrics.add(Metric.STORE_EVICTED_BYTES, record.length());
            countOnDevice(record, reason);
            freedBytes += freed;
            tier.evicted();
        }
    }

    /** What the file system of a device gets back with an object's body; 0 for what lies elsewhere. */
    private long freedBytes(IndexRecord record, Device wished) {
        if (!record.hasFile()) {
            return hasIndex(wished) ? INDEX_BYTES + record.length() : 0;
        }
        Device device = devices.byNumber(record.device());
        return device != null && isOnOneFileSystem(device, wished) ? Math.max(1, record.length()) : 0;
    }

    private boolean hasIndex(Device device) {
        return isOnOneFileSystem(device, devices.first());
    }

    private static boolean isOnOneFileSystem(Device device, Device other) {
        return device == other || (!device.isOffline() && device.fileSystem() == other.fileSystem());
    }

    private void countOnDevice(IndexRecord record, Reason reason) {
        Device device = devices.byNumber(record.device());
        if (device != null) {
            evictions(device)[reason.ordinal()].increment();
        }
    }

    private LongAdder[] evictions(Device device) {
        return evictions.computeIfAbsent(device, one -> {
            LongAdder[] counts = new LongAdder[Reason.values().length];
            Arrays.setAll(counts, ordinal -> new LongAdder());
            return counts;
        });
    }

    /** Objects with a body on a device that were evicted since the start. Any thread. */
    long evictions(Device device, Reason reason) {
        return evictions(device)[reason.ordinal()].sum();
    }

    /** Waits until the file system has got what was evicted for its sake. */
    private void letGoOfFiles() throws InterruptedException {
        if (freedBytes > 0) {
            committer.flush();
            devices.awaitFreed();
            freedBytes = 0;
        }
    }

    /** Stops; whoever waits for room doesn't get it any more. */
    @Override
    public void close() {
        tier.close();
        Uninterruptibly.join(thread);
    }
}
