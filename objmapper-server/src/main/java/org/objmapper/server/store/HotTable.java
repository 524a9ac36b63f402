package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The objects that were used lately, by key: all that a loop needs to answer without asking the index. Of several under a key each says
 * which there are, and all are taken out when one changes. Readers take no lock; writers take the table's. Bounded in objects and in bytes
 * of memory; a clock decides who leaves.
 */
final class HotTable {
    /** An object that takes a larger part of the memory is not kept: too many others would leave for it. */
    static final int LARGEST_PART = 64;

    private final AtomicReferenceArray<@Nullable Node> buckets;
    private final int mask;
    private final int capacity;
    private final long capacityBytes;
    private final long[] changes = new long[1_024];
    private int size;
    private long bytes;
    private int hand;

    /** An object in its bucket; the chain behind it never changes. */
    private record Node(StoredObject object, @Nullable Node next) {}

    /** A table of so many objects, whose {@link StoredObject#bytes} are so many together. */
    HotTable(int capacity, long capacityBytes) {
        this.capacity = capacity;
        this.capacityBytes = capacityBytes;
        int length = Integer.highestOneBit(Math.max(16, capacity) * 2 - 1);
        this.buckets = new AtomicReferenceArray<>(length);
        this.mask = length - 1;
    }

    /** The object under a key, pinned, or null; where there are several, any of those that are at hand. Any thread. */
    @Nullable
    StoredObject get(long hash, ByteBuffer key, int offset, int length) {
        for (Node node = buckets.get(bucket(hash)); node != null; node = node.next) {
            StoredObject object = node.object;
            if (object.keyHash == hash && object.hasKey(key, offset, length)) {
                return pinned(object);
            }
        }
        return null;
    }

    /** One of the objects under the key of another, pinned, or null. Any thread. */
    @Nullable
    StoredObject getBeside(StoredObject other, long variant) {
        for (Node node = buckets.get(bucket(other.keyHash)); node != null; node = node.next) {
            StoredObject object = node.object;
            if (object.isOf(other.keyHash, other.key, variant)) {
                return pinned(object);
            }
        }
        return null;
    }

    private static @Nullable StoredObject pinned(StoredObject object) {
        if (!object.tryPin()) {
            return null;
        }
        if (!object.used) {
            object.used = true;
        }
        return object;
    }

    /** What to hand to {@link #putUnlessChanged} later; to be asked for before the index is read. */
    synchronized long changes(long hash) {
        return changes[stripe(hash)];
    }

    /** Puts in what the index said, unless its key may have changed since the index was read. */
    synchronized void putUnlessChanged(StoredObject object, long seen) {
        if (changes[stripe(object.keyHash)] == seen) {
            put(object);
        }
    }

    private void put(StoredObject object) {
        StoredObject old = peek(object.keyHash, object.key, object.variant);
        if (old != null) {
            if (old.generation() > object.generation()) {
                return;
            }
            remove(old).unpin();
        }
        if (object.bytes() > capacityBytes / LARGEST_PART) {
            return;
        }
        while (size >= capacity || bytes + object.bytes() > capacityBytes) {
            evictOne().unpin();
        }
        object.pin();
        int bucket = bucket(object.keyHash);
        buckets.set(bucket, new Node(object, buckets.get(bucket)));
        size++;
        bytes += object.bytes();
    }

    /** Takes all objects of a key out: one of them changed. */
    synchronized void remove(long hash, byte[] key) {
        changes[stripe(hash)]++;
        for (Node node = buckets.get(bucket(hash)); node != null; node = node.next) {
            if (node.object.keyHash == hash && Arrays.equals(node.object.key, key)) {
                remove(node.object).unpin();
            }
        }
    }

    /**
     * Takes out up to {@code count} objects, the coldest first: descriptors or memory are short. Gives each to {@code letGo}, which unpins
     * it, without the table's lock. Whether one of them had a descriptor.
     */
    boolean shed(int count, Consumer<StoredObject> letGo) {
        boolean any = false;
        for (StoredObject object : takeColdest(count)) {
            any |= object.descriptor() >= 0;
            letGo.accept(object);
        }
        return any;
    }

    private synchronized List<StoredObject> takeColdest(int count) {
        List<StoredObject> taken = new ArrayList<>();
        while (taken.size() < count && size > 0) {
            taken.add(evictOne());
        }
        return taken;
    }

    /** Lets go of everything. */
    void clear() {
        shed(Integer.MAX_VALUE, StoredObject::unpin);
    }

    synchronized int size() {
        return size;
    }

    private @Nullable StoredObject peek(long hash, byte[] key, long variant) {
        for (Node node = buckets.get(bucket(hash)); node != null; node = node.next) {
            if (node.object.isOf(hash, key, variant)) {
                return node.object;
            }
        }
        return null;
    }

    /** Takes an object out; the table's pin becomes the caller's. */
    private StoredObject remove(StoredObject object) {
        int bucket = bucket(object.keyHash);
        buckets.set(bucket, without(buckets.get(bucket), object));
        size--;
        bytes -= object.bytes();
        return object;
    }

    private static @Nullable Node without(@Nullable Node node, StoredObject object) {
        if (node == null) {
            return null;
        }
        return node.object == object ? node.next : new Node(node.object, without(node.next, object));
    }

    /** Goes round the buckets: who was used since the last round stays for one more. The table's pin becomes the caller's. */
    private StoredObject evictOne() {
        while (true) {
            hand = (hand + 1) & mask;
            for (Node node = buckets.get(hand); node != null; node = node.next) {
                if (!node.object.used) {
                    return remove(node.object);
                }
                node.object.used = false;
            }
        }
    }

    private int stripe(long hash) {
        return (int) (hash >>> 40) & (changes.length - 1);
    }

    private int bucket(long hash) {
        return (int) (hash ^ hash >>> 32) & mask;
    }
}
