/** What is known of every object, in memory, so that a look-up on an event loop never touches the index. For the store's own packages. */
@NullMarked
package org.objmapper.server.store.table;

import org.jspecify.annotations.NullMarked;
