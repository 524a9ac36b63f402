package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The objects that were used lately, by key: all that a loop needs to answer without asking the index. Readers take no lock; writers
 * take the table's. Bounded in objects; a clock decides who leaves.
 */
final class HotTable {
    private final AtomicReferenceArray<@Nullable Node> buckets;
    private final int mask;
    private final int capacity;
    private final long[] changes = new long[1_024];
    private int size;
    private int hand;

    /** An object in its bucket; the chain behind it never changes. */
    private record Node(StoredObject object, @Nullable Node next) {}

    HotTable(int capacity) {
        this.capacity = capacity;
        int length = Integer.highestOneBit(Math.max(16, capacity) * 2 - 1);
        this.buckets = new AtomicReferenceArray<>(length);
        this.mask = length - 1;
    }

    /** The object under a key, pinned, or null. Any thread. */
    @Nullable
    StoredObject get(long hash, ByteBuffer key, int offset, int length) {
        for (Node node = buckets.get(bucket(hash)); node != null; node = node.next) {
            StoredObject object = node.object;
            if (object.keyHash == hash && object.hasKey(key, offset, length)) {
                if (!object.tryPin()) {
                    return null;
                }
                if (!object.used) {
                    object.used = true;
                }
                return object;
            }
        }
        return null;
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
        StoredObject old = peek(object.keyHash, object.key);
        if (old != null) {
            if (old.generation() > object.generation()) {
                return;
            }
            remove(old);
        }
        while (size >= capacity) {
            evictOne();
        }
        object.pin();
        int bucket = bucket(object.keyHash);
        buckets.set(bucket, new Node(object, buckets.get(bucket)));
        size++;
    }

    /** Takes the object of a key out: it changed. */
    synchronized void remove(long hash, byte[] key) {
        changes[stripe(hash)]++;
        StoredObject old = peek(hash, key);
        if (old != null) {
            remove(old);
        }
    }

    /** Lets go of up to {@code count} objects, the coldest first: descriptors are short. Whether one of them had a descriptor. */
    synchronized boolean shed(int count) {
        boolean any = false;
        for (int i = 0; i < count && size > 0; i++) {
            any |= evictOne().descriptor() >= 0;
        }
        return any;
    }

    /** Lets go of everything. */
    synchronized void clear() {
        shed(size);
    }

    synchronized int size() {
        return size;
    }

    private @Nullable StoredObject peek(long hash, byte[] key) {
        for (Node node = buckets.get(bucket(hash)); node != null; node = node.next) {
            if (node.object.keyHash == hash && Arrays.equals(node.object.key, key)) {
                return node.object;
            }
        }
        return null;
    }

    private void remove(StoredObject object) {
        int bucket = bucket(object.keyHash);
        buckets.set(bucket, without(buckets.get(bucket), object));
        size--;
        object.unpinHere();
    }

    private static @Nullable Node without(@Nullable Node node, StoredObject object) {
        if (node == null) {
            return null;
        }
        return node.object == object ? node.next : new Node(node.object, without(node.next, object));
    }

    /** Goes round the buckets: who was used since the last round stays for one more. */
    private StoredObject evictOne() {
        while (true) {
            hand = (hand + 1) & mask;
            for (Node node = buckets.get(hand); node != null; node = node.next) {
                if (!node.object.used) {
                    remove(node.object);
                    return node.object;
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
