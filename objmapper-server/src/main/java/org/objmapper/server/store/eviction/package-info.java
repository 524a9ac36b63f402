/**
 * Which object a tier gives up next. A {@link org.objmapper.server.store.eviction.Policy} orders the slots of a tier; what stands in a
 * slot, how much room there is and when to evict is the tier's business. All of it is for one thread.
 */
@NullMarked
package org.objmapper.server.store.eviction;

import org.jspecify.annotations.NullMarked;
