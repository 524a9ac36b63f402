package org.objmapper.server.store.eviction;

/**
 * In the order of their coming, but a hand that goes from old to new passes over those that were asked for since it last came by. New
 * ones come in behind the hand, so that what is asked for once leaves soon (SIEVE, Zhang and others, NSDI 2024).
 */
final class Sieve extends QueuePolicy {
    private static final int ASKED_FOR = 1;
    /** In what is saved: the hand points here. */
    private static final int HAND = 2;

    private int hand = NONE;

    @Override
    public void hit(int slot) {
        slots.setMark(slot, ASKED_FOR);
    }

    @Override
    public void remove(int slot) {
        if (hand == slot) {
            hand = slots.newer(slot);
        }
        super.remove(slot);
    }

    @Override
    public int victim() {
        if (queue.isEmpty()) {
            return NONE;
        }
        if (hand == NONE) {
            hand = queue.oldest();
        }
        while (slots.mark(hand) == ASKED_FOR) {
            slots.setMark(hand, 0);
            int newer = slots.newer(hand);
            hand = newer == NONE ? queue.oldest() : newer;
        }
        return hand;
    }

    @Override
    public void save(Order order) {
        queue.save((slot, mark) -> order.next(slot, (byte) (slot == hand ? mark | HAND : mark)));
    }

    @Override
    public void restore(int slot, long keyHash, long bytes, byte state) {
        add(slot, keyHash, bytes);
        slots.setMark(slot, state & ASKED_FOR);
        if ((state & HAND) != 0) {
            hand = slot;
        }
    }
}
