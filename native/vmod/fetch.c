#include "cache/cache_varnishd.h"

#include "fetch.h"
#include "room.h"

/* The fetch itself is the workspace's. */
static void v_matchproto_(vmod_priv_fini_f) fetch_end(VRT_CTX, void *priv)
{
	struct fetch *fetch;

	(void)ctx;
	CAST_OBJ_NOTNULL(fetch, priv, FETCH_MAGIC);
	VRT_Assign_Backend(&fetch->origin, NULL);
}

static const struct vmod_priv_methods fetch_methods = { .magic = VMOD_PRIV_METHODS_MAGIC, .type = "objmapper fetch", .fini = fetch_end };

struct fetch *fetch_of(VRT_CTX, const struct vmod_objmapper_store *store)
{
	const struct vmod_priv *task = VRT_priv_task_get(ctx, store);
	struct fetch *fetch;

	if (task == NULL || task->priv == NULL)
		return (NULL);
	CAST_OBJ_NOTNULL(fetch, task->priv, FETCH_MAGIC);
	return (fetch);
}

struct fetch *fetch_begin(VRT_CTX, struct vmod_objmapper_store *store)
{
	enum { FOR_THE_TASK = 256 };

	if (!room_for(ctx->ws, sizeof(struct fetch) + FOR_THE_TASK))
		return (NULL);
	struct vmod_priv *task = VRT_priv_task(ctx, store);
	struct fetch *fetch = WS_Alloc(ctx->ws, sizeof *fetch);
	AN(task);
	AN(fetch);
	INIT_OBJ(fetch, FETCH_MAGIC);
	fetch->store = store;
	task->priv = fetch;
	task->methods = &fetch_methods;
	return (fetch);
}
