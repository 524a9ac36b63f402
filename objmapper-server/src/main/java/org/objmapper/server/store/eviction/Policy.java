package org.objmapper.server.store.eviction;

/**
 * The order in which the objects of a tier leave it. An object is a slot, a small number that the tier gives it and may give to another
 * once it is removed. For one thread.
 */
public interface Policy {
    /** What {@link #victim} says when there is nothing to evict. */
    int NONE = -1;

    /**
     * Takes in an object that is new to the tier.
     *
     * @param slot of no other object
     * @param keyHash evenly spread, the same whenever an object of this key comes or is asked for
     * @param bytes that it occupies, 0 or more
     */
    void add(int slot, long keyHash, long bytes);

    /** Notes that somebody asked for the object. */
    void hit(int slot);

    /** Forgets the object: evicted, deleted or replaced. */
    void remove(int slot);

    /** The object that is to leave next, and is to be removed before this is asked again; {@link #NONE} when there is none. */
    int victim();

    /** The bytes that the object of a slot occupies. */
    long bytes(int slot);

    /** Tells all objects in the order in which {@link #restore} wants them back: whoever leaves first comes first. */
    void save(Order order);

    /** Takes back an object that {@link #save} told, with its state. Each becomes the one that leaves last. */
    void restore(int slot, long keyHash, long bytes, byte state);

    /** Takes what {@link #save} tells. */
    interface Order {
        void next(int slot, byte state);
    }
}
