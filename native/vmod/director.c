#include <stdlib.h>
#include <string.h>

#include "cache/cache_varnishd.h"
#include "cache/cache_director.h"
#include "cache/cache_filter.h"
#include "vtim.h"

#include "director.h"
#include "fetch.h"
#include "head.h"
#include "key.h"
#include "lookup.h"
#include "source.h"
#include "tee.h"

/* ---- the origin */

static VCL_BACKEND origin_of(VRT_CTX, VCL_BACKEND director)
{
	const struct fetch *fetch = fetch_of(ctx, director->priv);
	VCL_BACKEND origin = fetch != NULL ? VRT_DirectorResolve(ctx, fetch->origin) : NULL;

	if (origin == NULL)
		VSLb(ctx->vsl, SLT_FetchError, "objmapper: %s has no backend to pass this on to: call .backend() in vcl_backend_fetch, where bereq.backend is one",
		    director->vcl_name);
	return (origin);
}

/* From here on the origin is what VCL sees as beresp.backend, and what ends the fetch. */
static int ask_origin(VRT_CTX, VCL_BACKEND director)
{
	VCL_BACKEND origin = origin_of(ctx, director);

	if (origin == NULL)
		return (-1);
	VRT_Assign_Backend(&ctx->bo->director_resp, origin);
	return (origin->vdir->methods->gethdrs(ctx, origin));
}

/* ---- the store */

static int may_be_stored(const struct busyobj *bo)
{
	return (!bo->uncacheable && bo->req == NULL && bo->bereq_body == NULL && !http_GetHdr(bo->bereq, H_Range, NULL) &&
	    strcmp(http_GetMethod(bo->bereq), "GET") == 0);
}

static int may_be_answered(const struct busyobj *bo, const struct fetch *fetch)
{
	return (fetch->is_to_be_asked && bo->retries == 0 && !bo->is_hitmiss);
}

/* Makes what the store found the fetch's response: the reply is gone then. Returns -1, and leaves it, where that can't be. */
static int answer(struct busyobj *bo, om_reply *reply)
{
	struct life life;
	size_t length;
	const char *kept = om_find(reply, OM_OPAQUE, 0, &length);

	if (kept == NULL || head_life(kept, length, &life) < 0)
		return (-1);
	if (bo->stale_oc != NULL && life.origin <= bo->stale_oc->t_origin)
		return (-1); /* what Varnish has itself is as new */
	if (head_answer(bo, kept, length, VTIM_real() - life.origin, reply->length) < 0)
		return (-1);
	bo->htc = WS_Alloc(bo->ws, sizeof *bo->htc);
	AN(bo->htc);
	INIT_OBJ(bo->htc, HTTP_CONN_MAGIC);
	bo->htc->doclose = SC_NULL;
	bo->htc->body_status = reply->length > 0 ? BS_LENGTH : BS_NONE;
	bo->htc->content_length = (ssize_t)reply->length;
	AZ(source_push(bo->vfc, reply, &life));
	return (0);
}

/* Returns 1 when the store has answered the fetch. */
static int ask_store(VRT_CTX, struct fetch *fetch, const struct key *key)
{
	om_reply *reply = lookup_body(ctx->bo, fetch, key);

	if (reply == NULL)
		return (0);
	if (answer(ctx->bo, reply) == 0) {
		VSLb(ctx->vsl, SLT_VCL_Log, "objmapper: hit, %ju bytes", (uintmax_t)reply->length);
		COUNT(fetch->store, hits);
		fetch->is_hit = 1;
		return (1);
	}
	COUNT(fetch->store, misses);
	om_reply_free(reply);
	return (0);
}

static void forget_last_try(struct fetch *fetch)
{
	fetch->is_hit = fetch->is_armed = 0;
	fetch->generation = 0;
	fetch->token_length = 0;
}

static int v_matchproto_(vdi_gethdrs_f) director_gethdrs(VRT_CTX, VCL_BACKEND director)
{
	struct fetch *fetch = fetch_of(ctx, director->priv);
	struct key key;

	if (fetch != NULL)
		forget_last_try(fetch);
	if (fetch == NULL || !may_be_stored(ctx->bo))
		return (ask_origin(ctx, director));
	if (lookup_key(&key, ctx->bo, fetch->store) < 0) {
		COUNT(fetch->store, keys_too_long);
		return (ask_origin(ctx, director));
	}
	if (!may_be_answered(ctx->bo, fetch))
		lookup_for_fill(ctx->bo, fetch, &key);
	else if (ask_store(ctx, fetch, &key))
		return (0);
	if (ask_origin(ctx, director) < 0)
		return (-1);
	if (fetch->token_length > 0 || fetch->generation > 0)
		tee_push(ctx->bo, fetch, &key);
	return (0);
}

/* Of a fetch that the store answered. */
static void v_matchproto_(vdi_finish_f) director_finish(VRT_CTX, VCL_BACKEND director)
{
	(void)director;
	ctx->bo->htc = NULL;
}

static stream_close_t v_matchproto_(vdi_http1pipe_f) director_pipe(VRT_CTX, VCL_BACKEND director)
{
	VCL_BACKEND origin = origin_of(ctx, director);

	if (origin == NULL || origin->vdir->methods->http1pipe == NULL)
		return (SC_TX_ERROR);
	VRT_Assign_Backend(&ctx->bo->director_resp, origin);
	return (origin->vdir->methods->http1pipe(ctx, origin));
}

/* Without a resolve method: with one, Varnish would ask what that returns and never call gethdrs. */
const struct vdi_methods director_methods = {
	.magic = VDI_METHODS_MAGIC,
	.type = "objmapper",
	.gethdrs = director_gethdrs,
	.finish = director_finish,
	.http1pipe = director_pipe,
};
