/* A body that comes from the store. */
#ifndef OBJMAPPER_VMOD_SOURCE_H
#define OBJMAPPER_VMOD_SOURCE_H

#include "head.h"
#include "objmapper.h"

struct fetch;
struct key;
struct vfp_ctx;

/*
 * Makes a reply of the store the source of a fetch's body, and its life that of the object. The reply is the source's from then on, and is
 * freed when the fetch closes its filters. The workspace has room.
 */
void source_push(struct vfp_ctx *filters, om_reply *reply, const struct life *life);

/* As source_push, of a body that the origin says is good still. What the store keeps of it becomes head, the source's from then on, with the life that VCL gives it, where fetch->is_armed. */
void source_push_revalidated(struct vfp_ctx *filters, om_reply *reply, const struct fetch *fetch, const struct key *key, char *head, size_t head_length);

#endif
