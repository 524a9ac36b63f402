package org.objmapper.server.transport;

import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.exchange.Exchange;

/**
 * Requests in the order in which they take effect, found by their ids. No call takes longer the more there are, and only growth allocates.
 * A place, from {@link #first} and {@link #next}, holds until its request is removed. Not thread-safe.
 */
final class RequestTable {
    static final int NOWHERE = -1;
    private static final int SMALLEST = 8;
    private static final int BUCKETS_PER_PLACE = 2;

    /** Differs between sessions, so that nobody can choose ids that meet in one bucket. */
    private final int spread = ThreadLocalRandom.current().nextInt() | 1;

    private @Nullable Exchange[] places = new Exchange[SMALLEST];
    private int[] before = new int[SMALLEST];
    /** The next in order; of a free place, the next free one. */
    private int[] after = new int[SMALLEST];
    /** The next in the same bucket of ids. */
    private int[] chained = new int[SMALLEST];

    /** The first place of each bucket of ids. */
    private int[] buckets = new int[0];
    /** How many requests have keys whose hashes fall together. */
    private int[] keys = new int[0];

    private int first = NOWHERE;
    private int last = NOWHERE;
    private int free;
    private int size;
    private int barriers;

    RequestTable() {
        freeFrom(0);
        makeBuckets();
    }

    int size() {
        return size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** The place of the request that takes effect first; {@link #NOWHERE} if there is none. */
    int first() {
        return first;
    }

    int next(int place) {
        return after[place];
    }

    Exchange get(int place) {
        Exchange there = places[place];
        if (there == null) {
            throw new IllegalStateException("place " + place + " is free");
        }
        return there;
    }

    @Nullable
    Exchange find(int requestId) {
        int place = placeOf(requestId);
        return place == NOWHERE ? null : places[place];
    }

    boolean contains(Exchange exchange) {
        return find(exchange.requestId()) == exchange;
    }

    /** Whether a request, in the table or not, could have to wait for another in it; false where none meets it. */
    boolean mayMeetAnother(Exchange exchange) {
        int own = contains(exchange) ? 1 : 0;
        if (exchange.isBarrier()) {
            return size > own;
        }
        return barriers > 0 || (exchange.keyHash() != 0 && keys[keyBucket(exchange)] > own);
    }

    void addLast(Exchange exchange) {
        if (free == NOWHERE) {
            grow();
        }
        int place = free;
        free = after[place];
        places[place] = exchange;
        before[place] = last;
        after[place] = NOWHERE;
        if (last == NOWHERE) {
            first = place;
        } else {
            after[last] = place;
        }
        last = place;
        size++;
        barriers += exchange.isBarrier() ? 1 : 0;
        enter(place, exchange);
    }

    /** Takes a request out; false if it is not there. */
    boolean remove(Exchange exchange) {
        if (!contains(exchange)) {
            return false;
        }
        int place = unchain(exchange.requestId());
        int earlier = before[place];
        int later = after[place];
        if (earlier == NOWHERE) {
            first = later;
        } else {
            after[earlier] = later;
        }
        if (later == NOWHERE) {
            last = earlier;
        } else {
            before[later] = earlier;
        }
        places[place] = null;
        after[place] = free;
        free = place;
        size--;
        barriers -= exchange.isBarrier() ? 1 : 0;
        keys[keyBucket(exchange)]--;
        return true;
    }

    private int placeOf(int requestId) {
        int place = buckets[bucket(requestId)];
        while (place != NOWHERE && get(place).requestId() != requestId) {
            place = chained[place];
        }
        return place;
    }

    private void enter(int place, Exchange exchange) {
        int bucket = bucket(exchange.requestId());
        chained[place] = buckets[bucket];
        buckets[bucket] = place;
        keys[keyBucket(exchange)]++;
    }

    /** Takes the place of an id that is there out of its bucket. */
    private int unchain(int requestId) {
        int bucket = bucket(requestId);
        int earlier = NOWHERE;
        int place = buckets[bucket];
        while (get(place).requestId() != requestId) {
            earlier = place;
            place = chained[place];
        }
        if (earlier == NOWHERE) {
            buckets[bucket] = chained[place];
        } else {
            chained[earlier] = chained[place];
        }
        return place;
    }

    private int bucket(int requestId) {
        int mixed = requestId * spread;
        return (mixed ^ mixed >>> 16) & (buckets.length - 1);
    }

    private int keyBucket(Exchange exchange) {
        return (int) exchange.keyHash() & (keys.length - 1);
    }

    private void grow() {
        int old = places.length;
        places = Arrays.copyOf(places, 2 * old);
        before = Arrays.copyOf(before, 2 * old);
        after = Arrays.copyOf(after, 2 * old);
        chained = Arrays.copyOf(chained, 2 * old);
        freeFrom(old);
        makeBuckets();
        for (int place = first; place != NOWHERE; place = after[place]) {
            enter(place, get(place));
        }
    }

    private void freeFrom(int start) {
        for (int place = start; place < places.length; place++) {
            after[place] = place + 1 < places.length ? place + 1 : NOWHERE;
        }
        free = start;
    }

    private void makeBuckets() {
        buckets = new int[BUCKETS_PER_PLACE * places.length];
        Arrays.fill(buckets, NOWHERE);
        keys = new int[BUCKETS_PER_PLACE * places.length];
    }
}
