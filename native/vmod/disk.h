/* Bodies in files that the store's server has passed descriptors of. Their disk may fail or hang; who wants a body must not hang with it. */
#ifndef OBJMAPPER_VMOD_DISK_H
#define OBJMAPPER_VMOD_DISK_H

#include <stdint.h>
#include <sys/types.h>

#include "objmapper.h"
#include "prefetch.h"

struct busyobj;
struct vmod_objmapper_store;

/* Why no disk is asked now: they have hung too often. NULL: one may be, and what came of it is for disk_answered(). */
const char *disk_refuses(struct vmod_objmapper_store *store);

/* Counts what a prefetch came to, with its errno. NULL where who asked may read the body all the same; or why it can't be had. */
const char *disk_answered(struct vmod_objmapper_store *store, enum prefetched result, int error);

/* Says in the log of a fetch why a stored body can't be had, and counts that. */
void disk_tell(struct busyobj *bo, struct vmod_objmapper_store *store, const char *why);

/* NULL where the beginning of a reply's body is there to be read, for which its disk is waited for as long as the store's body_timeout; or why it is not. */
const char *disk_begin(struct vmod_objmapper_store *store, const om_reply *reply);

/* As pread() of what a reply's descriptor has of the body. -1: why says why, a disk that hangs among the reasons. */
ssize_t disk_read(struct vmod_objmapper_store *store, const om_reply *reply, uint64_t offset, void *to, size_t room, const char **why);

#endif
