/* Bodies in files that the store's server has passed descriptors of. Their disk may fail or hang; who wants a body must not hang with it. */
#ifndef OBJMAPPER_VMOD_DISK_H
#define OBJMAPPER_VMOD_DISK_H

#include <stdint.h>
#include <sys/types.h>

#include "objmapper.h"

struct vmod_objmapper_store;

/* 0 where disks have hung so often that none is tried now. Whether one has hung is counted afterwards. */
int disk_is_asked(struct vmod_objmapper_store *store);
void disk_count(struct vmod_objmapper_store *store, int is_hung);

/* NULL where the beginning of a reply's body is there to be read, for which its disk is waited for as long as the store's body_timeout; or why it is not. */
const char *disk_begin(struct vmod_objmapper_store *store, const om_reply *reply);

/* As pread() of what a reply's descriptor has of the body. -1: why says why, a disk that hangs among the reasons. */
ssize_t disk_read(struct vmod_objmapper_store *store, const om_reply *reply, uint64_t offset, void *to, size_t room, const char **why);

#endif
