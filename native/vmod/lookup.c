#include <stdio.h>
#include <string.h>

#include "cache/cache_varnishd.h"

#include "fetch.h"
#include "headers.h"
#include "key.h"
#include "lookup.h"
#include "room.h"

static const char *header_or_none(const struct http *http, hdr_t name)
{
	const char *value;
	return (http_GetHdr(http, name, &value) ? value : "");
}

/* ---- keys */

static const struct vmod_priv_methods override_methods = { .magic = VMOD_PRIV_METHODS_MAGIC, .type = "objmapper key" };

int lookup_override(VRT_CTX, const struct vmod_objmapper_store *store, const char *key)
{
	enum { FOR_THE_TASK = 256 };
	size_t length = strlen(key);

	if (!room_for(ctx->ws, length + 1 + FOR_THE_TASK))
		return (-1);
	struct vmod_priv *task = VRT_priv_task(ctx, &store->prefix);
	AN(task);
	task->methods = &override_methods;
	task->priv = WS_Copy(ctx->ws, key, (int)length + 1);
	AN(task->priv);
	return (0);
}

int lookup_key_of(VRT_CTX, struct key *key, const struct vmod_objmapper_store *store, const struct http *request, const uint8_t *digest)
{
	const struct vmod_priv *task = VRT_priv_task_get(ctx, &store->prefix);
	const char *override = task != NULL ? task->priv : NULL;

	if (override != NULL && *override != '\0')
		return (key_write_own(key, store->prefix, override));
	return (key_write(key, store->prefix, header_or_none(request, H_Host), request->hd[HTTP_HDR_URL].b, digest, DIGEST_LEN));
}

int lookup_key(VRT_CTX, struct key *key, const struct vmod_objmapper_store *store)
{
	return (lookup_key_of(ctx, key, store, ctx->bo->bereq0, ctx->bo->digest));
}

/* ---- variants */

/* Adds what a miss names. 1: it names what was not asked with. */
static int add_named(struct headers *headers, const struct http *request, const om_reply *reply)
{
	const char *name;
	size_t length;
	int has_new = 0;

	for (unsigned n = 0; (name = om_find(reply, OM_VARIANT_HEADER, n, &length)) != NULL; n++) {
		int added = headers_add(headers, request, name, length);
		if (added < 0)
			return (-1);
		has_new |= added;
	}
	return (has_new);
}

/* Adds what the body found is told by. 1: it was asked for without a header that it differs in. */
static int add_differing(struct headers *headers, const struct http *request, const om_reply *reply)
{
	om_variant pair;
	int differs = 0;

	for (unsigned n = 0; om_find_variant(reply, n, &pair); n++) {
		if (headers_add(headers, request, pair.name, pair.name_length) < 0)
			return (-1);
		const char *value = headers_value(headers, pair.name, pair.name_length);
		differs |= strlen(value) != pair.value_length || memcmp(value, pair.value, pair.value_length) != 0;
	}
	return (differs);
}

/* ---- asking */

typedef int append_f(om_context *, const void *, size_t, const om_get_options *, uint32_t *);

/*
 * Asks until it has asked with every header that the bodies under the key are told apart by, which the store's answers name: that takes one
 * more request, and a third where they come to be told apart by more meanwhile. NULL where the session failed, or where there are too many.
 */
static om_reply *ask(const struct pool *pool, om_context *session, append_f *append, const struct key *key, const struct http *bereq, uint64_t grace_millis)
{
	enum { MOST_REQUESTS = 3 };
	struct headers headers = { 0 };
	om_get_options options = { .headers = headers.list, .grace_millis = grace_millis };

	for (int i = 0; i < MOST_REQUESTS; i++) {
		om_reply *reply = append(session, key->bytes, key->length, &options, NULL) == 0 ? pool_answer(pool, session) : NULL;
		if (reply == NULL)
			return (NULL);
		int is_lacking = reply->status == OM_NOT_FOUND ? add_named(&headers, bereq, reply) : add_differing(&headers, bereq, reply);
		if (is_lacking == 0)
			return (reply);
		om_reply_free(reply);
		if (is_lacking < 0)
			break;
	}
	snprintf(session->errstr, sizeof session->errstr, "its bodies are told apart by too many headers, or too long ones");
	return (NULL);
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

static om_reply *look_up(struct busyobj *bo, struct fetch *fetch, const struct key *key, append_f *append, uint64_t grace_millis)
{
	char why[256];
	om_context *session = pool_take(fetch->store->pool, why);
	om_reply *reply = NULL;

	if (session != NULL) {
		reply = ask(fetch->store->pool, session, append, key, bo->bereq, grace_millis);
		if (reply == NULL)
			memcpy(why, session->errstr, sizeof why);
		pool_give(fetch->store->pool, session);
	}
	if (reply == NULL) {
		VSLb(bo->vsl, SLT_Error, "objmapper: the store was not asked: %s", why);
		COUNT(fetch->store, lookups_failed);
		return (NULL);
	}
	fetch->generation = 0;
	fetch->token_length = 0;
	if (reply->status == OM_NOT_FOUND)
		keep_token(fetch, reply);
	else if (reply->status == OM_OK)
		fetch->generation = om_find_u64(reply, OM_GENERATION, 0);
	else
		VSLb(bo->vsl, SLT_Error, "objmapper: the store has no answer: %s", reply->message != NULL ? reply->message : om_status_name(reply->status));
	return (reply);
}

om_reply *lookup_body(struct busyobj *bo, struct fetch *fetch, const struct key *key)
{
	static const uint64_t any_millis = UINT64_C(1) << 62;
	om_reply *reply = look_up(bo, fetch, key, om_append_get, any_millis);

	if (reply == NULL || reply->status == OM_OK)
		return (reply);
	VSLb(bo->vsl, SLT_VCL_Log, "objmapper: miss");
	COUNT(fetch->store, misses);
	om_reply_free(reply);
	return (NULL);
}

void lookup_for_fill(struct busyobj *bo, struct fetch *fetch, const struct key *key)
{
	om_reply_free(look_up(bo, fetch, key, om_append_head, 0));
}
