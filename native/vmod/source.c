#include <stdlib.h>
#include <string.h>

#include "cache/cache_varnishd.h"
#include "cache/cache_filter.h"

#include "disk.h"
#include "fetch.h"
#include "key.h"
#include "mapping.h"
#include "source.h"
#include "touch.h"

struct source {
	unsigned magic;
#define SOURCE_MAGIC 0x6f6d736fU
	struct vmod_objmapper_store *store;
	om_reply *reply;
	uint64_t done; /* bytes of the body */
	int has_begun;
	struct source_mapping mapped;
	struct life life;
	/* Where the origin has said that it is good still: */
	const struct fetch *fetch; /* or NULL */
	struct key key;
	char *head;
	size_t head_length;
};

/* VCL may shorten a life but not begin it anew: the object is as old as it is. */
static void limit_life(struct objcore *oc, const struct life *life)
{
	double ttl_end = fmin(oc->t_origin + oc->ttl, life->origin + life->ttl);
	double grace_end = fmin(ttl_end + oc->grace, life->origin + life->ttl + life->grace);
	double keep_end = fmin(grace_end + oc->keep, life->origin + life->ttl + life->grace + life->keep);

	oc->t_origin = life->origin;
	oc->ttl = (float)(ttl_end - life->origin);
	oc->grace = (float)fmax(0, grace_end - ttl_end);
	oc->keep = (float)fmax(0, keep_end - fmax(grace_end, ttl_end));
}

static enum vfp_status v_matchproto_(vfp_init_f) source_init(VRT_CTX, struct vfp_ctx *vc, struct vfp_entry *entry)
{
	struct source *source;

	CAST_OBJ_NOTNULL(source, entry->priv1, SOURCE_MAGIC);
	source->has_begun = 1;
	if (vc->oc->flags & (OC_F_PRIVATE | OC_F_HFM | OC_F_HFP))
		return (VFP_OK);
	if (source->fetch == NULL)
		limit_life(vc->oc, &source->life);
	else if (source->fetch->is_armed)
		touch(ctx->bo, source->fetch, &source->key, source->reply, source->head, source->head_length);
	return (VFP_OK);
}

/* How many bytes from where the source stands, up to room. They are there already where that is in the mapping. */
static ssize_t read_some(const struct source *source, void *to, size_t room, const char **why)
{
	const om_reply *reply = source->reply;

	if (source->mapped.mapping != NULL && to == mapping_bytes(source->mapped.mapping) + source->done)
		return ((ssize_t)room);
	if (reply->fd < 0) {
		memcpy(to, reply->body + source->done, room);
		return ((ssize_t)room);
	}
	return (disk_read(source->store, reply, source->done, to, room, why));
}

static enum vfp_status v_matchproto_(vfp_pull_f) source_pull(struct vfp_ctx *vc, struct vfp_entry *entry, void *to, ssize_t *length)
{
	struct source *source;

	CAST_OBJ_NOTNULL(source, entry->priv1, SOURCE_MAGIC);
	uint64_t left = source->reply->length - source->done;
	size_t room = (uint64_t)*length < left ? (size_t)*length : (size_t)left;
	const char *why;
	ssize_t n = room > 0 ? read_some(source, to, room, &why) : 0;

	*length = 0;
	if (n < 0)
		return (VFP_Error(vc, "objmapper: cannot read the stored body: %s", why));
	if (n == 0 && left > 0)
		return (VFP_Error(vc, "objmapper: the stored body ends after %ju of %ju bytes", (uintmax_t)source->done, (uintmax_t)source->reply->length));
	*length = n;
	source->done += (uint64_t)n;
	return (source->done == source->reply->length ? VFP_END : VFP_OK);
}

static void v_matchproto_(vfp_fini_f) source_fini(struct vfp_ctx *vc, struct vfp_entry *entry)
{
	struct source *source;

	(void)vc;
	TAKE_OBJ_NOTNULL(source, &entry->priv1, SOURCE_MAGIC);
	mapping_drop(source->mapped.mapping);
	om_reply_free(source->reply);
	free(source->head);
	FREE_OBJ(source);
}

static const struct vfp source_filter = {
	.name = "objmapper",
	.init = source_init,
	.pull = source_pull,
	.fini = source_fini,
};

static struct source *push(struct vfp_ctx *filters, struct vmod_objmapper_store *store, om_reply *reply)
{
	struct vfp_entry *entry = VFP_Push(filters, &source_filter);
	struct source *source;

	AN(entry);
	ALLOC_OBJ(source, SOURCE_MAGIC);
	AN(source);
	source->store = store;
	source->reply = reply;
	entry->priv1 = source;
	return (source);
}

void source_push(struct vfp_ctx *filters, struct vmod_objmapper_store *store, om_reply *reply, const struct life *life)
{
	push(filters, store, reply)->life = *life;
}

void source_push_revalidated(struct vfp_ctx *filters, om_reply *reply, const struct fetch *fetch, const struct key *key, char *head, size_t head_length)
{
	struct source *source = push(filters, fetch->store, reply);

	source->fetch = fetch;
	source->key = *key;
	source->head = head;
	source->head_length = head_length;
}

/* ---- what is mapped */

static struct vfp_entry *entry_of(const struct vfp_ctx *filters)
{
	struct vfp_entry *entry;

	VTAILQ_FOREACH(entry, &filters->vfp, list)
		if (entry->vfp == &source_filter)
			return (entry);
	return (NULL);
}

void source_map(const struct busyobj *bo, struct vmod_objmapper_store *store, struct mapping *mapping)
{
	const struct vfp_entry *entry = entry_of(bo->vfc);
	struct source *source;

	AN(entry);
	CAST_OBJ_NOTNULL(source, entry->priv1, SOURCE_MAGIC);
	AZ(source->mapped.mapping);
	source->mapped = (struct source_mapping){ .mapping = mapping, .store = store, .otherwise = bo->storage };
}

void source_mapped(const struct vfp_ctx *filters, struct source_mapping *mapping)
{
	const struct vfp_entry *entry = entry_of(filters);
	const struct source *source;

	if (entry == NULL)
		return;
	CAST_OBJ_NOTNULL(source, entry->priv1, SOURCE_MAGIC);
	*mapping = source->mapped;
	mapping->source = source->has_begun ? entry : NULL;
}

const om_reply *source_reply(const struct vfp_ctx *filters)
{
	const struct vfp_entry *entry = entry_of(filters);
	const struct source *source;

	if (entry == NULL)
		return (NULL);
	CAST_OBJ_NOTNULL(source, entry->priv1, SOURCE_MAGIC);
	return (source->reply);
}
