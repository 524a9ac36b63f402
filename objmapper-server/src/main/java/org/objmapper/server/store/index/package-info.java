/** The index in LMDB: what is known of each object, and the ways to objects by prefix, tag and expiry. For the store's own packages. */
@NullMarked
package org.objmapper.server.store.index;

import org.jspecify.annotations.NullMarked;
