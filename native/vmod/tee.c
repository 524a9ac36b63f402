#include <stdlib.h>
#include <string.h>

#include "cache/cache_varnishd.h"
#include "cache/cache_filter.h"
#include "vtim.h"

#include "fetch.h"
#include "head.h"
#include "headers.h"
#include "key.h"
#include "room.h"
#include "tee.h"
#include "touch.h"

enum { MOST_AT_ONCE = 128 * 1024 }; /* of what has come meanwhile: all of it may be more than a fill holds (fills.c), though the store were not slow */

struct tee {
	unsigned magic;
#define TEE_MAGIC 0x6f6d7465U
	const struct busyobj *bo;
	struct fetch *fetch;
	om_reply *stored;  /* what a 304 is about, or NULL */
	struct fill *fill; /* NULL: nothing is being stored */
	char *head;        /* as the origin sent it, before VCL */
	size_t head_length;
	unsigned status;
	ssize_t taken; /* bytes of the body */
	int is_whole; /* the origin's filter has said that its body ended */
	struct key key;
};

/* What Varnish does not cache is not stored. */
static int is_cached(const struct objcore *oc)
{
	return (!(oc->flags & (OC_F_PRIVATE | OC_F_HFM | OC_F_HFP | OC_F_CANCEL | OC_F_FAILED)));
}

/* NULL where the response is to be stored. */
static const char *why_not(const struct tee *tee, const struct busyobj *bo)
{
	const struct vmod_objmapper_store *store = tee->fetch->store;
	const struct objcore *oc = bo->fetch_objcore;

	if (bo->uncacheable || !is_cached(oc))
		return ("Varnish does not cache it");
	if (oc->t_origin + oc->ttl <= VTIM_real() + store->min_ttl)
		return ("its time to live is too short");
	if (tee->status == 206)
		return ("it is a part");
	if (tee->status >= 500 && !store->takes_errors)
		return ("it is an error of the origin");
	if (bo->htc->body_status == BS_EOF)
		return ("nothing says where its body ends");
	if (store->max_size > 0 && bo->htc->content_length > store->max_size)
		return ("it is too large");
	return (NULL);
}

static struct fill *begin(const struct tee *tee, const struct busyobj *bo, const char **why)
{
	const struct fetch *fetch = tee->fetch;
	const struct objcore *oc = bo->fetch_objcore;
	const struct life life = { .origin = oc->t_origin, .ttl = oc->ttl, .grace = oc->grace, .keep = oc->keep };
	struct headers variant = { 0 };
	const char *vary;
	struct fill_request request = {
		.key = tee->key.bytes,
		.key_length = tee->key.length,
		.length = bo->htc->content_length >= 0 ? (uint64_t)bo->htc->content_length : OM_UNBOUNDED,
		.expiry = life.origin + life.ttl,
		.grace = life.grace + life.keep,
		.tags = fetch->tags,
		.variant = variant.list,
		.token = fetch->token,
		.token_length = fetch->token_length,
		.generation = fetch->generation,
		.transaction = bo->vsl->wid,
	};

	if (tee->head == NULL) {
		*why = "its header is too large";
		return (NULL);
	}
	if (http_GetHdr(bo->beresp, H_Vary, &vary) && headers_add_vary(&variant, bo->bereq, vary) < 0) {
		*why = "it varies by *, by more than 16 headers, or by too long ones";
		return (NULL);
	}
	if (bo->htc->body_status == BS_NONE)
		request.length = 0;
	request.opaque = head_with_life(tee->head, tee->head_length, &life, &request.opaque_length);
	if (request.opaque == NULL) {
		*why = "its header is too large";
		return (NULL);
	}
	return (fill_begin(fetch->store->fills, &request, why));
}

static enum vfp_status v_matchproto_(vfp_init_f) tee_init(VRT_CTX, struct vfp_ctx *vc, struct vfp_entry *entry)
{
	struct tee *tee;

	(void)vc;
	CAST_OBJ_NOTNULL(tee, entry->priv1, TEE_MAGIC);
	if (!tee->fetch->is_armed)
		return (VFP_NULL);
	const char *why = why_not(tee, ctx->bo);
	if (why == NULL)
		tee->fill = begin(tee, ctx->bo, &why);
	if (tee->fill != NULL)
		return (VFP_OK);
	VSLb(ctx->vsl, SLT_VCL_Log, "objmapper: not stored: %s", why);
	return (VFP_NULL);
}

/* -1 where no more is wanted. */
static int take(struct tee *tee, const void *bytes, ssize_t length)
{
	const ssize_t most = tee->fetch->store->max_size;

	tee->taken += length;
	return (most > 0 && tee->taken > most ? -1 : fill_bytes(tee->fill, bytes, (size_t)length));
}

static enum vfp_status v_matchproto_(vfp_pull_f) tee_pull(struct vfp_ctx *vc, struct vfp_entry *entry, void *to, ssize_t *length)
{
	struct tee *tee;

	CAST_OBJ_NOTNULL(tee, entry->priv1, TEE_MAGIC);
	if (tee->fill != NULL && *length > MOST_AT_ONCE)
		*length = MOST_AT_ONCE;
	enum vfp_status status = VFP_Suck(vc, to, length);
	if (status == VFP_END)
		tee->is_whole = 1;
	if (status != VFP_ERROR && *length > 0 && tee->fill != NULL && take(tee, to, *length) < 0) {
		fill_end(tee->fill, 0);
		tee->fill = NULL;
	}
	return (status);
}

/* Varnish has made its object of an older one of its own, at the origin's word. */
static int is_revalidated(const struct tee *tee, const struct vfp_ctx *vc)
{
	return (tee->stored != NULL && tee->head != NULL && tee->bo->was_304 && tee->fetch->is_armed && !vc->failed && is_cached(vc->oc) &&
	    vc->oc->stobj->stevedore != NULL);
}

static void touch_stored(const struct tee *tee)
{
	size_t kept_length, length;
	const char *kept = om_find(tee->stored, OM_OPAQUE, 0, &kept_length);
	char *head = kept != NULL ? head_merged(kept, kept_length, tee->head, tee->head_length, &length) : NULL;

	if (head != NULL)
		touch(tee->bo, tee->fetch, &tee->key, tee->stored, head, length);
	free(head);
}

static void v_matchproto_(vfp_fini_f) tee_fini(struct vfp_ctx *vc, struct vfp_entry *entry)
{
	struct tee *tee;

	TAKE_OBJ_NOTNULL(tee, &entry->priv1, TEE_MAGIC);
	if (tee->fill != NULL)
		fill_end(tee->fill, tee->is_whole && !vc->failed && is_cached(vc->oc));
	else if (is_revalidated(tee, vc)) /* no filter is begun then */
		touch_stored(tee);
	om_reply_free(tee->stored);
	free(tee->head);
	FREE_OBJ(tee);
}

static const struct vfp tee_filter = {
	.name = "objmapper tee",
	.init = tee_init,
	.pull = tee_pull,
	.fini = tee_fini,
};

void tee_push(struct busyobj *bo, struct fetch *fetch, const struct key *key, om_reply *stored)
{
	struct vfp_entry *entry;
	struct tee *tee;

	if (!room_for(bo->ws, sizeof *entry)) {
		VSLb(bo->vsl, SLT_VCL_Log, "objmapper: not stored: workspace_backend is too small");
		om_reply_free(stored);
		return;
	}
	entry = VFP_Push(bo->vfc, &tee_filter);
	AN(entry);
	ALLOC_OBJ(tee, TEE_MAGIC);
	AN(tee);
	tee->bo = bo;
	tee->fetch = fetch;
	tee->stored = stored;
	tee->key = *key;
	tee->head = head_of(bo->beresp, &tee->head_length);
	tee->status = http_GetStatus(bo->beresp);
	tee->is_whole = bo->htc->body_status == BS_NONE;
	entry->priv1 = tee;
}
