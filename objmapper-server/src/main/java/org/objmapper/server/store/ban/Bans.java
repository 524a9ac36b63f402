package org.objmapper.server.store.ban;

import java.util.ArrayList;
import java.util.List;
import org.objmapper.server.store.index.IndexRecord;

/**
 * The bans whose objects are not all removed yet: who looks for an object asks for them first, and then whether one of them hits what was found.
 * Reading is safe on any thread; changes belong to whoever holds the lock under which objects change.
 */
public final class Bans {
    private volatile Active active = new Active(List.of(), 0);

    /**
     * Those of a moment, to be asked for before a look-up: the objects of one that is dropped meanwhile are removed, but the look-up may have
     * found one before.
     *
     * @param newest objects of this generation and above are hit by none; 0 where there is no ban
     */
    public record Active(List<RecordedPurge> bans, long newest) {
        /** Whether one of them hits an object, which therefore is there no more. */
        public boolean hit(IndexRecord record) {
            if (record.generation() >= newest) {
                return false;
            }
            for (RecordedPurge ban : bans) {
                if (ban.takes(record.generation(), record.key(), record.metadata())) {
                    return true;
                }
            }
            return false;
        }
    }

    public Active active() {
        return active;
    }

    public int count() {
        return active.bans().size();
    }

    public void add(RecordedPurge ban) {
        List<RecordedPurge> more = new ArrayList<>(active.bans());
        more.add(ban);
        set(more);
    }

    /** All that it hits is removed. */
    public void drop(RecordedPurge ban) {
        List<RecordedPurge> fewer = new ArrayList<>(active.bans());
        fewer.remove(ban);
        set(fewer);
    }

    private void set(List<RecordedPurge> bans) {
        active = new Active(
                List.copyOf(bans),
                bans.stream().mapToLong(RecordedPurge::before).max().orElse(0));
    }
}
