package org.objmapper.server.store;

import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.ListEntry;

/** A page of a listing, or why there is none. Whoever gets it closes it once: until then it counts among the listings under way. */
public final class ListedPage implements AutoCloseable {
    private final List<ListEntry> entries;
    private final byte @Nullable [] cursor;
    private final @Nullable StoreException failure;
    private final Semaphore places;

    private ListedPage(
            List<ListEntry> entries, byte @Nullable [] cursor, @Nullable StoreException failure, Semaphore places) {
        this.entries = entries;
        this.cursor = cursor;
        this.failure = failure;
        this.places = places;
    }

    /** A page that gives its place back when it is closed. */
    static ListedPage of(List<ListEntry> entries, byte @Nullable [] cursor, Semaphore places) {
        return new ListedPage(entries, cursor, null, places);
    }

    static ListedPage failed(StoreException failure, Semaphore places) {
        return new ListedPage(List.of(), null, failure, places);
    }

    public List<ListEntry> entries() {
        return entries;
    }

    /** Where to go on; null on the last page. */
    public byte @Nullable [] cursor() {
        return cursor;
    }

    /** Why there are no entries; null where all is well. */
    public @Nullable StoreException failure() {
        return failure;
    }

    /** Bytes of the entries on the wire. */
    public int size() {
        int size = 0;
        for (ListEntry entry : entries) {
            size += entry.size();
        }
        return size;
    }

    @Override
    public void close() {
        places.release();
    }
}
