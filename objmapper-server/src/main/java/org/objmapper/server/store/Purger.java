package org.objmapper.server.store;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.lmdbjava.LmdbException;

/** Takes objects away by key, prefix or tag. Safe on any thread that may block. */
final class Purger {
    private final Index index;
    private final Committer committer;
    private final Changes changes;
    private final LongSupplier clock;

    Purger(Index index, Committer committer, Changes changes, LongSupplier clock) {
        this.index = index;
        this.committer = committer;
        this.changes = changes;
        this.clock = clock;
    }

    /** Takes the object under a key away, durably; soft: makes it expire. */
    void purgeKey(byte[] key, boolean soft, Result.Outcome outcome) {
        ObjectKey wanted = new ObjectKey(key);
        purge(soft, outcome, hits -> {
            IndexRecord there = changes.current(wanted);
            if (there != null) {
                hits.put(wanted, there);
            }
        });
    }

    /** Takes all objects away whose keys start so, durably; soft: makes them expire. */
    void purgePrefix(byte[] prefix, boolean soft, Result.Outcome outcome) {
        purge(soft, outcome, hits -> {
            index.scan(prefix, null, Integer.MAX_VALUE, record -> {
                hits.put(new ObjectKey(record.key()), record);
                return true;
            });
            overlay(hits, record -> PrefixKey.startsWith(record.key(), prefix));
        });
    }

    /** Takes all objects with a tag away, durably; soft: makes them expire. */
    void purgeTag(byte[] tag, boolean soft, Result.Outcome outcome) {
        purge(soft, outcome, hits -> {
            index.tagged(tag).forEach(record -> hits.put(new ObjectKey(record.key()), record));
            overlay(hits, record -> ObjectMetadata.decode(record.metadata()).tags().stream()
                    .anyMatch(other -> Arrays.equals(other, tag)));
        });
    }

    /** Corrects what the index said by the changes that are on their way to it. */
    private void overlay(Map<ObjectKey, IndexRecord> hits, Predicate<IndexRecord> matches) {
        for (Change change : committer.allPending()) {
            ObjectKey key = change.key();
            IndexRecord record = change.record();
            if (key != null && record != null && matches.test(record)) {
                hits.put(key, record);
            } else if (key != null) {
                hits.remove(key);
            }
        }
    }

    /** Finds what a purge takes; under the committer's lock. */
    private interface Search {
        void into(Map<ObjectKey, IndexRecord> hits);
    }

    private void purge(boolean soft, Result.Outcome outcome, Search search) {
        try {
            synchronized (committer) {
                committer.awaitRoom();
                Map<ObjectKey, IndexRecord> hits = new LinkedHashMap<>();
                search.into(hits);
                long count = 0;
                for (Map.Entry<ObjectKey, IndexRecord> hit : hits.entrySet()) {
                    count += purgeOne(hit.getKey(), hit.getValue(), soft);
                }
                // Tells when all of this, and all before it, is on disk: nothing that it found gone may come back.
                committer.add(Change.barrier(outcome, Result.purged(count)));
            }
        } catch (IOException | LmdbException e) {
            outcome.done(Result.failed(StoreException.of(e)));
        }
    }

    private int purgeOne(ObjectKey key, IndexRecord there, boolean soft) throws StoreException {
        long now = clock.getAsLong();
        if (there.goneAt(now) || (soft && there.expiredAt(now))) {
            return 0;
        }
        IndexRecord left = soft
                ? Changes.rewritten(there, ObjectMetadata.decode(there.metadata()), there.generation(), now)
                : null;
        changes.edit(key, there, left, null);
        return 1;
    }
}
