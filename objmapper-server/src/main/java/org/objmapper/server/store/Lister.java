package org.objmapper.server.store;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.ListEntry;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.PrefixKey;

/** Lists objects in the order of their keys, a page at a time, when the changes that were made before are in the index. Safe on any thread. */
final class Lister {
    private static final int SLICE = 500;
    /** A page ends when it is this long, whatever the limit. */
    private static final int PAGE_BYTES = 4 << 20;

    private final Index index;
    private final Committer committer;
    private final DeviceQueue lookups;
    private final LongSupplier clock;

    /** Lists on the threads of {@code lookups}. */
    Lister(Index index, Committer committer, DeviceQueue lookups, LongSupplier clock) {
        this.index = index;
        this.committer = committer;
        this.lookups = lookups;
        this.clock = clock;
    }

    /** Lists up to {@code limit} unexpired objects whose keys start so. False when too much waits already. */
    boolean list(byte[] prefix, byte @Nullable [] cursor, int limit, Store.Listing listing) {
        if (cursor != null && cursor.length > PrefixKey.LONGEST) {
            listing.page(
                    List.of(), null, new StoreException(Status.BAD_REQUEST, "the cursor is none of this server's"));
            return true;
        }
        return lookups.submit(() -> {
            if (committer.pendingCount() == 0) {
                listNow(prefix, cursor, limit, listing);
            } else {
                committer.afterAll(flushed -> listAfterFlush(flushed, prefix, cursor, limit, listing));
            }
        });
    }

    private void listAfterFlush(
            Result flushed, byte[] prefix, byte @Nullable [] cursor, int limit, Store.Listing listing) {
        if (flushed.status() != Status.OK) {
            listing.page(List.of(), null, new StoreException(flushed.status(), flushed.message()));
        } else if (!lookups.submit(() -> listNow(prefix, cursor, limit, listing))) {
            listing.page(List.of(), null, new StoreException(Status.BUSY, "the index's queue is full"));
        }
    }

    private void listNow(byte[] prefix, byte @Nullable [] cursor, int limit, Store.Listing listing) {
        List<ListEntry> entries = new ArrayList<>();
        PageRoom room = new PageRoom(limit);
        byte[] at = cursor;
        try {
            long now = clock.getAsLong();
            do {
                // A slice for each read transaction, so that none lives long.
                at = index.scan(prefix, at, SLICE, record -> {
                    if (!record.expiredAt(now)) {
                        entries.add(room.take(entry(record)));
                    }
                    return room.isLeft();
                });
            } while (at != null && room.isLeft());
            if (at != null && !anyBehind(prefix, at, now)) {
                at = null;
            }
        } catch (IndexException e) {
            listing.page(List.of(), null, StoreException.of(e));
            return;
        }
        listing.page(entries, at, null);
    }

    /** What a page of a listing may still take. */
    private static final class PageRoom {
        private int entries;
        private int bytes = PAGE_BYTES;

        PageRoom(int entries) {
            this.entries = entries;
        }

        ListEntry take(ListEntry entry) {
            entries--;
            bytes -= entry.size();
            return entry;
        }

        boolean isLeft() {
            return entries > 0 && bytes > 0;
        }
    }

    private boolean anyBehind(byte[] prefix, byte[] cursor, long now) {
        boolean[] found = new boolean[1];
        byte[] at = cursor;
        do {
            at = index.scan(prefix, at, SLICE, record -> {
                found[0] = !record.expiredAt(now);
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
}
