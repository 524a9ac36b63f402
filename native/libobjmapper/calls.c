/* The requests, each as a call. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

enum { CHUNK = 128 * 1024, INLINE_PUT = 64 * 1024 };

static int check_key(om_context *c, size_t length)
{
	if (length >= 1 && length <= WIRE_MAX_KEY)
		return 0;
	return context_refuse(c, "a key of %zu bytes; keys have 1 to %d", length, WIRE_MAX_KEY);
}

/* A call that waits for its answer needs a socket; refused before anything is queued. */
static int check_waits(om_context *c)
{
	if (!c->session->detached || c->err != 0)
		return 0;
	return context_refuse(c, "a session without a socket can't wait: append the request, and take its answer later");
}

/* Where the caller wants an id. */
static uint32_t *id_or(uint32_t *id, uint32_t *own) { return id != NULL ? id : own; }

static int check_reserved(om_context *c, const void *reserved, size_t length)
{
	if (!wire_any(reserved, length))
		return 0;
	return context_refuse(c, "reserved is not zero: the options are not zero-initialised, or of a later version");
}

static void write_headers(struct wire_buffer *out, int type, const om_header *headers)
{
	for (const om_header *h = headers; h != NULL && h->name != NULL; h++)
		wire_header(out, type, h->name, h->value != NULL ? h->value : "");
}

/* ---- GET and HEAD */

static int check_lookup(om_context *c, int operation, const om_get_options *o)
{
	if (o == NULL)
		return 0;
	if (o->mode < OM_INLINE || o->mode > OM_AUTO)
		return context_refuse(c, "mode %d; there are OM_INLINE (0) to OM_AUTO (4)", (int)o->mode);
	if (operation == WIRE_HEAD && (o->mode != OM_INLINE || o->has_range || o->use_sink))
		return context_refuse(c, "a HEAD takes no mode, range or sink");
	return check_reserved(c, o->reserved, sizeof o->reserved);
}

static void write_get(struct wire_buffer *out, const void *key, size_t key_length, const om_get_options *o)
{
	wire_entry(out, WIRE_KEY, key, key_length);
	if (o == NULL)
		return;
	if (o->has_range)
		wire_pair(out, WIRE_RANGE, o->offset, o->length);
	if (o->if_generation_not != 0)
		wire_u64(out, WIRE_IF_GENERATION_NOT, o->if_generation_not);
	if (o->if_etag_not != NULL)
		wire_entry(out, WIRE_IF_ETAG_NOT, o->if_etag_not, strlen(o->if_etag_not));
	if (o->mode != OM_INLINE)
		wire_u32(out, WIRE_MODE, (uint32_t)o->mode);
	write_headers(out, WIRE_REQUEST_HEADER, o->headers);
	if (o->grace_millis != 0)
		wire_u64(out, WIRE_GRACE_ACCEPTED, o->grace_millis);
}

static int append_lookup(om_context *c, int operation, const void *key, size_t key_length, const om_get_options *o, uint32_t *id)
{
	uint32_t own;
	uint32_t *at = id_or(id, &own);

	if (check_key(c, key_length) < 0 || check_lookup(c, operation, o) < 0)
		return -1;
	size_t frame = context_begin(c, operation, 0, 0, 0, at);
	write_get(&c->session->out, key, key_length, o);
	if (o != NULL && o->use_sink && c->session->newest != NULL) {
		c->session->sinks++;
		c->session->newest->use_sink = 1;
		c->session->newest->sink = o->sink;
	}
	return context_end(c, frame, NULL, 0);
}

int om_append_get(om_context *c, const void *key, size_t key_length, const om_get_options *o, uint32_t *id)
{
	return append_lookup(c, WIRE_GET, key, key_length, o, id);
}

int om_append_head(om_context *c, const void *key, size_t key_length, const om_get_options *o, uint32_t *id)
{
	return append_lookup(c, WIRE_HEAD, key, key_length, o, id);
}

/* Whether a GET brings what any other GET of the key would. */
static int is_plain(const om_get_options *o)
{
	return o == NULL || (o->mode == OM_INLINE && !o->has_range && o->if_generation_not == 0 && o->if_etag_not == NULL && !o->use_sink && o->headers == NULL);
}

/* Whether what is kept may answer: nothing that the session asked for before may still change it (protocol-spec.md 4.3). */
static int may_keep(const om_context *c, const om_get_options *o)
{
	const struct om_session *s = c->session;
	return s->cache != NULL && cache_validity(s->cache)->memory != NULL && is_plain(o) && c->err == 0 && s->pending == NULL;
}

/* Tells the server now and then what was given without asking it, so that it is not taken for cold (protocol-spec.md 5.14). */
static void tell_hits(om_context *c)
{
	enum { ROOM = 16 * 1024 };
	struct om_session *s = c->session;
	unsigned char *counts = (s->features & OM_HITS) && !s->detached && cache_should_tell(s->cache) ? malloc(ROOM) : NULL;
	uint32_t id;

	if (counts == NULL)
		return;
	size_t length = cache_tell(s->cache, counts, ROOM);
	if (length > 0) {
		size_t frame = context_begin(c, WIRE_HITS, 0, 0, 0, &id);
		if (context_end(c, frame, counts, length) == 0)
			om_reply_free(context_wait(c, id));
	}
	free(counts);
}

om_reply *om_get(om_context *c, const void *key, size_t key_length, const om_get_options *o)
{
	struct cache *cache = may_keep(c, o) ? c->session->cache : NULL;
	om_reply *r = cache != NULL ? cache_get(cache, key, key_length) : NULL;
	uint32_t id;

	if (r != NULL) {
		tell_hits(c);
		return r;
	}
	uint64_t sent = cache != NULL ? validity_now() : 0;
	if (check_waits(c) < 0 || om_append_get(c, key, key_length, o, &id) < 0)
		return NULL;
	r = context_wait(c, id);
	if (r != NULL && cache != NULL) {
		validity_answered(cache_validity(cache), sent);
		cache_put(cache, key, key_length, r);
	}
	return r;
}

om_reply *om_head(om_context *c, const void *key, size_t key_length, const om_get_options *o)
{
	uint32_t id;
	return check_waits(c) < 0 || om_append_head(c, key, key_length, o, &id) < 0 ? NULL : context_wait(c, id);
}

/* ---- PUT and TOUCH */

static void write_object(struct wire_buffer *out, const om_put_options *o)
{
	if (o == NULL)
		return;
	if (o->ttl_millis != 0)
		wire_u64(out, WIRE_TTL, o->ttl_millis);
	if (o->last_modified_millis != 0)
		wire_u64(out, OM_LAST_MODIFIED, o->last_modified_millis);
	if (o->grace_millis != 0)
		wire_u64(out, OM_GRACE, o->grace_millis);
	if (o->etag != NULL)
		wire_entry(out, OM_ETAG, o->etag, strlen(o->etag));
	if (o->content_type != NULL)
		wire_entry(out, OM_CONTENT_TYPE, o->content_type, strlen(o->content_type));
	if (o->content_encoding != NULL)
		wire_entry(out, OM_CONTENT_ENCODING, o->content_encoding, strlen(o->content_encoding));
	for (const char *const *tag = o->tags; tag != NULL && *tag != NULL; tag++)
		wire_entry(out, OM_TAG, *tag, strlen(*tag));
	write_headers(out, OM_VARIANT, o->variant);
	if (o->opaque != NULL)
		wire_entry(out, OM_OPAQUE, o->opaque, o->opaque_length);
	if (o->evictable)
		wire_u32(out, OM_EVICTABLE, 1);
}

static void write_put(struct wire_buffer *out, const void *key, size_t key_length, const om_put_options *o)
{
	wire_entry(out, WIRE_KEY, key, key_length);
	if (o != NULL && o->fill_token != NULL)
		wire_entry(out, WIRE_FILL_TOKEN, o->fill_token, o->fill_token_length);
	if (o != NULL && o->if_absent)
		wire_entry(out, WIRE_IF_ABSENT, NULL, 0);
	if (o != NULL && o->if_generation != 0)
		wire_u64(out, WIRE_IF_GENERATION, o->if_generation);
	if (o != NULL && o->sha256 != NULL)
		wire_entry(out, WIRE_EXPECTED_SHA256, o->sha256, 32);
	if (o != NULL && o->has_xxh3)
		wire_u64(out, WIRE_EXPECTED_XXH3, o->xxh3);
	if (o != NULL && o->durable)
		wire_u32(out, WIRE_DURABILITY, 1);
	write_object(out, o);
}

static int check_put(om_context *c, size_t key_length, const om_put_options *o)
{
	return check_key(c, key_length) < 0 || (o != NULL && check_reserved(c, o->reserved, sizeof o->reserved) < 0) ? -1 : 0;
}

static size_t begin_put(om_context *c, const void *key, size_t key_length, int flags, int fds, uint64_t length, const om_put_options *o, uint32_t *id)
{
	size_t frame = context_begin(c, WIRE_PUT, flags, fds, length, id);
	write_put(&c->session->out, key, key_length, o);
	return frame;
}

static int append_chunk(om_context *c, uint32_t id, const void *bytes, size_t length)
{
	size_t frame = wire_begin(&c->session->out, WIRE_DATA, 0, id, 0, 0, 0);
	return context_end(c, frame, bytes, length);
}

static int append_end(om_context *c, uint32_t id, enum om_status status)
{
	size_t frame = wire_begin(&c->session->out, WIRE_END, 0, id, status, 0, 0);
	return context_end(c, frame, NULL, 0);
}

int om_append_put(om_context *c, const void *key, size_t key_length, const void *body, size_t body_length, const om_put_options *o, uint32_t *id)
{
	const unsigned char *bytes = body;
	uint32_t own;
	uint32_t *at = id_or(id, &own);

	if (check_put(c, key_length, o) < 0)
		return -1;
	int chunked = body_length > INLINE_PUT;
	size_t frame = begin_put(c, key, key_length, chunked ? WIRE_MORE : 0, 0, body_length, o, at);
	if (!chunked)
		return context_end(c, frame, body, body_length);
	if (context_end(c, frame, NULL, 0) < 0)
		return -1;
	for (size_t done = 0; done < body_length;) {
		size_t n = body_length - done < CHUNK ? body_length - done : CHUNK;
		int refused = context_is_answered(c, *at);
		if (refused != 0)
			return refused < 0 ? -1 : append_end(c, *at, OM_CANCELLED);
		if (append_chunk(c, *at, bytes + done, n) < 0)
			return -1;
		done += n;
	}
	return append_end(c, *at, OM_OK);
}

/* 1 when it is answered: it was refused before its end. -1 when the session failed. */
static int is_over(om_context *c, uint32_t id)
{
	return context_is_answered(c, id) < 0 ? -1 : pending_find(c->session->pending, id) == NULL;
}

int om_append_put_open(om_context *c, const void *key, size_t key_length, uint64_t length, const om_put_options *o, uint32_t *id)
{
	if (check_put(c, key_length, o) < 0)
		return -1;
	return context_end(c, begin_put(c, key, key_length, WIRE_MORE, 0, length, o, id), NULL, 0);
}

int om_append_put_bytes(om_context *c, uint32_t id, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	int over = is_over(c, id);

	while (over == 0 && length > 0) {
		size_t n = length < CHUNK ? length : CHUNK;
		if (append_chunk(c, id, at, n) < 0)
			return -1;
		at += n;
		length -= n;
		over = is_over(c, id);
	}
	return over;
}

int om_append_put_close(om_context *c, uint32_t id, int complete)
{
	int over = is_over(c, id);
	return over < 0 ? -1 : append_end(c, id, complete && !over ? OM_OK : OM_CANCELLED);
}

om_reply *om_put(om_context *c, const void *key, size_t key_length, const void *body, size_t body_length, const om_put_options *o)
{
	uint32_t id;
	return check_waits(c) < 0 || om_append_put(c, key, key_length, body, body_length, o, &id) < 0 ? NULL : context_wait(c, id);
}

/* Sends what source gives until it ends, length bytes came, or the server refuses. Returns what source failed with, 0, or -1 for the session. */
static int send_stream(om_context *c, uint32_t id, uint64_t length, om_source *source, void *argument, unsigned char *chunk)
{
	uint64_t left = length;
	ssize_t n;

	while (left > 0) {
		int refused = context_is_answered(c, id);
		if (refused != 0)
			return refused < 0 ? -1 : ECANCELED;
		n = source(argument, chunk, left < CHUNK ? (size_t)left : CHUNK);
		if (n < 0)
			return (int)-n;
		if (n == 0)
			return 0;
		if (append_chunk(c, id, chunk, (size_t)n) < 0)
			return -1;
		left -= length == OM_UNBOUNDED ? 0 : (uint64_t)n;
	}
	return 0;
}

om_reply *om_put_stream(om_context *c, const void *key, size_t key_length, om_source *source, void *argument, uint64_t length, const om_put_options *o)
{
	uint32_t id;

	if (check_waits(c) < 0 || check_put(c, key_length, o) < 0)
		return NULL;
	unsigned char *chunk = malloc(CHUNK);
	if (chunk == NULL) {
		context_fail(c, ENOMEM, "no memory for a chunk");
		return NULL;
	}
	size_t frame = begin_put(c, key, key_length, WIRE_MORE, 0, length, o, &id);
	int r = context_end(c, frame, NULL, 0);
	if (r == 0)
		r = send_stream(c, id, length, source, argument, chunk);
	free(chunk);
	if (r < 0 || append_end(c, id, r != 0 ? OM_CANCELLED : OM_OK) < 0)
		return NULL;
	om_reply *reply = context_wait(c, id);
	if (reply != NULL && r > 0 && reply->status == OM_CANCELLED) {
		om_reply_free(reply);
		context_refuse(c, "cannot read the body: %s", strerror(r));
		return NULL;
	}
	return reply;
}

static ssize_t read_source(void *argument, void *chunk, size_t room)
{
	ssize_t n;
	do
		n = read(*(const int *)argument, chunk, room);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

om_reply *om_put_from(om_context *c, const void *key, size_t key_length, int fd, uint64_t length, const om_put_options *o)
{
	return om_put_stream(c, key, key_length, read_source, &fd, length, o);
}

static int check_open(om_context *c, int fd)
{
	return fcntl(fd, F_GETFD) >= 0 ? 0 : context_refuse(c, "%d is no open descriptor", fd);
}

int om_append_put_fd(om_context *c, const void *key, size_t key_length, int fd, uint64_t length, const om_put_options *o, uint32_t *id)
{
	uint32_t own;

	if (check_open(c, fd) < 0 || check_put(c, key_length, o) < 0)
		return -1;
	if (c->session->max_descriptors == 0)
		return context_refuse(c, "the server takes no descriptors: send the bytes");
	size_t frame = begin_put(c, key, key_length, 0, 1, length, o, id_or(id, &own));
	return context_end_with(c, frame, fd);
}

om_reply *om_put_fd(om_context *c, const void *key, size_t key_length, int fd, uint64_t length, const om_put_options *o)
{
	uint32_t id;
	return check_waits(c) < 0 || om_append_put_fd(c, key, key_length, fd, length, o, &id) < 0 ? NULL : context_wait(c, id);
}

int om_append_touch(om_context *c, const void *key, size_t key_length, const om_put_options *o, uint32_t *id)
{
	uint32_t own;

	if (check_put(c, key_length, o) < 0)
		return -1;
	if (o != NULL && (o->if_absent || o->sha256 != NULL || o->has_xxh3 || o->fill_token != NULL))
		return context_refuse(c, "a TOUCH takes no if_absent, sha256, xxh3 or fill_token");
	size_t frame = context_begin(c, WIRE_TOUCH, 0, 0, 0, id_or(id, &own));
	wire_entry(&c->session->out, WIRE_KEY, key, key_length);
	if (o != NULL && o->if_generation != 0)
		wire_u64(&c->session->out, WIRE_IF_GENERATION, o->if_generation);
	if (o != NULL && o->durable)
		wire_u32(&c->session->out, WIRE_DURABILITY, 1);
	write_object(&c->session->out, o);
	return context_end(c, frame, NULL, 0);
}

om_reply *om_touch(om_context *c, const void *key, size_t key_length, const om_put_options *o)
{
	uint32_t id;
	return check_waits(c) < 0 || om_append_touch(c, key, key_length, o, &id) < 0 ? NULL : context_wait(c, id);
}

/* ---- the others */

int om_append_delete(om_context *c, const void *key, size_t key_length, int durable, uint32_t *id)
{
	uint32_t own;

	if (check_key(c, key_length) < 0)
		return -1;
	size_t frame = context_begin(c, WIRE_DELETE, 0, 0, 0, id_or(id, &own));
	wire_entry(&c->session->out, WIRE_KEY, key, key_length);
	if (durable)
		wire_u32(&c->session->out, WIRE_DURABILITY, 1);
	return context_end(c, frame, NULL, 0);
}

om_reply *om_delete(om_context *c, const void *key, size_t key_length, int durable)
{
	uint32_t id;
	return check_waits(c) < 0 || om_append_delete(c, key, key_length, durable, &id) < 0 ? NULL : context_wait(c, id);
}

int om_append_list(om_context *c, const void *prefix, size_t prefix_length, const void *cursor, size_t cursor_length, uint32_t limit, uint32_t *id)
{
	uint32_t own;
	size_t frame = context_begin(c, WIRE_LIST, 0, 0, 0, id_or(id, &own));

	if (prefix_length > 0)
		wire_entry(&c->session->out, WIRE_PREFIX, prefix, prefix_length);
	if (cursor_length > 0)
		wire_entry(&c->session->out, WIRE_CURSOR, cursor, cursor_length);
	if (limit != 0)
		wire_u32(&c->session->out, WIRE_LIMIT, limit);
	return context_end(c, frame, NULL, 0);
}

om_reply *om_list(om_context *c, const void *prefix, size_t prefix_length, const void *cursor, size_t cursor_length, uint32_t limit)
{
	uint32_t id;
	return check_waits(c) < 0 || om_append_list(c, prefix, prefix_length, cursor, cursor_length, limit, &id) < 0 ? NULL : context_wait(c, id);
}

static int append_purge(om_context *c, int type, const void *value, size_t length, int soft, uint32_t *id)
{
	uint32_t own;

	if (type == WIRE_KEY && check_key(c, length) < 0)
		return -1;
	size_t frame = context_begin(c, WIRE_PURGE, 0, 0, 0, id_or(id, &own));
	wire_entry(&c->session->out, type, value, length);
	if (soft)
		wire_entry(&c->session->out, WIRE_SOFT, NULL, 0);
	return context_end(c, frame, NULL, 0);
}

static om_reply *purge(om_context *c, int type, const void *value, size_t length, int soft)
{
	uint32_t id;
	return check_waits(c) < 0 || append_purge(c, type, value, length, soft, &id) < 0 ? NULL : context_wait(c, id);
}

om_reply *om_purge_key(om_context *c, const void *key, size_t length, int soft) { return purge(c, WIRE_KEY, key, length, soft); }
om_reply *om_purge_prefix(om_context *c, const void *prefix, size_t length, int soft) { return purge(c, WIRE_PREFIX, prefix, length, soft); }
om_reply *om_purge_tag(om_context *c, const void *tag, size_t length, int soft) { return purge(c, WIRE_PURGE_TAG, tag, length, soft); }
om_reply *om_purge_ban(om_context *c, const void *ban, size_t length, int soft) { return purge(c, WIRE_BAN, ban, length, soft); }

int om_append_purge_key(om_context *c, const void *key, size_t length, int soft, uint32_t *id)
{
	return append_purge(c, WIRE_KEY, key, length, soft, id);
}

int om_append_purge_prefix(om_context *c, const void *prefix, size_t length, int soft, uint32_t *id)
{
	return append_purge(c, WIRE_PREFIX, prefix, length, soft, id);
}

int om_append_purge_tag(om_context *c, const void *tag, size_t length, int soft, uint32_t *id)
{
	return append_purge(c, WIRE_PURGE_TAG, tag, length, soft, id);
}

int om_append_purge_ban(om_context *c, const void *ban, size_t length, int soft, uint32_t *id)
{
	return append_purge(c, WIRE_BAN, ban, length, soft, id);
}

static int append_bare(om_context *c, int operation, uint32_t *id)
{
	uint32_t own;
	return context_end(c, context_begin(c, operation, 0, 0, 0, id_or(id, &own)), NULL, 0);
}

int om_append_stat(om_context *c, uint32_t *id) { return append_bare(c, WIRE_STAT, id); }
int om_append_ping(om_context *c, uint32_t *id) { return append_bare(c, WIRE_PING, id); }
int om_append_goodbye(om_context *c, uint32_t *id) { return append_bare(c, WIRE_GOODBYE, id); }

static om_reply *bare(om_context *c, int operation)
{
	uint32_t id;
	return check_waits(c) < 0 || append_bare(c, operation, &id) < 0 ? NULL : context_wait(c, id);
}

om_reply *om_stat(om_context *c) { return bare(c, WIRE_STAT); }
om_reply *om_ping(om_context *c) { return bare(c, WIRE_PING); }
om_reply *om_goodbye(om_context *c) { return bare(c, WIRE_GOODBYE); }

int om_append_cancel(om_context *c, uint32_t target, uint32_t *id)
{
	uint32_t own;
	size_t frame = context_begin(c, WIRE_CANCEL, 0, 0, 0, id_or(id, &own));

	wire_u32(&c->session->out, WIRE_TARGET, target);
	return context_end(c, frame, NULL, 0);
}

om_reply *om_cancel(om_context *c, uint32_t target)
{
	uint32_t id;
	return check_waits(c) < 0 || om_append_cancel(c, target, &id) < 0 ? NULL : context_wait(c, id);
}
