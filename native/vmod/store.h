/* A store as VCL knows it: what vmod.c makes of objmapper.store(). */
#ifndef OBJMAPPER_VMOD_STORE_H
#define OBJMAPPER_VMOD_STORE_H

#include "VSC_objmapper.h"
#include "breaker.h"
#include "fills.h"
#include "mapping.h"
#include "pool.h"

struct vmod_objmapper_store {
	unsigned magic;
#define STORE_MAGIC 0x6f6d7374U
	char *prefix;
	double min_ttl;   /* seconds */
	ssize_t max_size; /* bytes of a body; 0: any */
	int sees_bans;    /* foreign_bans.h */
	int takes_errors; /* of the origin: 500 and above */
	int is_zerocopy;  /* for all that the store answers, without a word of VCL's */
	uint64_t min_mapped; /* bytes of a body */
	struct mapping_limits mappings;
	int lookup_millis, body_millis;
	struct breaker disk; /* for disk.c */
	VCL_BACKEND origin; /* of all fetches; NULL: of each its own */
	struct pool *pool;
	struct fills *fills;
	VCL_BACKEND director;
	struct VSC_objmapper *counters;
	struct vsc_seg *counters_segment;
};

/* Counters are counted in by all workers. */
#define COUNT(store, counter) ((void)__atomic_add_fetch(&(store)->counters->counter, 1, __ATOMIC_RELAXED))

#endif
