#include <string.h>

#include "cache/cache_varnishd.h"

#include "key.h"
#include "purges.h"
#include "store.h"

enum { PATIENCE_MILLIS = 10000 }; /* a purge waits for a disk, a look-up does not */

typedef om_reply *purge_f(om_context *, const void *, size_t, int);

static int64_t fail(struct vmod_objmapper_store *store, struct vsl_log *log, const char *why)
{
	VSLb(log, SLT_Error, "objmapper: the store was not purged: %s", why);
	COUNT(store, purges_failed);
	return (-1);
}

static int64_t count_of(struct vmod_objmapper_store *store, struct vsl_log *log, const om_reply *reply)
{
	if (reply->status != OM_OK)
		return (fail(store, log, reply->message != NULL ? reply->message : om_status_name(reply->status)));
	int64_t count = (int64_t)om_find_u64(reply, OM_COUNT, 0);
	VSLb(log, SLT_VCL_Log, "objmapper: purged %jd", (intmax_t)count);
	COUNT(store, purges);
	return (count);
}

static int64_t purge(struct vmod_objmapper_store *store, struct vsl_log *log, purge_f *request, const void *what, size_t length, int is_soft)
{
	char why[256];
	om_context *session = pool_take_in_any_case(store->pool, why);
	int64_t count;

	if (session == NULL)
		return (fail(store, log, why));
	om_set_timeout(session, PATIENCE_MILLIS);
	om_reply *reply = request(session, what, length, is_soft);
	if (reply != NULL)
		count = count_of(store, log, reply);
	else
		count = fail(store, log, session->errstr);
	om_reply_free(reply);
	pool_give(store->pool, session);
	return (count);
}

int64_t purges_key(struct vmod_objmapper_store *store, struct vsl_log *log, const struct key *key, int is_soft)
{
	return (purge(store, log, om_purge_key, key->bytes, key->length, is_soft));
}

int64_t purges_tag(struct vmod_objmapper_store *store, struct vsl_log *log, const char *tag, int is_soft)
{
	return (purge(store, log, om_purge_tag, tag, strlen(tag), is_soft));
}

int64_t purges_ban(struct vmod_objmapper_store *store, struct vsl_log *log, const char *expression)
{
	return (purge(store, log, om_purge_ban, expression, strlen(expression), 0));
}
