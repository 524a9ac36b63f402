/* A body that comes from the store. */
#ifndef OBJMAPPER_VMOD_SOURCE_H
#define OBJMAPPER_VMOD_SOURCE_H

#include "head.h"
#include "objmapper.h"

struct busyobj;
struct fetch;
struct key;
struct mapping;
struct stevedore;
struct vfp_ctx;
struct vfp_entry;
struct vmod_objmapper_store;

/*
 * Makes a reply of the store the source of a fetch's body, and its life that of the object. The reply is the source's from then on, and is
 * freed when the fetch closes its filters. The workspace has room.
 */
void source_push(struct vfp_ctx *filters, struct vmod_objmapper_store *store, om_reply *reply, const struct life *life);

/* As source_push, of a body that the origin says is good still. What the store keeps of it becomes head, the source's from then on, with the life that VCL gives it, where fetch->is_armed. */
void source_push_revalidated(struct vfp_ctx *filters, om_reply *reply, const struct fetch *fetch, const struct key *key, char *head, size_t head_length);

/* What is mapped of a source's body, for whom it is counted, and the storage that takes what can't be had as a mapping. */
struct source_mapping {
	struct mapping *mapping;
	struct vmod_objmapper_store *store;
	const struct stevedore *otherwise;
	const struct vfp_entry *source; /* NULL: it has not begun */
};

/* Gives the mapping of its whole body to the source of a fetch, which lets go of it at its end. The fetch's storage is the one that takes what can't be had as a mapping. */
void source_map(const struct busyobj *bo, struct vmod_objmapper_store *store, struct mapping *mapping);

/* What the source of a fetch has mapped, in so far as it has a source and that a mapping. */
void source_mapped(const struct vfp_ctx *filters, struct source_mapping *mapping);

/* The reply that is the source of a fetch's body; NULL where the body does not come from the store. */
const om_reply *source_reply(const struct vfp_ctx *filters);

#endif
