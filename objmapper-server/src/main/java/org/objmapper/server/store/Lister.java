package org.objmapper.server.store;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.ListEntry;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.ban.Bans;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.PrefixKey;
import org.slf4j.LoggerFactory;

/**
 * Lists objects in the order of their keys, a page at a time, when the changes that were made before are in the index. On a thread of
 * its own, so that no look-up waits for it. Safe on any thread.
 */
final class Lister implements AutoCloseable {
    /** A page has no more bytes, whatever the limit. */
    static final int MAX_PAGE_BYTES = 64 * 1024;

    /** Listings that wait, are made, or are not taken yet: a page of memory each. */
    static final int MAX_LISTINGS = 256;

    private static final int LONGEST_ENTRY = new ListEntry(new byte[Limits.MAX_KEY], 0, 0, 0, 0).size();
    private static final int SLICE = 500;
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(Lister.class));

    private final Index index;
    private final Committer committer;
    private final Bans bans;
    private final LongSupplier clock;
    private final Semaphore places = new Semaphore(MAX_LISTINGS);
    private final DeviceQueue queue = new DeviceQueue("store-list", 1, MAX_LISTINGS);

    Lister(Index index, Committer committer, Bans bans, LongSupplier clock) {
        this.index = index;
        this.committer = committer;
        this.bans = bans;
        this.clock = clock;
    }

    /** Lists up to {@code limit} unexpired objects whose keys start so. False when too many listings are under way. */
    boolean list(byte[] prefix, byte @Nullable [] cursor, int limit, Store.Listing listing) {
        if (!places.tryAcquire()) {
            return false;
        }
        if (cursor != null && cursor.length > PrefixKey.LONGEST) {
            listing.listed(failed(Status.BAD_REQUEST, "the cursor is none of this server's"));
            return true;
        }
        boolean queued = queue.submit(() -> {
            if (committer.pending().count() == 0) {
                listing.listed(page(prefix, cursor, limit));
            } else {
                committer.afterAll(flushed -> listAfterFlush(flushed, prefix, cursor, limit, listing));
            }
        });
        if (!queued) {
            places.release();
        }
        return queued;
    }

    private void listAfterFlush(
            Result flushed, byte[] prefix, byte @Nullable [] cursor, int limit, Store.Listing listing) {
        if (flushed.status() != Status.OK) {
            listing.listed(failed(flushed.status(), flushed.message()));
        } else if (!queue.submit(() -> listing.listed(page(prefix, cursor, limit)))) {
            listing.listed(failed(Status.BUSY, "the queue of listings is full"));
        }
    }

    private ListedPage failed(Status status, String message) {
        return ListedPage.failed(new StoreException(status, message), places);
    }

    private ListedPage page(byte[] prefix, byte @Nullable [] cursor, int limit) {
        List<ListEntry> entries = new ArrayList<>();
        PageRoom room = new PageRoom(limit);
        byte[] at = cursor;
        try {
            long now = clock.getAsLong();
            Bans.Active hiding = bans.active();
            do {
                // A slice for each read transaction, so that none lives long.
                at = index.scan(prefix, at, SLICE, records -> {
                    IndexRecord newest = newestListed(records, now, hiding);
                    if (newest != null) {
                        entries.add(room.take(entry(newest)));
                    }
                    return room.isLeft();
                });
            } while (at != null && room.isLeft());
            if (at != null && !anyBehind(prefix, at, now, hiding)) {
                at = null;
            }
        } catch (IndexException e) {
            return ListedPage.failed(StoreException.of(e), places);
        } catch (RuntimeException | Error e) {
            FAILURES.error("A listing ended in a defect", e);
            return failed(Status.INTERNAL, "the listing ended in a defect: " + e);
        }
        return ListedPage.of(entries, at, places);
    }

    /** A key is listed once, with the newest of the objects under it; null where none is to be listed. */
    private @Nullable IndexRecord newestListed(List<IndexRecord> underOneKey, long now, Bans.Active hiding) {
        IndexRecord newest = null;
        for (IndexRecord record : underOneKey) {
            boolean isNewer = newest == null || record.generation() > newest.generation();
            if (isNewer && !record.expiredAt(now) && !hiding.hit(record)) {
                newest = record;
            }
        }
        return newest;
    }

    /** What a page of a listing may still take. */
    private static final class PageRoom {
        private int entries;
        private int bytes = MAX_PAGE_BYTES;

        PageRoom(int entries) {
            this.entries = entries;
        }

        ListEntry take(ListEntry entry) {
            entries--;
            bytes -= entry.size();
            return entry;
        }

        /** Whether even the longest entry still has room. */
        boolean isLeft() {
            return entries > 0 && bytes >= LONGEST_ENTRY;
        }
    }

    private boolean anyBehind(byte[] prefix, byte[] cursor, long now, Bans.Active hiding) {
        boolean[] found = new boolean[1];
        byte[] at = cursor;
        do {
            at = index.scan(prefix, at, SLICE, records -> {
                found[0] = newestListed(records, now, hiding) != null;
                return !found[0];
            });
        } while (at != null && !found[0]);
        return found[0];
    }

    private static ListEntry entry(IndexRecord record) {
        return new ListEntry(
                record.key(),
                record.generation(),
                record.length(),
                record.createdMillis(),
                record.expiryMillis() == IndexRecord.NEVER ? Limits.UNKNOWN : record.expiryMillis());
    }

    @Override
    public void close() {
        queue.close();
    }
}
