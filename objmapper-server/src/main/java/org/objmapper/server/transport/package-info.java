/** Listener, event loops and sessions: bytes and descriptors in, frames out. */
@NullMarked
package org.objmapper.server.transport;

import org.jspecify.annotations.NullMarked;
