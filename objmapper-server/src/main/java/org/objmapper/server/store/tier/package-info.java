/** How much a tier holds, when it makes room, and who leaves first. For the store's own packages. */
@NullMarked
package org.objmapper.server.store.tier;

import org.jspecify.annotations.NullMarked;
