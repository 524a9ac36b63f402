#include "cache/cache_varnishd.h"
#include "vtim.h"

#include "fetch.h"
#include "head.h"
#include "key.h"
#include "touch.h"

void touch(const struct busyobj *bo, const struct fetch *fetch, const struct key *key, const om_reply *reply, const char *head, size_t head_length)
{
	const struct objcore *oc = bo->fetch_objcore;
	const struct life life = { .origin = oc->t_origin, .ttl = oc->ttl, .grace = oc->grace, .keep = oc->keep };
	struct fill_request request = {
		.key = key->bytes,
		.key_length = key->length,
		.expiry = life.origin + life.ttl,
		.grace = life.grace + life.keep,
		.generation = om_find_u64(reply, OM_GENERATION, 0),
		.transaction = bo->vsl->wid,
	};

	if (request.expiry <= VTIM_real())
		return;
	request.opaque = head_with_life(head, head_length, &life, &request.opaque_length);
	if (request.opaque != NULL)
		fill_touch(fetch->store->fills, &request, reply);
}
