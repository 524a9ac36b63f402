/* Bodies without a copy: what the store has passed a descriptor of becomes the body of Varnish's object where it stands, as a mapping. */
#ifndef OBJMAPPER_VMOD_ZEROCOPY_H
#define OBJMAPPER_VMOD_ZEROCOPY_H

#include "objmapper.h"

struct busyobj;
struct mapping;
struct stevedore;
struct vmod_objmapper_store;

/* Whether there is such a thing: it needs what only Varnish 7.1.1 is known to have inside. */
int zerocopy_is_built(void);

/* What can be done with a body: it is mapped; it has to be copied; or it can't be read at all, or not in time. */
enum zerocopy { ZEROCOPY_MAPPED, ZEROCOPY_COPY, ZEROCOPY_UNREADABLE };

/* Maps the body of a reply for a fetch where that is possible and worth it; the caller holds the mapping. Waits for its disk as long as the store's timeouts let it. */
enum zerocopy zerocopy_map(struct busyobj *bo, struct vmod_objmapper_store *store, const om_reply *reply, struct mapping **mapping);

/*
 * The storage that has the object of a fetch made of what its source has mapped (source.h), and of everything else in the storage that was chosen before, where any other filter
 * has a say. One for all VCLs of the process, for its objects outlive them. NULL where zerocopy_is_built() says no.
 */
const struct stevedore *zerocopy_storage(void);

#endif
