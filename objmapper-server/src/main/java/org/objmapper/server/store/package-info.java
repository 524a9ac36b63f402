/**
 * The object store: an index in LMDB, and a file for each body that is too long to stand in it. A PUT's way: {@link
 * org.objmapper.server.store.BodyWriter} takes the bytes, {@link org.objmapper.server.store.Store} decides and makes the change visible,
 * the committer brings it to disk.
 */
@NullMarked
package org.objmapper.server.store;

import org.jspecify.annotations.NullMarked;
