package org.objmapper.server.store.eviction;

/**
 * A small window of new objects before a main part; an object leaves the window into the main part only if it is asked for no less
 * often than the one that would have to go from there (W-TinyLFU, Einziger, Friedman and Manes, 2017).
 *
 * <p>The main part is a segmented LRU: what is asked for on probation is protected. Those that left the window wait as candidates until
 * something has to be evicted, so that a tier with room evicts nobody.
 */
final class TinyLfu implements Policy {
    private static final int WINDOW = 0;
    private static final int CANDIDATES = 1;
    private static final int PROBATION = 2;
    private static final int PROTECTED = 3;

    /** The best of 0.01, 0.05, 0.2 and 0.5 on the traces of docs/eviction.md. */
    private static final double WINDOW_SHARE = 0.20;
    /** More than a tier is overfilled by before it evicts. */
    private static final double CANDIDATES_SHARE = 0.05;

    private static final double PROTECTED_SHARE_OF_MAIN = 0.80;

    private final Slots slots = new Slots();
    private final FrequencySketch sketch = new FrequencySketch();
    private final SlotList window = new SlotList(slots, WINDOW);
    private final SlotList candidates = new SlotList(slots, CANDIDATES);
    private final SlotList probation = new SlotList(slots, PROBATION);
    private final SlotList protectedMain = new SlotList(slots, PROTECTED);
    private int size;

    @Override
    public void add(int slot, long keyHash, long bytes) {
        slots.set(slot, keyHash, bytes);
        sketch.ensureCapacity(++size);
        sketch.increment(slots.hash(slot));
        window.addNewest(slot);
        while (window.bytes() > WINDOW_SHARE * bytes() && window.oldest() != slot) {
            move(window, candidates);
        }
        while (candidates.bytes() > CANDIDATES_SHARE * bytes()) {
            move(candidates, probation);
        }
    }

    private static void move(SlotList from, SlotList to) {
        int slot = from.oldest();
        from.remove(slot);
        to.addNewest(slot);
    }

    private long bytes() {
        return window.bytes() + candidates.bytes() + probation.bytes() + protectedMain.bytes();
    }

    @Override
    public void hit(int slot) {
        sketch.increment(slots.hash(slot));
        switch (slots.list(slot)) {
            case WINDOW -> window.moveToNewest(slot);
            case PROTECTED -> protectedMain.moveToNewest(slot);
            default -> protect(slot);
        }
    }

    private void protect(int slot) {
        listOf(slot).remove(slot);
        protectedMain.addNewest(slot);
        while (protectedMain.bytes() > PROTECTED_SHARE_OF_MAIN * (bytes() - window.bytes())
                && protectedMain.oldest() != slot) {
            move(protectedMain, probation);
        }
    }

    private SlotList listOf(int slot) {
        return switch (slots.list(slot)) {
            case WINDOW -> window;
            case CANDIDATES -> candidates;
            case PROBATION -> probation;
            default -> protectedMain;
        };
    }

    @Override
    public void remove(int slot) {
        listOf(slot).remove(slot);
        size--;
    }

    /** Where a candidate won, it has its place in the main part from now on. */
    @Override
    public int victim() {
        SlotList main = probation.isEmpty() ? protectedMain : probation;
        if (candidates.isEmpty()) {
            return main.isEmpty() ? window.oldest() : main.oldest();
        }
        int candidate = candidates.oldest();
        int resident = main.oldest();
        if (resident == NONE || sketch.frequency(slots.hash(candidate)) < sketch.frequency(slots.hash(resident))) {
            return candidate;
        }
        move(candidates, probation);
        return resident;
    }

    @Override
    public long bytes(int slot) {
        return slots.bytes(slot);
    }

    @Override
    public void save(Order order) {
        probation.save(withFrequency(order));
        protectedMain.save(withFrequency(order));
        candidates.save(withFrequency(order));
        window.save(withFrequency(order));
    }

    private Order withFrequency(Order order) {
        return (slot, mark) -> order.next(slot, (byte) (slots.list(slot) << 4 | sketch.frequency(slots.hash(slot))));
    }

    @Override
    public void restore(int slot, long keyHash, long bytes, byte state) {
        slots.set(slot, keyHash, bytes);
        sketch.ensureCapacity(++size);
        for (int i = 0; i < (state & FrequencySketch.MOST); i++) {
            sketch.increment(slots.hash(slot));
        }
        slots.setList(slot, state >>> 4 & PROTECTED);
        listOf(slot).addNewest(slot);
    }
}
