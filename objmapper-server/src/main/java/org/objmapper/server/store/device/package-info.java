/** A backing directory: its files, from a body's first byte to unlinking, and the threads that may block on it. For the store's own packages. */
@NullMarked
package org.objmapper.server.store.device;

import org.jspecify.annotations.NullMarked;
