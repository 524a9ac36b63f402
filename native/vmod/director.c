#include <stdlib.h>
#include <string.h>

#include "cache/cache_varnishd.h"
#include "cache/cache_director.h"
#include "cache/cache_filter.h"
#include "vtim.h"

#include "director.h"
#include "disk.h"
#include "fetch.h"
#include "foreign_bans.h"
#include "head.h"
#include "key.h"
#include "lookup.h"
#include "room.h"
#include "source.h"
#include "tee.h"
#include "zerocopy.h"

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

/* What the store has, and until when it is good: a soft purge may have ended that before its time. */
struct found {
	om_reply *reply; /* NULL: nothing */
	const char *kept;
	size_t kept_length;
	struct life life;
	struct mapping *mapping; /* of its body; or NULL */
};

static int is_readable(struct found *found)
{
	found->kept = om_find(found->reply, OM_OPAQUE, 0, &found->kept_length);
	return (found->kept != NULL && head_life(found->kept, found->kept_length, &found->life) == 0);
}

static int is_banned(const struct found *found, struct busyobj *bo, const struct fetch *fetch)
{
	if (!fetch->store->sees_bans || found->life.origin > foreign_bans_newest())
		return (0);
	VSLb(bo->vsl, SLT_VCL_Log, "objmapper: miss, a ban of Varnish is newer than what the store has");
	COUNT(fetch->store, misses);
	return (1);
}

static void find(struct found *found, struct busyobj *bo, struct fetch *fetch, const struct key *key)
{
	*found = (struct found){ .reply = lookup_body(bo, fetch, key) };
	if (found->reply == NULL)
		return;
	if (!is_readable(found) || is_banned(found, bo, fetch)) {
		om_reply_free(found->reply);
		found->reply = NULL;
		return;
	}
	double expiry = (double)om_find_u64(found->reply, OM_EXPIRY, OM_UNBOUNDED) / 1000;
	found->life.ttl = fmin(found->life.ttl, expiry - found->life.origin);
}

/* What Varnish has of its own, and asks the origin about, is as new as what is not newer. */
static int is_fresh(const struct found *found, const struct busyobj *bo, double now)
{
	const struct life *life = &found->life;
	return (found->reply != NULL && life->origin + life->ttl > now && (bo->stale_oc == NULL || life->origin > bo->stale_oc->t_origin));
}

static int is_in_grace(const struct found *found, double now)
{
	return (found->reply != NULL && found->life.origin + found->life.ttl + found->life.grace > now);
}

static void begin_body(struct busyobj *bo, const om_reply *reply)
{
	bo->htc = WS_Alloc(bo->ws, sizeof *bo->htc);
	AN(bo->htc);
	INIT_OBJ(bo->htc, HTTP_CONN_MAGIC);
	bo->htc->doclose = SC_NULL;
	bo->htc->body_status = reply->length > 0 ? BS_LENGTH : BS_NONE;
	bo->htc->content_length = (ssize_t)reply->length;
}

/* Makes it the fetch's response, with an Age that VCL sees: the reply is gone then. -1 where there is no room: nothing is changed. */
static int answer(struct busyobj *bo, struct vmod_objmapper_store *store, struct found *found, double age)
{
	if (head_answer(bo, found->kept, found->kept_length, age, found->reply->length) < 0)
		return (-1);
	begin_body(bo, found->reply);
	source_push(bo->vfc, store, found->reply, &found->life);
	found->reply = NULL;
	return (0);
}

/* With a storage that makes the object of the mapping. */
static void map(struct busyobj *bo, struct vmod_objmapper_store *store, struct found *found)
{
	source_map(bo, store, found->mapping);
	bo->storage = zerocopy_storage();
	found->mapping = NULL;
}

/* Its body may turn out not to be readable in time: then nothing was found. */
static void ready_body(struct busyobj *bo, const struct fetch *fetch, struct found *found)
{
	struct vmod_objmapper_store *store = fetch->store;
	enum zerocopy can = store->is_zerocopy ? zerocopy_map(bo, store, found->reply, &found->mapping) : ZEROCOPY_COPY;
	const char *why = can == ZEROCOPY_COPY ? disk_begin(store, found->reply) : NULL;

	if (why != NULL)
		disk_tell(bo, store, why);
	else if (can != ZEROCOPY_UNREADABLE)
		return;
	COUNT(store, misses);
	om_reply_free(found->reply);
	found->reply = NULL;
}

static int answer_fresh(VRT_CTX, struct fetch *fetch, struct found *found, double now)
{
	uintmax_t length = found->reply->length;

	if (answer(ctx->bo, fetch->store, found, now - found->life.origin) < 0)
		return (-1);
	if (found->mapping != NULL)
		map(ctx->bo, fetch->store, found);
	VSLb(ctx->vsl, SLT_VCL_Log, "objmapper: hit, %ju bytes", length);
	COUNT(fetch->store, hits);
	fetch->is_hit = 1;
	return (0);
}

/* ---- what is past its time */

/* The origin's part is over: what follows comes from the store. */
static void take_over(VRT_CTX, VCL_BACKEND director)
{
	struct busyobj *bo = ctx->bo;

	if (bo->htc != NULL)
		bo->director_resp->vdir->methods->finish(ctx, bo->director_resp);
	VRT_Assign_Backend(&bo->director_resp, director);
	HTTP_Setup(bo->beresp, bo->ws, bo->vsl, SLT_BerespMethod);
}

/* The origin did not answer. VCL sees it as if it had just come, lest it take it for what must not be cached; source.c sets its age right. */
static int answer_stale(VRT_CTX, VCL_BACKEND director, struct fetch *fetch, struct found *found)
{
	take_over(ctx, director);
	if (answer(ctx->bo, fetch->store, found, 0) < 0)
		return (-1);
	VSLb(ctx->vsl, SLT_VCL_Log, "objmapper: stale, for the origin did not answer");
	COUNT(fetch->store, stale);
	fetch->is_hit = fetch->is_stale = 1;
	return (0);
}

/* The origin says that it is good still. */
static int answer_revalidated(VRT_CTX, VCL_BACKEND director, struct fetch *fetch, struct found *found, const struct key *key)
{
	struct busyobj *bo = ctx->bo;
	size_t update_length, length;
	const char *age;
	char *update = head_of(bo->beresp, &update_length);
	double seconds = http_GetHdr(bo->beresp, H_Age, &age) ? strtod(age, NULL) : 0;
	char *head = update != NULL ? head_merged(found->kept, found->kept_length, update, update_length, &length) : NULL;

	free(update);
	take_over(ctx, director);
	if (head == NULL || head_answer(bo, head, length, seconds, found->reply->length) < 0) {
		free(head);
		return (-1);
	}
	begin_body(bo, found->reply);
	source_push_revalidated(bo->vfc, found->reply, fetch, key, head, length);
	found->reply = NULL;
	VSLb(ctx->vsl, SLT_VCL_Log, "objmapper: hit, which the origin says is good still");
	COUNT(fetch->store, hits);
	fetch->is_hit = 1;
	return (0);
}

static int add_condition(struct busyobj *bo, const struct found *found, const char *name, hdr_t condition)
{
	enum { LONGEST = 1024 };
	size_t length;
	const char *value = head_value(found->kept, found->kept_length, name, &length);

	if (value == NULL || length > LONGEST || !room_for(bo->ws, 2 * LONGEST))
		return (0);
	http_PrintfHeader(bo->bereq, "%.*s %.*s", condition[0], condition + 1, (int)length, value);
	return (1);
}

/* Asks the origin whether it is good still, unless Varnish asks about an object of its own. What was added to the request is taken back. */
static int ask_whether_good(VRT_CTX, VCL_BACKEND director, const struct found *found, int *is_good)
{
	struct busyobj *bo = ctx->bo;
	int may_ask = bo->stale_oc == NULL && found->kept_length > 12 && strncmp(found->kept + 9, "200", 3) == 0 &&
	    !http_GetHdr(bo->bereq, H_If_None_Match, NULL) && !http_GetHdr(bo->bereq, H_If_Modified_Since, NULL);
	int etag = may_ask && add_condition(bo, found, H_ETag + 1, H_If_None_Match);
	int date = may_ask && add_condition(bo, found, H_Last_Modified + 1, H_If_Modified_Since);
	int r = ask_origin(ctx, director);

	*is_good = r == 0 && (etag || date) && http_IsStatus(bo->beresp, 304);
	if (etag)
		http_Unset(bo->bereq, H_If_None_Match);
	if (date)
		http_Unset(bo->bereq, H_If_Modified_Since);
	return (r);
}

/* Whether what Varnish asks the origin about, an object of its own, is the version that the store has. */
static int is_same_version(const struct busyobj *bo, const struct found *found)
{
	const char *asked, *name = H_ETag + 1;
	size_t length;

	if (!http_GetHdr(bo->bereq, H_If_None_Match, &asked)) {
		name = H_Last_Modified + 1;
		if (!http_GetHdr(bo->bereq, H_If_Modified_Since, &asked))
			return (0);
	}
	const char *value = head_value(found->kept, found->kept_length, name, &length);
	if (strncmp(asked, "W/", 2) == 0) /* Varnish weakens it where it has packed or unpacked the body */
		asked += 2;
	if (value != NULL && length > 2 && strncmp(value, "W/", 2) == 0) {
		value += 2;
		length -= 2;
	}
	return (value != NULL && strlen(asked) == length && memcmp(asked, value, length) == 0);
}

/* ---- a fetch */

static void forget_last_try(struct fetch *fetch)
{
	fetch->is_hit = fetch->is_stale = fetch->is_armed = 0;
	fetch->generation = 0;
	fetch->token_length = 0;
}

/* The origin is asked; what the store has that is past its time may help. */
static int pass_on(VRT_CTX, VCL_BACKEND director, struct fetch *fetch, const struct key *key, struct found *found)
{
	struct busyobj *bo = ctx->bo;
	int is_good = 0;

	if (found->reply != NULL)
		lookup_for_fill(bo, fetch, key);
	int r = found->reply != NULL ? ask_whether_good(ctx, director, found, &is_good) : ask_origin(ctx, director);
	if (is_good)
		return (answer_revalidated(ctx, director, fetch, found, key));
	if (r != 0 && is_in_grace(found, VTIM_real()))
		return (answer_stale(ctx, director, fetch, found));
	if (found->reply != NULL)
		COUNT(fetch->store, misses);
	if (r != 0 || (fetch->token_length == 0 && fetch->generation == 0))
		return (r);
	om_reply *stored = NULL;
	if (found->reply != NULL && bo->stale_oc != NULL && is_same_version(bo, found)) {
		stored = found->reply;
		found->reply = NULL;
	}
	tee_push(bo, fetch, key, stored);
	return (0);
}

static int v_matchproto_(vdi_gethdrs_f) director_gethdrs(VRT_CTX, VCL_BACKEND director)
{
	struct fetch *fetch = fetch_of(ctx, director->priv);
	struct found found = { 0 };
	struct key key;

	if (fetch != NULL)
		forget_last_try(fetch);
	if (fetch == NULL || !may_be_stored(ctx->bo))
		return (ask_origin(ctx, director));
	if (lookup_key(ctx, &key, fetch->store) < 0) {
		COUNT(fetch->store, keys_too_long);
		return (ask_origin(ctx, director));
	}
	if (may_be_answered(ctx->bo, fetch))
		find(&found, ctx->bo, fetch, &key);
	else
		lookup_for_fill(ctx->bo, fetch, &key);
	double now = VTIM_real();
	if (is_fresh(&found, ctx->bo, now)) {
		ready_body(ctx->bo, fetch, &found);
		if (found.reply != NULL && answer_fresh(ctx, fetch, &found, now) == 0)
			return (0);
	}
	int r = pass_on(ctx, director, fetch, &key, &found);
	mapping_drop(found.mapping);
	om_reply_free(found.reply);
	return (r);
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

/* What backend.list shows as the probe: how the store is, without which fetches go to their origins. */
static void v_matchproto_(vdi_list_f) director_list(VRT_CTX, VCL_BACKEND director, struct vsb *to, int is_detail, int is_json)
{
	const struct vmod_objmapper_store *store = director->priv;
	const char *state = pool_is_healthy(store->pool) ? "healthy" : "the store is not asked";

	(void)ctx;
	if (is_json && is_detail) /* Varnish writes what stands before it, and what comes behind the comma */
		VSB_cat(to, "{},\n");
	else if (is_json)
		VSB_printf(to, "[0, 0, \"%s\"]", state);
	else if (!is_detail)
		VSB_printf(to, "0/0\t%s", state);
}

/* Without a resolve method: with one, Varnish would ask what that returns and never call gethdrs. */
const struct vdi_methods director_methods = {
	.magic = VDI_METHODS_MAGIC,
	.type = "objmapper",
	.gethdrs = director_gethdrs,
	.finish = director_finish,
	.http1pipe = director_pipe,
	.list = director_list,
};
