package org.objmapper.server.store.tier;

import java.util.BitSet;
import org.objmapper.server.store.eviction.Policy;
import org.objmapper.server.store.eviction.PolicyName;

/**
 * The evictable objects of a tier in the order in which they leave it, each known by a hash of 64 bits. Of two objects that share one, which
 * is to be expected nowhere, the order knows the last that it was told of. For one thread.
 */
public final class EvictionOrder {
    private final Policy policy;
    private final SlotTable slots = new SlotTable();
    /** Slots whose objects are there for sure; the others were in a saved order. */
    private final BitSet confirmed = new BitSet();

    public EvictionOrder(PolicyName policy) {
        this.policy = policy.create();
    }

    /** How many it knows. */
    public int size() {
        return slots.size();
    }

    /** An evictable object of so many bytes is new under its key; negative: nothing is there, or what is kept. */
    public void stands(long hash, long bytes) {
        int slot = slots.find(hash);
        if (slot == Policy.NONE) {
            if (bytes >= 0) {
                add(hash, bytes);
            }
        } else if (bytes < 0) {
            remove(slot);
        } else if (policy.bytes(slot) == bytes) {
            confirmed.set(slot);
            policy.hit(slot);
        } else {
            remove(slot);
            add(hash, bytes);
        }
    }

    /** An evictable object of so many bytes was found that had been there before. */
    public void found(long hash, long bytes) {
        int slot = slots.find(hash);
        if (slot == Policy.NONE) {
            add(hash, bytes);
        } else if (policy.bytes(slot) != bytes) {
            remove(slot);
            add(hash, bytes);
        } else {
            confirmed.set(slot);
        }
    }

    private void add(long hash, long bytes) {
        int slot = slots.add(hash);
        confirmed.set(slot);
        policy.add(slot, hash, bytes);
    }

    private void remove(int slot) {
        policy.remove(slot);
        confirmed.clear(slot);
        slots.remove(slot);
    }

    /** Somebody asked for it, if it is one of these. */
    public void used(long hash) {
        int slot = slots.find(hash);
        if (slot != Policy.NONE) {
            policy.hit(slot);
        }
    }

    /** Takes out who is to leave next; false where nobody is left. */
    public boolean takeVictim(Victim into) {
        int slot = policy.victim();
        if (slot == Policy.NONE) {
            return false;
        }
        into.hash = slots.hash(slot);
        into.confirmed = confirmed.get(slot);
        remove(slot);
        return true;
    }

    /** Who leaves. */
    public static final class Victim {
        private long hash;
        private boolean confirmed;

        public long hash() {
            return hash;
        }

        /** Whether it was there for sure; one of a saved order may have left long ago. */
        public boolean isConfirmed() {
            return confirmed;
        }
    }

    /** Takes what {@link #save} tells. */
    public interface Saved {
        void next(long hash, long bytes, byte state);
    }

    /** Tells all in the order in which {@link #restore} wants them back. */
    public void save(Saved saved) {
        policy.save((slot, state) -> saved.next(slots.hash(slot), policy.bytes(slot), state));
    }

    /** Takes back one that {@link #save} told, unless it is known already. It is confirmed when it is {@link #found}. */
    public void restore(long hash, long bytes, byte state) {
        if (slots.find(hash) == Policy.NONE) {
            policy.restore(slots.add(hash), hash, bytes, state);
        }
    }

    /** All that are there were found: forgets the others. */
    public void forgetUnconfirmed() {
        BitSet gone = new BitSet();
        slots.forEach(slot -> gone.set(slot, !confirmed.get(slot)));
        gone.stream().forEach(this::remove);
    }
}
