package org.objmapper.server.store.ban;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.objmapper.server.store.index.IndexRecord;

/**
 * The bans whose objects are not all removed yet: who finds an object asks here whether one of them hits it. Reading is safe on any
 * thread; changes belong to whoever holds the lock under which objects change.
 */
public final class Bans {
    private final List<RecordedPurge> active = new CopyOnWriteArrayList<>();
    private volatile long newest;

    /** Objects of this generation and above are hit by none; 0 where there is no ban. */
    public long newest() {
        return newest;
    }

    public int count() {
        return active.size();
    }

    public void add(RecordedPurge ban) {
        active.add(ban);
        newest = Math.max(newest, ban.before());
    }

    /** All that it hits is removed. */
    public void drop(RecordedPurge ban) {
        active.remove(ban);
        newest = active.stream().mapToLong(RecordedPurge::before).max().orElse(0);
    }

    /** Whether one of them hits an object, which therefore is there no more. */
    public boolean hit(IndexRecord record) {
        if (record.generation() >= newest) {
            return false;
        }
        for (RecordedPurge ban : active) {
            if (ban.takes(record.generation(), record.key(), record.metadata())) {
                return true;
            }
        }
        return false;
    }
}
