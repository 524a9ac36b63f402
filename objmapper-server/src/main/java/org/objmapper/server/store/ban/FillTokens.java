package org.objmapper.server.store.ban;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.index.ObjectKey;

/**
 * Tells whether what a client fills in after a miss is still true (protocol-spec.md 5.4.5). A token says which changes and purges its
 * look-up could see; one that came later and concerns the object makes it stale. What is remembered has a bound: beyond it some tokens
 * count as stale that need not, and none the other way round. {@link #now} and {@link #token} are safe on any thread, all else belongs
 * to whoever holds the lock under which objects change.
 */
public final class FillTokens {
    /** Bytes of a token. */
    public static final int TOKEN_BYTES = 3 * Long.BYTES;
    /** For how long a token is good. */
    static final long LIFETIME_NANOS = TimeUnit.HOURS.toNanos(1);
    /** Purges of more than a key or a tag that are remembered, each with up to 4 KiB and what that is compiled to. */
    static final int MAX_PURGES = 256;

    private static final int KEYS = 1 << 18;
    private static final int TAGS = 1 << 14;

    private final long epoch;
    private final LongSupplier nanos;
    private final long beginning;

    /** The newest change of any of the objects or keys, or purge of any of the tags, that share a place. */
    private final long[] keys = new long[KEYS];

    private final long[] tags = new long[TAGS];
    private final Deque<Purged> purges = new ArrayDeque<>();
    /** The newest purge that is forgotten. */
    private long forgotten;

    /** How many changes and purges there were. */
    private volatile long time;

    private record Purged(long time, long nanos, Extent extent) {}

    /**
     * None was given yet.
     *
     * @param epoch another one for each start of a server
     * @param nanos a clock that only goes forward
     */
    public FillTokens(long epoch, LongSupplier nanos) {
        this.epoch = epoch;
        this.nanos = nanos;
        this.beginning = nanos.getAsLong();
    }

    /** What {@link #token} is to be given after a look-up; to be asked for before it. */
    public long now() {
        return time;
    }

    /** Writes the token of a look-up that began at {@code time} and found nothing. */
    public void token(long time, byte[] token) {
        ByteBuffer.wrap(token).putLong(epoch).putLong(time).putLong(age());
    }

    private long age() {
        return nanos.getAsLong() - beginning;
    }

    /** An object is put or touched. */
    public void changed(ObjectKey key) {
        keys[placeOf(key)] = next();
    }

    /** All objects under a key are deleted or purged. */
    public void removed(ObjectKey key) {
        keys[placeOfAll(key)] = next();
    }

    /** Objects are purged, those there are and those whose fill has begun. */
    public void purged(Extent extent) {
        long now = next();
        if (extent.kind() == Extent.Kind.TAG) {
            tags[placeOfTag(extent.pattern())] = now;
        } else if (extent.coversAll()) {
            purges.clear();
            forgotten = now;
        } else {
            remember(new Purged(now, age(), extent));
        }
    }

    private long next() {
        long now = time + 1;
        time = now;
        return now;
    }

    private void remember(Purged purged) {
        purges.add(purged);
        while (purges.size() > MAX_PURGES || purged.nanos - purges.element().nanos > LIFETIME_NANOS) {
            forgotten = purges.remove().time;
        }
    }

    /** Why an object must not be put with a token; null if it may. */
    public @Nullable String staleness(byte[] token, ObjectKey key, ByteBuffer metadata, List<byte[]> tagsOfObject) {
        ByteBuffer given = ByteBuffer.wrap(token);
        if (token.length != TOKEN_BYTES || given.getLong() != epoch) {
            return "this server gave out no such fill token since it started";
        }
        long since = given.getLong();
        if (age() - given.getLong() > LIFETIME_NANOS) {
            return "the fill took longer than an hour";
        }
        if (since < forgotten) {
            return "everything was purged since the fill began, or so much that nobody knows whether the object was";
        }
        if (keys[placeOf(key)] > since || keys[placeOfAll(key)] > since) {
            return "the key was purged, deleted or overwritten since the fill began";
        }
        for (byte[] tag : tagsOfObject) {
            if (tags[placeOfTag(tag)] > since) {
                return "a tag of the object was purged since the fill began";
            }
        }
        return isCovered(since, key.bytes(), metadata) ? "a purge since the fill began covers the object" : null;
    }

    private boolean isCovered(long since, byte[] key, ByteBuffer metadata) {
        for (Purged purged : purges) {
            if (purged.time > since && purged.extent.covers(key, metadata)) {
                return true;
            }
        }
        return false;
    }

    private static int placeOf(ObjectKey key) {
        return place(key.hash() ^ key.variant(), KEYS);
    }

    private static int placeOfAll(ObjectKey key) {
        return place(Long.reverse(key.hash()), KEYS);
    }

    private static int placeOfTag(byte[] tag) {
        return place(ObjectKey.hash(ByteBuffer.wrap(tag), 0, tag.length), TAGS);
    }

    private static int place(long hash, int places) {
        return (int) (hash ^ hash >>> 32) & (places - 1);
    }
}
