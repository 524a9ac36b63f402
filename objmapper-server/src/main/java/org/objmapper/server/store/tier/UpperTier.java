package org.objmapper.server.store.tier;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.eviction.FrequencySketch;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.SavedOrder;
import org.objmapper.server.store.index.Totals;
import org.objmapper.server.thread.Patience;
import org.slf4j.LoggerFactory;

/**
 * A tier above the backing one: has copies of the bodies that are asked for often, and gives them up when it is full. One thread decides who
 * comes and who leaves; the copying is done on threads that may block. {@link #hit} and {@link #missed} are for
 * any thread, event loops included: they take no lock and allocate nothing; the rest is for threads that may block.
 */
public final class UpperTier implements AutoCloseable {
    /** A body is asked for often when it was asked for in so many looks of late, of which there are five a second. */
    static final int OFTEN = 2;
    /** In how many more looks than somebody who is to leave for it: else two of the same kind would take turns. */
    static final int LEAD = 2;
    /** A body that takes a larger part of the capacity is not copied: too many others would leave for it. */
    public static final int LARGEST_PART = 4;

    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(UpperTier.class));
    private static final long PAUSE_MILLIS = 200;
    private static final long STOCK_PAUSE_MILLIS = 10_000;
    /** How long a directory may take that hangs. */
    private static final long CLOSE_MILLIS = 10_000;

    private static final int MAX_CANDIDATES = 1_024;
    private static final int COUNTED_BODIES = 1 << 16;
    /** What is given up at once where there is no room for more, as a part of what is there, and how long nobody comes then. */
    private static final int GIVEN_UP_PART = 16;

    /** After that what was seen counts half. */
    private static final long HALVING_NANOS = TimeUnit.MINUTES.toNanos(1);

    private static final long SHORTAGE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final String name;
    private final Capacity capacity;
    private final Copies copies;
    private final Bodies bodies;
    private final Metrics metrics;
    private final TierFigures figures;
    private final LongSupplier clock;
    private final @Nullable SavedOrder saved;
    private final Uses hits = new Uses();
    private final Uses misses = new Uses();
    /** Bodies of which a copy came, with what it takes, and bodies that left. */
    private final Standings comings = new Standings();

    private final Set<Long> chosen = ConcurrentHashMap.newKeySet();
    private final Set<Integer> copying = ConcurrentHashMap.newKeySet();
    private final Thread thread;

    // Of the thread.
    private final EvictionOrder order;
    private final EvictionOrder.Victim victim = new EvictionOrder.Victim();
    private final FrequencySketch frequencies = new FrequencySketch();
    private final Map<Integer, Deque<Long>> candidates = new HashMap<>();
    private final Deque<Coming> oldest = new ArrayDeque<>();
    private SavedOrder.@Nullable Rows savedBy;
    private long halvedNanos = System.nanoTime();
    private long shortageNanos;
    private boolean isShort;
    /** What was there at the start is in the order. */
    private boolean knowsAll;

    private volatile @Nullable Shortage shortage;
    private volatile long heldObjects;
    private volatile long heldBytes;
    private volatile long oldestMillis;

    // Guarded by this.
    private boolean woken;
    private boolean closing;

    private record Coming(long bodyGeneration, long atMillis) {}

    /** Why there is no room for another copy. */
    private enum Shortage {
        ROOM,
        DESCRIPTORS
    }

    /** The objects of the store, as a tier above needs them. */
    public interface Bodies {
        /** The object that has a body now; null where none has. May block. */
        @Nullable
        IndexRecord of(long bodyGeneration);

        /**
         * Opens a body and hands the descriptor, or -errno, to work that may block, and closes it after that. False where too much waits
         * already; then nothing is done.
         */
        boolean open(IndexRecord record, IntConsumer work);

        /** The object is to be looked up anew: a copy of its body came or left. */
        void moved(IndexRecord record);
    }

    /**
     * A tier that has no copies yet, or does not know of them.
     *
     * @param name for messages
     * @param copies which the tier owns
     * @param clock milliseconds since 1970
     * @param saved where the order of those that outlive the server is kept; null where none do
     */
    public UpperTier(
            String name,
            Capacity capacity,
            Copies copies,
            Bodies bodies,
            Metrics metrics,
            TierFigures figures,
            LongSupplier clock,
            @Nullable SavedOrder saved) {
        this.name = name;
        this.capacity = capacity;
        this.copies = copies;
        this.bodies = bodies;
        this.metrics = metrics;
        this.figures = figures;
        this.clock = clock;
        this.saved = saved;
        order = new EvictionOrder(capacity.policy());
        frequencies.ensureCapacity(COUNTED_BODIES);
        thread = new Thread(this::run, "store-" + name);
        thread.setDaemon(true);
        showFigures();
    }

    private void showFigures() {
        metrics.show(figures.objects(), () -> heldObjects);
        metrics.show(figures.bytes(), () -> heldBytes);
        metrics.show(figures.capacityObjects(), capacity::objects);
        metrics.show(figures.capacityBytes(), capacity::bytes);
        metrics.show(figures.oldestSeconds(), this::oldestSeconds);
    }

    private long oldestSeconds() {
        long since = oldestMillis;
        return since == 0 ? 0 : Math.max(0, TimeUnit.MILLISECONDS.toSeconds(clock.getAsLong() - since));
    }

    /** Begins; the order is saved by {@code rows} at the end. */
    public void start(SavedOrder.Rows rows) {
        savedBy = rows;
        thread.start();
    }

    // ---- what requests and changes tell

    /** Somebody got the copy of a body. */
    public void hit(long bodyGeneration) {
        metrics.count(figures.hits());
        hits.note(bodyGeneration);
    }

    /** Somebody got a body that has a file, and no copy here. */
    public void missed(long bodyGeneration) {
        metrics.count(figures.misses());
        misses.note(bodyGeneration);
    }

    /** A body is gone, so its copy goes too. */
    public void left(long bodyGeneration, byte[] digest) {
        if (copies.remove(bodyGeneration, digest)) {
            comings.tell(bodyGeneration, -1);
        }
    }

    /** A copy turned out to be no good. May block. */
    public void spoiled(IndexRecord record) {
        left(record.bodyGeneration(), digest(record));
        bodies.moved(record);
    }

    // ---- the thread

    private void run() {
        boolean mayTry = true;
        while (mayTry && !knowsAll) {
            knowsAll = takeStock();
            mayTry = knowsAll || awaitTurn(STOCK_PAUSE_MILLIS);
        }
        while (awaitTurn(PAUSE_MILLIS)) {
            try {
                turn();
            } catch (IndexException e) {
                FAILURES.error("The " + name + " tier can't ask the index: {}", e.getMessage());
            } catch (RuntimeException | Error e) {
                FAILURES.error("A defect in the " + name + " tier", e);
            }
        }
    }

    /** Finds out what is there already; until then nobody comes, and what is asked for is looked for. False where it could not. */
    private boolean takeStock() {
        try {
            if (saved != null) {
                saved.load(order::restore);
            }
            List<Coming> found = new ArrayList<>();
            copies.find((name, length, cameMillis) -> {
                refuseWhenClosing();
                IndexRecord record = bodies.of(name.generation());
                boolean isCopy =
                        record != null && record.length() == length && Arrays.equals(digest(record), name.digest());
                if (isCopy) {
                    order.found(name.generation(), copies.occupied(length));
                    found.add(new Coming(name.generation(), cameMillis));
                }
                return isCopy;
            });
            order.forgetUnconfirmed();
            found.sort(Comparator.comparingLong(Coming::atMillis));
            oldest.addAll(found);
            return true;
        } catch (IOException | IndexException | UncheckedIOException e) {
            FAILURES.warn("What the " + name + " tier has can't be seen: {}", e.getMessage());
            return false;
        }
    }

    private synchronized void refuseWhenClosing() {
        if (closing) {
            throw new UncheckedIOException(new IOException("the server stops"));
        }
    }

    private synchronized boolean awaitTurn(long millis) {
        try {
            if (!woken && !closing) {
                TimeUnit.MILLISECONDS.timedWait(this, millis);
            }
        } catch (InterruptedException e) {
            closing = true; // nobody interrupts this thread but to end it
        }
        woken = false;
        return !closing;
    }

    private synchronized void wake() {
        woken = true;
        notifyAll();
    }

    private void turn() {
        comings.drain(this::stands);
        hits.drain(this::used);
        misses.drain(this::want);
        forgetSlowly();
        endShortage();
        promote();
        makeRoom();
        noteFigures();
    }

    /** A copy came, or left. */
    private void stands(long bodyGeneration, long bytes) {
        boolean isHere = copies.has(bodyGeneration);
        if (bytes < 0 && !isHere && !chosen.contains(bodyGeneration)) {
            order.stands(bodyGeneration, -1);
        } else if (bytes >= 0 && isHere) {
            order.found(bodyGeneration, bytes);
            oldest.add(new Coming(bodyGeneration, clock.getAsLong()));
        }
    }

    private void used(long bodyGeneration) {
        frequencies.increment(Long.hashCode(bodyGeneration));
        order.used(bodyGeneration);
    }

    private void forgetSlowly() {
        long now = System.nanoTime();
        if (now - halvedNanos >= HALVING_NANOS) {
            halvedNanos = now;
            frequencies.halve();
        }
    }

    private int frequency(long bodyGeneration) {
        return frequencies.frequency(Long.hashCode(bodyGeneration));
    }

    private void want(long bodyGeneration) {
        frequencies.increment(Long.hashCode(bodyGeneration));
        if (frequency(bodyGeneration) < OFTEN || chosen.size() >= MAX_CANDIDATES || isShort) {
            return;
        }
        IndexRecord record = candidate(bodyGeneration);
        if (record != null && chosen.add(bodyGeneration)) {
            candidates
                    .computeIfAbsent(record.device(), device -> new ArrayDeque<>())
                    .add(bodyGeneration);
        }
    }

    /** The object of a body that may come; null where it may not. */
    private @Nullable IndexRecord candidate(long bodyGeneration) {
        if (copies.has(bodyGeneration)) {
            return null;
        }
        IndexRecord record = bodies.of(bodyGeneration);
        boolean fits = record != null
                && copies.occupied(record.length()) <= capacity.bytes() / LARGEST_PART
                && !record.expiredAt(clock.getAsLong());
        return fits ? record : null;
    }

    /** Has one body a device copied, those that have waited longest first. */
    private void promote() {
        candidates.forEach((device, waiting) -> {
            while (!waiting.isEmpty() && copying.add(device)) {
                if (!promote(device, waiting.remove())) {
                    copying.remove(device);
                }
            }
        });
    }

    private boolean promote(int device, long bodyGeneration) {
        IndexRecord record = isShort ? null : candidate(bodyGeneration);
        boolean begun = false;
        if (record != null && admit(bodyGeneration, copies.occupied(record.length()))) {
            begun = bodies.open(record, file -> copy(device, record, file));
        }
        if (!begun) {
            order.stands(bodyGeneration, -1);
            chosen.remove(bodyGeneration);
        }
        return begun;
    }

    /** Whether a body may come: where others have to leave for it, it was asked for more often than the first of them. */
    private boolean admit(long bodyGeneration, long bytes) {
        Totals then = held().plus(new Totals(1, bytes, 0, 0));
        if (capacity.isHigh(then) && order.takeVictim(victim)) {
            if (frequency(victim.hash()) + LEAD > frequency(bodyGeneration)) {
                order.found(victim.hash(), victim.bytes()); // it stays, and is not the first any more
                return false;
            }
            evict(victim.hash(), figures.evictedForCapacity());
        }
        order.stands(bodyGeneration, bytes);
        makeRoom();
        return order.knows(bodyGeneration); // the policy may give it up at once
    }

    /** On a thread that may block. */
    private void copy(int device, IndexRecord record, int file) {
        try {
            copies.add(record, file);
            metrics.count(figures.promotions());
            bodies.moved(record);
            comings.tell(record.bodyGeneration(), copies.occupied(record.length()));
            if (bodies.of(record.bodyGeneration()) == null) {
                left(record.bodyGeneration(), digest(record)); // it was gone before its copy was there
            }
        } catch (IOException | IndexException e) {
            failed(record, e);
        } finally {
            chosen.remove(record.bodyGeneration());
            if (!copies.has(record.bodyGeneration())) {
                comings.tell(record.bodyGeneration(), -1);
            }
            copying.remove(device);
            wake();
        }
    }

    private void failed(IndexRecord record, Exception failure) {
        metrics.count(figures.failures());
        if (failure instanceof ShortageException e) {
            shortage = e.isOfDescriptors() ? Shortage.DESCRIPTORS : Shortage.ROOM;
        }
        FAILURES.warn("A body could not be copied to the " + name + " tier: {}", failure.getMessage());
    }

    // ---- making room

    private Totals held() {
        return new Totals(order.size(), order.bytes(), 0, 0);
    }

    private void makeRoom() {
        if (capacity.isHigh(held())) {
            while (capacity.isAboveLow(held()) && order.takeVictim(victim)) {
                evict(victim.hash(), figures.evictedForCapacity());
            }
        }
        Shortage now = shortage;
        if (now != null) {
            shortage = null;
            isShort = true;
            shortageNanos = System.nanoTime();
            giveUpSome(now == Shortage.ROOM ? figures.evictedForRoom() : figures.evictedForDescriptors());
        }
    }

    private void giveUpSome(Metric why) {
        int left = order.size() - order.size() / GIVEN_UP_PART - 1;
        while (order.size() > left && order.takeVictim(victim)) {
            evict(victim.hash(), why);
        }
    }

    private void evict(long bodyGeneration, Metric why) {
        IndexRecord record = bodies.of(bodyGeneration);
        if (record != null && copies.remove(bodyGeneration, digest(record))) { // else it goes with its object
            metrics.count(why);
            bodies.moved(record);
        }
    }

    private static byte[] digest(IndexRecord record) {
        return new ObjectKey(record.key()).digest();
    }

    private void endShortage() {
        isShort = isShort && System.nanoTime() - shortageNanos < SHORTAGE_NANOS;
    }

    private void noteFigures() {
        heldObjects = order.size();
        heldBytes = order.bytes();
        if (oldest.size() > 2 * order.size() + MAX_CANDIDATES) {
            oldest.removeIf(coming -> !copies.has(coming.bodyGeneration));
        }
        while (!oldest.isEmpty() && !copies.has(oldest.element().bodyGeneration)) {
            oldest.remove();
        }
        oldestMillis = oldest.isEmpty() ? 0 : oldest.element().atMillis;
    }

    /** Decides no more, and saves the order. */
    public void stop() {
        synchronized (this) {
            closing = true;
            notifyAll();
        }
        if (!Patience.awaitEnd(thread, CLOSE_MILLIS)) {
            FAILURES.warn("The " + name + " tier hangs, and is left to itself");
            return;
        }
        SavedOrder.Rows rows = savedBy;
        if (saved != null && rows != null && knowsAll) {
            save(saved, rows);
        }
    }

    private void save(SavedOrder into, SavedOrder.Rows rows) {
        try {
            SavedOrder.Writer writer = into.begin(rows);
            OrderCopy all = new OrderCopy(order);
            while (all.handOver(writer::add)) {
                // piece by piece
            }
            writer.end();
        } catch (IOException | IndexException e) {
            FAILURES.warn("The order of the " + name + " tier can't be saved: {}", e.getMessage());
        }
    }

    /** Lets go of the copies, after {@link #stop}. */
    @Override
    public void close() {
        copies.close();
    }
}
