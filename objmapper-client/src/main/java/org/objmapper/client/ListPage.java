package org.objmapper.client;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One answer to a LIST. Immutable. */
public final class ListPage {
    private final List<ListedObject> objects;
    private final byte @Nullable [] cursor;

    ListPage(List<ListedObject> objects, byte @Nullable [] cursor) {
        this.objects = objects;
        this.cursor = cursor;
    }

    /** The objects, in the order of their keys' first 400 bytes. */
    public List<ListedObject> objects() {
        return objects;
    }

    /** What {@link ObjmapperClient#listPage} takes for the next page; empty on the last one. */
    public Optional<byte[]> cursor() {
        return Optional.ofNullable(cursor).map(byte[]::clone);
    }
}
