/* A body that comes from the store. */
#ifndef OBJMAPPER_VMOD_SOURCE_H
#define OBJMAPPER_VMOD_SOURCE_H

#include "head.h"
#include "objmapper.h"

struct vfp_ctx;

/*
 * Makes a reply of the store the source of a fetch's body, and its life that of the object. The reply is the source's from then on, and is
 * freed when the fetch closes its filters. Returns -1, and leaves the reply, where the workspace has no room.
 */
int source_push(struct vfp_ctx *filters, om_reply *reply, const struct life *life);

#endif
