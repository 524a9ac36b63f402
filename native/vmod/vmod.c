/* What VCL calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "cache/cache_varnishd.h"
#include "vcl.h"

#include "director.h"
#include "fetch.h"
#include "foreign_bans.h"
#include "key.h"
#include "lookup.h"
#include "purges.h"
#include "source.h"
#include "vcc_if.h"
#include "zerocopy.h"

static int is_timeout(VRT_CTX, const char *name, double seconds)
{
	if (seconds >= 0.001 && seconds <= 60)
		return (1);
	VRT_fail(ctx, "objmapper.store(): %s is %.3fs; it has 1ms to 60s", name, seconds);
	return (0);
}

static int is_path(VRT_CTX, const char *socket)
{
	if (socket == NULL || *socket == '\0') {
		VRT_fail(ctx, "objmapper.store(): the path of the server's socket is empty; objmapperd says it when it starts");
		return (0);
	}
	if (strlen(socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
		VRT_fail(ctx, "objmapper.store(): a socket's path has up to 107 bytes, and this is longer: %s", socket);
		return (0);
	}
	return (1);
}

static int are_good(VRT_CTX, const struct VARGS(store__init) *options)
{
	if (!is_path(ctx, options->socket))
		return (0);
	if (!is_timeout(ctx, "lookup_timeout", options->lookup_timeout) || !is_timeout(ctx, "body_timeout", options->body_timeout))
		return (0);
	if (options->valid_connect_timeout && !is_timeout(ctx, "connect_timeout", options->connect_timeout))
		return (0);
	if (options->max_connections < 1 || options->max_connections > 4096) {
		VRT_fail(ctx, "objmapper.store(): max_connections is %jd; it has 1 to 4096", (intmax_t)options->max_connections);
		return (0);
	}
	if (options->min_zerocopy < 4096) {
		VRT_fail(ctx, "objmapper.store(): min_zerocopy is %jd bytes; it has 4KB and more", (intmax_t)options->min_zerocopy);
		return (0);
	}
	if (options->max_maps < 1 || options->max_maps > 1000000) {
		VRT_fail(ctx, "objmapper.store(): max_maps is %jd; it has 1 to 1000000", (intmax_t)options->max_maps);
		return (0);
	}
	if (!(options->min_ttl >= 0)) {
		VRT_fail(ctx, "objmapper.store(): min_ttl is %.3fs; it has 0s and more", options->min_ttl);
		return (0);
	}
	return (1);
}

/* varnishd's log has what its child says; vcl.load drops the messages of a VCL that is good. */
static void warn_of_what_is_not_built(const struct VARGS(store__init) *options)
{
	if (options->foreign_bans == VENUM(miss) && !foreign_bans_are_seen())
		fprintf(stderr, "objmapper: this module is not built for Varnish 7.1.1, whose bans alone it can see: bans by the CLI and std.ban() do not reach the store\n");
	if (options->zerocopy && !zerocopy_is_built())
		fprintf(stderr, "objmapper: this module is not built for Varnish 7.1.1, into which alone it can map bodies: zerocopy has no effect\n");
}

static enum om_mode mode_of(VCL_ENUM name)
{
	return (name == VENUM(copy) ? OM_COPY : name == VENUM(splice) ? OM_SPLICE : name == VENUM(auto) ? OM_AUTO : OM_FDPASS);
}

VCL_VOID vmod_store__init(VRT_CTX, struct vmod_objmapper_store **storep, const char *name, struct VARGS(store__init) *options)
{
	struct vmod_objmapper_store *store;

	if (!are_good(ctx, options))
		return;
	const double connect_timeout = options->valid_connect_timeout ? options->connect_timeout : options->lookup_timeout;
	const struct pool_options sessions = {
		.path = options->socket,
		.mode = mode_of(options->mode),
		.connect_millis = (int)(connect_timeout * 1000),
		.lookup_millis = (int)(options->lookup_timeout * 1000),
		.body_millis = (int)(options->body_timeout * 1000),
		.max_sessions = (unsigned)options->max_connections,
	};
	ALLOC_OBJ(store, STORE_MAGIC);
	AN(store);
	store->prefix = strdup(options->prefix != NULL ? options->prefix : "");
	AN(store->prefix);
	store->min_ttl = options->min_ttl;
	store->max_size = (ssize_t)options->max_size;
	store->sees_bans = options->foreign_bans == VENUM(miss);
	warn_of_what_is_not_built(options);
	store->takes_errors = options->store_5xx != 0;
	store->is_zerocopy = options->zerocopy != 0 && zerocopy_is_built();
	store->min_mapped = (uint64_t)options->min_zerocopy;
	store->mappings = (struct mapping_limits){ .most = (uint64_t)options->max_maps, .most_bytes = (uint64_t)options->max_mapped };
	store->lookup_millis = sessions.lookup_millis;
	store->body_millis = sessions.body_millis;
	if (options->valid_origin)
		VRT_Assign_Backend(&store->origin, options->origin);
	store->pool = pool_new(&sessions);
	store->fills = fills_new(store, options->socket, sessions.body_millis);
	store->counters = VSC_objmapper_New(NULL, &store->counters_segment, "%s.%s", VCL_Name(ctx->vcl), name);
	AN(store->counters);
	store->director = VRT_AddDirector(ctx, &director_methods, store, "%s", name);
	*storep = store;
}

VCL_VOID vmod_store__fini(struct vmod_objmapper_store **storep)
{
	struct vmod_objmapper_store *store;

	TAKE_OBJ_NOTNULL(store, storep, STORE_MAGIC);
	VRT_DelDirector(&store->director);
	VRT_Assign_Backend(&store->origin, NULL);
	fills_free(store->fills);
	pool_free(store->pool);
	VSC_objmapper_Destroy(&store->counters_segment);
	free(store->prefix);
	FREE_OBJ(store);
}

/* vcl_init has no log, which all that talks to the store writes to. */
static int has_log(VRT_CTX, const char *method)
{
	if (ctx->vsl != NULL)
		return (1);
	VRT_fail(ctx, "objmapper: %s can't be called in vcl_init", method);
	return (0);
}

VCL_BACKEND vmod_store_backend(VRT_CTX, struct vmod_objmapper_store *store, VCL_BOOL lookup)
{
	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	if (ctx->bo == NULL) {
		VRT_fail(ctx, "objmapper: .backend() belongs in vcl_backend_fetch");
		return (NULL);
	}
	VCL_BACKEND chosen = ctx->bo->director_req;
	struct fetch *fetch = fetch_of(ctx, store);
	if (fetch == NULL)
		fetch = fetch_begin(ctx, store);
	if (fetch == NULL) {
		VSLb(ctx->vsl, SLT_Error, "objmapper: the store is not asked: workspace_backend is too small");
		return (chosen);
	}
	fetch->is_to_be_asked = lookup != 0;
	if (store->origin != NULL)
		VRT_Assign_Backend(&fetch->origin, store->origin);
	else if (chosen != store->director)
		VRT_Assign_Backend(&fetch->origin, chosen);
	return (store->director);
}

VCL_VOID vmod_store_key(VRT_CTX, struct vmod_objmapper_store *store, VCL_STRING key)
{
	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	if (lookup_override(ctx, store, key != NULL ? key : "") < 0)
		VRT_fail(ctx, "objmapper: .key(): the workspace is too small");
}

VCL_VOID vmod_store_tee(VRT_CTX, struct vmod_objmapper_store *store, VCL_STRING tags)
{
	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	struct fetch *fetch = ctx->bo != NULL ? fetch_of(ctx, store) : NULL;

	if (!has_log(ctx, ".tee()"))
		return;
	if (fetch == NULL) {
		VSLb(ctx->vsl, SLT_Error, "objmapper: .tee() stores nothing where bereq.backend is not .backend()");
		return;
	}
	fetch->is_armed = 1;
	fetch->tags = tags;
}

VCL_STEVEDORE vmod_store_storage(VRT_CTX, struct vmod_objmapper_store *store)
{
	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	if (ctx->bo == NULL) {
		VRT_fail(ctx, "objmapper: .storage() belongs in vcl_backend_response");
		return (NULL);
	}
	struct busyobj *bo = ctx->bo;
	const struct fetch *fetch = fetch_of(ctx, store);
	const om_reply *reply = fetch != NULL && fetch->is_hit ? source_reply(bo->vfc) : NULL;
	struct source_mapping mapping = { 0 };
	if (reply != NULL)
		source_mapped(bo->vfc, &mapping);
	if (mapping.mapping != NULL)
		return (zerocopy_storage());
	if (reply == NULL || !zerocopy_is_built())
		return (bo->storage);
	if (zerocopy_map(bo, store, reply, &mapping.mapping) != ZEROCOPY_MAPPED)
		return (bo->storage);
	source_map(bo, store, mapping.mapping);
	return (zerocopy_storage());
}

VCL_BOOL vmod_store_hit(VRT_CTX, struct vmod_objmapper_store *store)
{
	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	const struct fetch *fetch = ctx->bo != NULL ? fetch_of(ctx, store) : NULL;

	return (fetch != NULL && fetch->is_hit);
}

VCL_BOOL vmod_store_stale(VRT_CTX, struct vmod_objmapper_store *store)
{
	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	const struct fetch *fetch = ctx->bo != NULL ? fetch_of(ctx, store) : NULL;

	return (fetch != NULL && fetch->is_stale);
}

VCL_BOOL vmod_store_healthy(VRT_CTX, struct vmod_objmapper_store *store)
{
	(void)ctx;
	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	return (pool_is_healthy(store->pool));
}

VCL_BOOL vmod_store_purge(VRT_CTX, struct vmod_objmapper_store *store, VCL_BOOL soft)
{
	struct key key;

	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	if (!(ctx->method & (VCL_MET_PURGE | VCL_MET_HIT | VCL_MET_MISS | VCL_MET_DELIVER))) {
		VRT_fail(ctx, "objmapper: .purge() belongs in vcl_purge, vcl_hit, vcl_miss or vcl_deliver: before vcl_hash there is no key");
		return (0);
	}
	if (lookup_key_of(ctx, &key, store, ctx->req->http, ctx->req->digest) < 0)
		return (1); /* too long to have been stored */
	return (purges_key(store, ctx->vsl, &key, soft) >= 0);
}

VCL_INT vmod_store_purge_tag(VRT_CTX, struct vmod_objmapper_store *store, VCL_STRING tag, VCL_BOOL soft)
{
	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	if (!has_log(ctx, ".purge_tag()"))
		return (-1);
	return (purges_tag(store, ctx->vsl, tag != NULL ? tag : "", soft));
}

/* The store first: what it no longer gives can't come back into Varnish behind Varnish's ban. */
VCL_BOOL vmod_store_ban(VRT_CTX, struct vmod_objmapper_store *store, VCL_STRING expression)
{
	CHECK_OBJ_NOTNULL(store, STORE_MAGIC);
	if (!has_log(ctx, ".ban()"))
		return (0);
	if (purges_ban(store, ctx->vsl, expression != NULL ? expression : "") < 0)
		return (0);
	const char *error = foreign_bans_add_own(ctx, expression);
	if (error != NULL)
		VSLb(ctx->vsl, SLT_Error, "objmapper: Varnish has not taken the ban: %s", error);
	return (error == NULL);
}
