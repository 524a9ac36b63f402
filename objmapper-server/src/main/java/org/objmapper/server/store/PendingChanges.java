package org.objmapper.server.store;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.table.ObjectTable;
import org.objmapper.server.store.validity.ValidityTable;
import org.slf4j.LoggerFactory;

/**
 * The changes that are visible and not in the index yet: every reader asks here before the index. Whatever they do to what a look-up finds
 * passes through here, so that the table of all objects, the objects at hand and clients that keep some follow it. Changed under the
 * committer's lock; asked on any thread.
 */
final class PendingChanges {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(PendingChanges.class));

    private final Index index;
    private final HotTable hot;
    private final ObjectTable table;
    private final ValidityTable validity;
    private final ConcurrentHashMap<ObjectKey, Change> visible = new ConcurrentHashMap<>();
    /** Those that have a variant, by the key without. */
    private final ConcurrentHashMap<ObjectKey, Set<ObjectKey>> variants = new ConcurrentHashMap<>();

    private volatile long departures;

    PendingChanges(Index index, HotTable hot, ObjectTable table, ValidityTable validity) {
        this.index = index;
        this.hot = hot;
        this.table = table;
        this.validity = validity;
    }

    // ---- for readers

    /** The change of a key; null if there is none. */
    @Nullable
    Change of(ObjectKey key) {
        return visible.get(key);
    }

    /** The changes under a key. */
    List<Change> under(ObjectKey key) {
        List<Change> pending = new ArrayList<>();
        addTo(pending, key.variant(0));
        if (!variants.isEmpty()) {
            variants.getOrDefault(key.variant(0), Set.of()).forEach(variant -> addTo(pending, variant));
        }
        return pending;
    }

    private void addTo(List<Change> pending, ObjectKey key) {
        Change change = visible.get(key);
        if (change != null) {
            pending.add(change);
        }
    }

    /** All of them. Under the lock. */
    Iterable<Change> all() {
        return visible.values();
    }

    int count() {
        return visible.size();
    }

    /** How many times changes have left: since it was the same, the index is the same of all keys without any. */
    long departures() {
        return departures;
    }

    // ---- for the committer

    /** A change is visible from now on. */
    void show(ObjectKey key, Change change) {
        publish(key, () -> {
            visible.put(key, change);
            if (key.variant() != 0) {
                variants.computeIfAbsent(key.variant(0), plain -> ConcurrentHashMap.newKeySet())
                        .add(key);
            }
            table.unsettle(key.code(), key.variant() != 0);
        });
    }

    /** Some are about to leave. */
    void depart() {
        departures++;
    }

    /** The index has a change, and says the same: it is visible here no more, unless a later one has taken its place. */
    void settle(ObjectKey key, Change change) {
        if (visible.remove(key, change) && key.variant() != 0) {
            variants.computeIfPresent(key.variant(0), (plain, keys) -> {
                keys.remove(key);
                return keys.isEmpty() ? null : keys;
            });
        }
    }

    /** A change failed: shows the one before it; if there is none, the index. */
    void takeBack(ObjectKey key, Change change, @Nullable Change before) {
        publish(key, () -> {
            if (before == null) {
                settle(key, change);
            } else {
                visible.replace(key, change, before);
            }
        });
    }

    /** Makes a change that hides any number of objects at once from every look-up. */
    void hideAll(Runnable change) {
        validity.changeAll(change);
    }

    /** Changes what a look-up of a key finds; the only way to. Clients that keep what was there learn of it before anybody sees it. */
    private void publish(ObjectKey key, Runnable change) {
        validity.begin(key.hash());
        change.run();
        hot.remove(key.hash(), key.bytes());
        validity.end(key.hash());
    }

    // ---- for the table of all objects

    /** The table shows what the index has of a key, unless a later change of it is on its way. */
    void tellTable(ObjectKey key, @Nullable IndexRecord inIndex) {
        if (visible.containsKey(key)) {
            return;
        }
        if (inIndex == null) {
            table.remove(key.code());
        } else {
            table.put(key.code(), inIndex);
        }
    }

    /** After changes that failed only the index knows; where it can't be asked, the table goes on referring to it. */
    void tellTableOfLost(Collection<Change> lost) {
        try {
            for (Change change : lost) {
                ObjectKey key = change.key();
                if (key != null) {
                    tellTable(key, index.get(key));
                }
            }
        } catch (IndexException e) {
            FAILURES.warn("The table of objects leaves keys={} to the index: {}", lost.size(), e.getMessage());
        }
    }
}
