package org.objmapper.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.HitCount;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The objects that a client keeps, each for as long as the server's validity table says that it is current, and as others want its place
 * less. Bounded in objects, in bytes of bodies and metadata, and in the time that nobody asks for one. Thread-safe; {@link #get} takes no
 * lock.
 */
final class ObjectCache {
    private static final Logger LOG = LoggerFactory.getLogger(ObjectCache.class);

    private static final int PASSES = 4;

    private final CacheBounds bounds;
    private final ConcurrentHashMap<Key, Entry> entries = new ConcurrentHashMap<>();

    /** Where {@link #tellHits} goes on: what there was no room for comes first the next time. */
    private Iterator<Entry> untold = Collections.emptyIterator();

    private @Nullable Entry nextUntold;

    // Guarded by this.
    /** By when they came, or were last found to be in use; the same ones. */
    private final LinkedHashSet<Entry> order = new LinkedHashSet<>();

    private long bytes;
    private long expiredNanos = System.nanoTime();
    private @Nullable ValidityTable newest;

    /** One object, and what tells whether it is current. */
    private static final class Entry {
        private final Key key;
        private final StoredObject object;
        private final ValidityTable table;
        private final long epoch;
        private final int slot;
        private final long word;
        private final long deadline;
        private final long bytes;
        private volatile long usedNanos = System.nanoTime();
        private volatile boolean used;
        /** How often it was given since the server was told. */
        private final AtomicInteger hits = new AtomicInteger();

        Entry(Key key, StoredObject object, ValidityTable table, MetadataReader validity, long bytes) {
            int at = validity.offset();
            this.key = key;
            this.object = object;
            this.table = table;
            this.epoch = validity.buffer().getLong(at);
            this.slot = (int) validity.buffer().getLong(at + 8);
            this.word = validity.buffer().getLong(at + 16);
            this.deadline = validity.buffer().getLong(at + 24);
            this.bytes = bytes;
        }

        boolean isCurrent() {
            return table.holds(epoch, slot, word, deadline);
        }
    }

    ObjectCache(CacheBounds bounds) {
        this.bounds = bounds;
    }

    /** The table in a file that a session brought, which stays the caller's; null where it is of no use. One that is known already is the same. */
    synchronized @Nullable ValidityTable adopt(FileChannel file) throws IOException {
        ValidityTable table = ValidityTable.map(file);
        ValidityTable known = newest;
        if (table == null || (known != null && known.isSameAs(table))) {
            return table == null ? null : known;
        }
        newest = table;
        return table;
    }

    /** The object under a key, one more holder of it, if it is current; else null. */
    @Nullable
    StoredObject get(Key key) {
        Entry entry = entries.get(key);
        if (entry == null) {
            return null;
        }
        StoredObject held = entry.isCurrent() ? entry.object.hold() : null;
        if (held == null) {
            remove(entry);
        } else {
            entry.hits.getAndIncrement();
            if (!entry.used) {
                entry.used = true;
            }
        }
        return held;
    }

    /** Writes to a buffer what was given since the time before, as far as there is room: what HITS says. On one thread. */
    void tellHits(ByteBuffer into) {
        for (int left = entries.size(); left > 0; left--) {
            Entry entry = nextToTell();
            if (entry == null) {
                return;
            }
            if (into.remaining() < HitCount.size(entry.key.bytes.length)) {
                nextUntold = entry;
                return;
            }
            int hits = entry.hits.getAndSet(0);
            if (hits > 0) {
                new HitCount(entry.key.bytes, hits).write(into);
            }
        }
    }

    private @Nullable Entry nextToTell() {
        Entry next = nextUntold;
        if (next != null) {
            nextUntold = null;
            return next;
        }
        if (!untold.hasNext()) {
            untold = entries.values().iterator();
        }
        return untold.hasNext() ? untold.next() : null;
    }

    /** Keeps an object that a reply brought, if the server lets it; the caller's is another holder. */
    void keep(Key key, StoredObject object, Reply reply) {
        ValidityTable table = reply.table;
        MetadataReader entry = reply.reader();
        if (table == null || !entry.find(MetadataType.VALIDITY)) {
            return;
        }
        table.answered(reply.askedNanos);
        long weight = object.length() + reply.metadata.length + key.bytes.length;
        boolean fits = object.length() <= bounds.bytes() && weight <= bounds.bytes();
        if (!fits || !table.hasSlot(entry.buffer().getLong(entry.offset() + 8))) {
            return;
        }
        StoredObject held = object.hold();
        if (held != null) {
            put(new Entry(key, held, table, entry, weight));
        }
    }

    private synchronized void put(Entry entry) {
        Entry before = entries.put(entry.key, entry);
        if (before != null) {
            letGo(before);
        }
        order.add(entry);
        bytes += entry.bytes;
        while (entries.size() > bounds.objects() || bytes > bounds.bytes()) {
            makeRoom();
        }
    }

    /** Who was used since it was looked at stays for one more round. */
    private void makeRoom() {
        Iterator<Entry> all = order.iterator();
        Entry oldest = all.next();
        if (oldest.used) {
            oldest.used = false;
            oldest.usedNanos = System.nanoTime();
            all.remove();
            order.add(oldest);
        } else {
            remove(oldest);
        }
    }

    private synchronized void remove(Entry entry) {
        if (entries.remove(entry.key, entry)) {
            letGo(entry);
        }
    }

    private void letGo(Entry entry) {
        order.remove(entry);
        bytes -= entry.bytes;
        try {
            entry.object.close();
        } catch (IOException e) {
            LOG.debug("{} could not be closed", entry.key, e);
        }
    }

    /** Lets go of what nobody asked for lately; does that a few times in such a while, however often it is called. */
    synchronized void expire(long nowNanos) {
        if (nowNanos - expiredNanos < bounds.idleNanos() / PASSES) {
            return;
        }
        expiredNanos = nowNanos;
        for (Entry entry : entries.values()) {
            if (entry.used) {
                entry.used = false;
                entry.usedNanos = nowNanos;
            }
            if (nowNanos - entry.usedNanos >= bounds.idleNanos()) {
                remove(entry);
            }
        }
    }

    /** Lets go of everything. */
    synchronized void clear() {
        entries.values().forEach(this::remove);
    }

    int size() {
        return entries.size();
    }
}
