#include "zerocopy.h"

#ifdef OBJMAPPER_VARNISH_7_1_1

#include <stdlib.h>
#include <string.h>

#include "varnish_7_1_1.h"
#include "vtim.h"

#include "VSC_objmapper_mappings.h"
#include "disk.h"
#include "loaded.h"
#include "mapping.h"
#include "prefetch.h"
#include "source.h"
#include "store.h"

/* ---- bodies: pieces of a mapping, which the object holds by its priv2 */

enum { LARGEST_PIECE = 1 << 30 }; /* a piece has a length of 32 bits */

static struct mapping *mapping_of(const struct objcore *oc) { return ((struct mapping *)oc->stobj->priv2); }

static struct storage *piece_of(const struct mapping *mapping, uint64_t offset)
{
	uint64_t left = mapping_length(mapping) - offset;
	struct storage *piece;

	ALLOC_OBJ(piece, STORAGE_MAGIC);
	AN(piece);
	piece->ptr = mapping_bytes(mapping) + offset;
	piece->space = left < LARGEST_PIECE ? (unsigned)left : LARGEST_PIECE;
	return (piece);
}

/* The room that a body is fetched into is the mapping itself: source.c, which alone fills it, finds the bytes there. */
static int get_space(struct worker *worker, struct objcore *oc, ssize_t *room, uint8_t **to)
{
	struct object *object = oc->stobj->priv;
	struct storage *piece;

	(void)worker;
	CHECK_OBJ_NOTNULL(object, OBJECT_MAGIC);
	piece = VTAILQ_FIRST(&object->list);
	if (piece == NULL || piece->len == piece->space) {
		if (oc->boc->len_so_far >= mapping_length(mapping_of(oc)))
			return (0);
		piece = piece_of(mapping_of(oc), oc->boc->len_so_far);
		Lck_Lock(&oc->boc->mtx);
		VTAILQ_INSERT_HEAD(&object->list, piece, list);
		Lck_Unlock(&oc->boc->mtx);
	}
	*room = piece->space - piece->len;
	*to = piece->ptr + piece->len;
	return (1);
}

/* Of what is not a body: the object itself, with its header. */
static struct storage *allocate(const struct stevedore *storage, size_t size)
{
	struct storage *room;

	(void)storage;
	ALLOC_OBJ(room, STORAGE_MAGIC);
	AN(room);
	room->priv = room->ptr = malloc(size);
	AN(room->ptr);
	room->space = (unsigned)size;
	return (room);
}

static void release(struct storage *room)
{
	CHECK_OBJ_NOTNULL(room, STORAGE_MAGIC);
	free(room->priv);
	FREE_OBJ(room);
}

static void drop_mapping(struct objcore *oc)
{
	mapping_drop(mapping_of(oc));
	oc->stobj->priv2 = 0;
}

static void slim(struct worker *worker, struct objcore *oc)
{
	SML_methods.objslim(worker, oc);
	drop_mapping(oc);
}

static void free_object(struct worker *worker, struct objcore *oc)
{
	struct mapping *mapping = mapping_of(oc);

	SML_methods.objfree(worker, oc);
	mapping_drop(mapping);
}

/* ---- reading a body */

enum { CHECKED_AT_ONCE = 1 << 20 };

/* Whoever reads a body, and what is read. */
struct reading {
	objiterate_f *function;
	void *argument;
	struct worker *worker;
	struct objcore *oc;
};

static int is_there(const struct reading *reading, const unsigned char *bytes, ssize_t length)
{
	const struct mapping *mapping = mapping_of(reading->oc);

	if (mapping_populate(mapping, (uint64_t)(bytes - mapping_bytes(mapping)), (uint64_t)length) == 0)
		return (1);
	if (reading->worker->vsl != NULL)
		VSLb(reading->worker->vsl, SLT_Error, "objmapper: the mapped body can no longer be read: %s", strerror(errno));
	if (reading->oc->boc == NULL) /* the next one who asks has it fetched anew */
		HSH_Kill(reading->oc);
	return (0);
}

/* A page that was there when the body was mapped may have left memory since, and its disk may have failed: who reads such a page is killed, so it is asked for first. */
static int read_checked(void *argument, unsigned flags, const void *from, ssize_t length)
{
	const struct reading *reading = argument;
	const unsigned char *bytes = from;

	for (; length > CHECKED_AT_ONCE; bytes += CHECKED_AT_ONCE, length -= CHECKED_AT_ONCE) {
		int r = is_there(reading, bytes, CHECKED_AT_ONCE) ? reading->function(reading->argument, flags & ~(unsigned)OBJ_ITER_END, bytes, CHECKED_AT_ONCE) : -1;
		if (r != 0)
			return (r);
	}
	if (length > 0 && !is_there(reading, bytes, length))
		return (-1);
	return (reading->function(reading->argument, flags, bytes, length));
}

static int iterate(struct worker *worker, struct objcore *oc, void *argument, objiterate_f *function, int is_final)
{
	struct reading reading = { function, argument, worker, oc };

	if (mapping_is_memory(mapping_of(oc)))
		return (SML_methods.objiterator(worker, oc, argument, function, is_final));
	return (SML_methods.objiterator(worker, oc, &reading, read_checked, is_final));
}

/* ---- the storage */

static struct obj_methods methods;

/* A filter that has asked to be passed by when it was begun sees no bytes, and the one that tries whether gzip's can be unpacked leaves them as they are. */
static int has_others(const struct vfp_ctx *filters, const struct vfp_entry *source)
{
	const struct vfp_entry *entry;

	VTAILQ_FOREACH(entry, &filters->vfp, list)
		if (entry != source && entry->closed != VFP_NULL && entry->vfp != &VFP_testgunzip)
			return (1);
	return (0);
}

static int allocate_object(struct worker *worker, const struct stevedore *storage, struct objcore *oc, unsigned room)
{
	struct busyobj *bo = THR_GetBusyobj();
	struct source_mapping mapped = { 0 };

	if (bo != NULL && bo->fetch_objcore == oc)
		source_mapped(bo->vfc, &mapped);
	if (mapped.source != NULL && mapped.mapping != NULL && !has_others(bo->vfc, mapped.source) && SML_allocobj(worker, storage, oc, room)) {
		const struct object *object = oc->stobj->priv;
		assert(object->objstore->len == sizeof *object); /* as varnish_7_1_1.h has it */
		mapping_hold(mapped.mapping);
		oc->stobj->priv2 = (uintptr_t)mapped.mapping;
		COUNT(mapped.store, mapped);
		return (1);
	}
	if (mapped.mapping != NULL) {
		VSLb(bo->vsl, SLT_VCL_Log, "objmapper: not mapped: a filter changes the body");
		COUNT(mapped.store, copied);
	}
	const struct stevedore *other = mapped.otherwise != NULL ? mapped.otherwise : STV_next();
	return (other->allocobj(worker, other, oc, room));
}

static struct stevedore mappings = {
	.magic = STEVEDORE_MAGIC,
	.name = "objmapper",
	.ident = "objmapper",
	.vclname = "storage.objmapper",
	.allocobj = allocate_object,
	.panic = SML_panic,
	.sml_alloc = allocate,
	.sml_free = release,
	.methods = &methods,
};

static void begin(void)
{
	struct VSC_objmapper_mappings *totals = VSC_objmapper_mappings_New(NULL, NULL, "all");

	AN(totals);
	stay_loaded();
	mapping_keep_totals_in(&totals->count, &totals->bytes);
	methods = SML_methods;
	methods.objfree = free_object;
	methods.objslim = slim;
	methods.objgetspace = get_space;
	methods.objiterator = iterate;
	mappings.lru = LRU_Alloc();
}

const struct stevedore *zerocopy_storage(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	AZ(pthread_once(&once, begin));
	return (&mappings);
}

int zerocopy_is_built(void) { return (1); }

/* ---- mapping */

/* Objects that nobody has asked for lately go where there is no place. */
static struct mapping *map_in_place_of_others(struct busyobj *bo, const struct vmod_objmapper_store *store, const om_reply *reply)
{
	struct lru *others = zerocopy_storage()->lru;
	struct mapping *mapping;

	bo->wrk->strangelove = (int)cache_param->nuke_limit;
	do
		mapping = mapping_new(reply->fd, reply->fd_offset, reply->length, &store->mappings);
	while (mapping == NULL && errno == ENOBUFS && LRU_NukeOne(bo->wrk, others));
	return (mapping);
}

/* NULL where all of the body is there, else why not. */
static const char *read_body(struct vmod_objmapper_store *store, const om_reply *reply, struct mapping *mapping, enum zerocopy *otherwise)
{
	const struct prefetch_patience patience = { .whole_millis = store->lookup_millis, .progress_millis = store->body_millis };

	const char *why = disk_refuses(store);

	*otherwise = ZEROCOPY_UNREADABLE;
	if (why != NULL)
		return (why);
	enum prefetched result = prefetch(mapping, reply->fd, reply->fd_offset, reply->length, &patience);
	why = disk_answered(store, result, errno);
	if (why != NULL)
		return (why);
	*otherwise = ZEROCOPY_COPY;
	return (result == PREFETCH_SLOW ? "it takes too long to read" : result == PREFETCH_FAILED ? "this kernel can't have it read first" : NULL);
}

static enum zerocopy give_up(struct busyobj *bo, struct vmod_objmapper_store *store, enum zerocopy what, const char *why)
{
	if (what == ZEROCOPY_UNREADABLE) {
		disk_tell(bo, store, why);
	} else {
		VSLb(bo->vsl, SLT_VCL_Log, "objmapper: not mapped: %s", why);
		COUNT(store, copied);
	}
	return (what);
}

enum zerocopy zerocopy_map(struct busyobj *bo, struct vmod_objmapper_store *store, const om_reply *reply, struct mapping **mapping)
{
	enum zerocopy otherwise;

	if (reply->fd < 0 || reply->length < store->min_mapped)
		return (ZEROCOPY_COPY);
	*mapping = map_in_place_of_others(bo, store, reply);
	if (*mapping == NULL)
		return (give_up(bo, store, ZEROCOPY_COPY, errno == ENOBUFS ? "there are too many" : strerror(errno)));
	if (mapping_is_memory(*mapping))
		return (ZEROCOPY_MAPPED);
	const char *why = read_body(store, reply, *mapping, &otherwise);
	if (why == NULL)
		return (ZEROCOPY_MAPPED);
	mapping_drop(*mapping);
	*mapping = NULL;
	return (give_up(bo, store, otherwise, why));
}

#else

#include <stddef.h>

int zerocopy_is_built(void) { return (0); }

const struct stevedore *zerocopy_storage(void) { return (NULL); }

enum zerocopy zerocopy_map(struct busyobj *bo, struct vmod_objmapper_store *store, const om_reply *reply, struct mapping **mapping)
{
	(void)bo;
	(void)store;
	(void)reply;
	(void)mapping;
	return (ZEROCOPY_COPY);
}

#endif
