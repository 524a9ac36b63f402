/** What purges and bans cover, and which fills they make stale. */
@NullMarked
package org.objmapper.server.store.ban;

import org.jspecify.annotations.NullMarked;
