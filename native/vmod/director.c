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

static const char *header_or_none(const struct http *http, hdr_t name)
{
	const char *value;
	return (http_GetHdr(http, name, &value) ? value : "");
}

/* URL and Host as the client's request had them after VCL, so that a purge of that request finds the same key. */
static int key_of(struct key *key, const struct busyobj *bo, const struct vmod_objmapper_store *store)
{
	return (key_write(key, store->prefix, header_or_none(bo->bereq0, H_Host), bo->bereq0->hd[HTTP_HDR_URL].b, bo->digest, sizeof bo->digest));
}

static int may_be_stored(const struct busyobj *bo)
{
	return (!bo->uncacheable && bo->req == NULL && bo->bereq_body == NULL && !http_GetHdr(bo->bereq, H_Range, NULL) &&
	    strcmp(http_GetMethod(bo->bereq), "GET") == 0);
}

static int may_be_answered(const struct busyobj *bo)
{
	return (may_be_stored(bo) && bo->retries == 0 && !bo->is_hitmiss);
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
	if (head_answer(bo, kept, length, VTIM_real() - life.origin) < 0)
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

static void keep_token(struct fetch *fetch, const om_reply *reply)
{
	size_t length;
	const void *token = om_find(reply, OM_FILL_TOKEN, 0, &length);

	if (token == NULL || length > sizeof fetch->token)
		return;
	memcpy(fetch->token, token, length);
	fetch->token_length = length;
}

/* What the store says; NULL where it could not be asked. */
static om_reply *look_up(struct busyobj *bo, const struct vmod_objmapper_store *store, const struct key *key)
{
	char why[256];
	om_context *session = pool_take(store->pool, why);
	om_reply *reply = NULL;

	if (session != NULL) {
		reply = om_get(session, key->bytes, key->length, NULL);
		if (reply == NULL)
			memcpy(why, session->errstr, sizeof why);
		pool_give(store->pool, session);
	}
	if (reply == NULL)
		VSLb(bo->vsl, SLT_Error, "objmapper: the store was not asked: %s", why);
	return (reply);
}

/* Returns 1 when the store has answered the fetch. */
static int ask_store(VRT_CTX, struct fetch *fetch, const struct key *key)
{
	om_reply *reply = look_up(ctx->bo, fetch->store, key);

	if (reply == NULL) {
		COUNT(fetch->store, lookups_failed);
		return (0);
	}
	if (reply->status == OM_OK && answer(ctx->bo, reply) == 0) {
		VSLb(ctx->vsl, SLT_VCL_Log, "objmapper: hit, %ju bytes", (uintmax_t)reply->length);
		COUNT(fetch->store, hits);
		fetch->is_hit = 1;
		return (1);
	}
	if (reply->status == OM_NOT_FOUND)
		keep_token(fetch, reply);
	VSLb(ctx->vsl, SLT_VCL_Log, "objmapper: miss");
	COUNT(fetch->store, misses);
	om_reply_free(reply);
	return (0);
}

static int v_matchproto_(vdi_gethdrs_f) director_gethdrs(VRT_CTX, VCL_BACKEND director)
{
	struct fetch *fetch = fetch_of(ctx, director->priv);
	struct key key;

	if (fetch == NULL || !may_be_stored(ctx->bo))
		return (ask_origin(ctx, director));
	fetch->is_hit = fetch->is_armed = 0;
	fetch->token_length = 0;
	if (key_of(&key, ctx->bo, fetch->store) < 0) {
		COUNT(fetch->store, keys_too_long);
		return (ask_origin(ctx, director));
	}
	if (may_be_answered(ctx->bo) && ask_store(ctx, fetch, &key))
		return (0);
	if (ask_origin(ctx, director) < 0)
		return (-1);
	if (fetch->token_length > 0)
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
