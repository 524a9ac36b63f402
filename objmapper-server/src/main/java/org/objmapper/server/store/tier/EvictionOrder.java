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

    private long bytes;

    public EvictionOrder(PolicyName policy) {
        this.policy = policy.create();
    }

    /** The bytes of all that it knows. */
    public long bytes() {
        return bytes;
    }

    /** Whether it knows one. */
    public boolean knows(long hash) {
        return slots.find(hash) != Policy.NONE;
    }

    /** How many it knows. */
    public int size() {
        return slots.size();
    }

    /** An evictable object of so many bytes is new under its key; negative: nothing is there, or what is kept. */
    public void stands(long hash, long size) {
        int slot = slots.find(hash);
        if (slot == Policy.NONE) {
            if (size >= 0) {
                add(hash, size);
            }
        } else if (size < 0) {
            remove(slot);
        } else if (policy.bytes(slot) == size) {
            confirmed.set(slot);
            policy.hit(slot);
        } else {
            remove(slot);
            add(hash, size);
        }
    }

    /** An evictable object of so many bytes was found that had been there before. */
    public void found(long hash, long size) {
        int slot = slots.find(hash);
        if (slot == Policy.NONE) {
            add(hash, size);
        } else if (policy.bytes(slot) != size) {
            remove(slot);
            add(hash, size);
        } else {
            confirmed.set(slot);
        }
    }

    private void add(long hash, long size) {
        int slot = slots.add(hash);
        confirmed.set(slot);
        policy.add(slot, hash, size);
        bytes += size;
    }

    private void remove(int slot) {
        bytes -= policy.bytes(slot);
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
        into.bytes = policy.bytes(slot);
        into.confirmed = confirmed.get(slot);
        remove(slot);
        return true;
    }

    /** Who leaves. */
    public static final class Victim {
        private long hash;
        private long bytes;
        private boolean confirmed;

        /** One that stays as this is now. */
        public Victim copy() {
            Victim copy = new Victim();
            copy.become(this);
            return copy;
        }

        /** Is what another one is from now on. */
        public void become(Victim other) {
            hash = other.hash;
            bytes = other.bytes;
            confirmed = other.confirmed;
        }

        public long hash() {
            return hash;
        }

        /** What it took. */
        public long bytes() {
            return bytes;
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
    public void restore(long hash, long size, byte state) {
        if (slots.find(hash) == Policy.NONE) {
            policy.restore(slots.add(hash), hash, size, state);
            bytes += size;
        }
    }

    /** All that are there were found: forgets the others. */
    public void forgetUnconfirmed() {
        BitSet gone = new BitSet();
        slots.forEach(slot -> gone.set(slot, !confirmed.get(slot)));
        gone.stream().forEach(this::remove);
    }
}
