package org.objmapper.server.store.index;

import org.jspecify.annotations.Nullable;

/**
 * What the index is to hold of one key.
 *
 * @param record null for nothing
 */
public record IndexChange(ObjectKey key, @Nullable IndexRecord record) {}
