package org.objmapper.client;

import org.objmapper.protocol.MetadataType;

/** What a DELETE may carry besides the key. Not thread-safe; may be used for many calls. */
public final class DeleteOptions extends ChangeOptions<DeleteOptions> {
    @Override
    DeleteOptions self() {
        return this;
    }

    Entries encode(Key key) {
        Entries entries = new Entries().bytes(MetadataType.KEY, key.bytes);
        addGeneration(entries);
        addDurability(entries);
        return entries;
    }
}
