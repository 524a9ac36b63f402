/*
 * What Varnish 7.1.1 has behind its headers, as far as zerocopy.c needs it: how a storage, an object and a piece of its body lie in memory. The module is loaded by that very
 * build alone ($ABI strict). The names are Varnish's.
 */
#ifndef OBJMAPPER_VMOD_VARNISH_7_1_1_H
#define OBJMAPPER_VMOD_VARNISH_7_1_1_H

#include "cache/cache_varnishd.h"
#include "cache/cache_filter.h"

struct lru;
struct lru *LRU_Alloc(void);
int LRU_NukeOne(struct worker *, struct lru *);
void HSH_Kill(struct objcore *);
extern const struct vfp VFP_testgunzip;

struct obj_methods {
	void (*objfree)(struct worker *, struct objcore *);
	int (*objiterator)(struct worker *, struct objcore *, void *priv, objiterate_f *, int final);
	int (*objgetspace)(struct worker *, struct objcore *, ssize_t *, uint8_t **);
	void (*objextend)(struct worker *, struct objcore *, ssize_t);
	const void *(*objgetattr)(struct worker *, struct objcore *, enum obj_attr, ssize_t *);
	void *(*objsetattr)(struct worker *, struct objcore *, enum obj_attr, ssize_t, const void *);
	void (*objtrimstore)(struct worker *, struct objcore *);
	void (*objbocdone)(struct worker *, struct objcore *, struct boc *);
	void (*objslim)(struct worker *, struct objcore *);
	void (*objtouch)(struct worker *, struct objcore *, vtim_real);
	void (*objsetstate)(struct worker *, const struct objcore *, enum boc_state_e);
};

struct stevedore {
	unsigned magic;
#define STEVEDORE_MAGIC 0x4baf43db
	const char *name;
	void *init, *open, *close;
	int (*allocobj)(struct worker *, const struct stevedore *, struct objcore *, unsigned);
	void *baninfo, *banexport;
	void (*panic)(struct vsb *, const struct objcore *);
	void *allocbuf, *freebuf;
	struct storage *(*sml_alloc)(const struct stevedore *, size_t);
	void (*sml_free)(struct storage *);
	void *sml_getobj;
	const struct obj_methods *methods;
	struct lru *lru;
	int64_t (*var_free_space)(const struct stevedore *);
	int64_t (*var_used_space)(const struct stevedore *);
	unsigned (*var_happy)(const struct stevedore *);
	void *priv;
	VTAILQ_ENTRY(stevedore) list;
	const char *ident, *vclname;
};

struct storage {
	unsigned magic;
#define STORAGE_MAGIC 0x1a4e51c0
	VTAILQ_ENTRY(storage) list;
	void *priv;
	unsigned char *ptr;
	unsigned len, space;
};

struct object {
	unsigned magic;
#define OBJECT_MAGIC 0x32851d42
	struct storage *objstore;
#define OBJ_FIXATTR(upper, lower, size) uint8_t fixed_##lower[size];
#include "tbl/obj_attr.h"
#define OBJ_VARATTR(upper, lower) uint8_t *variable_##lower;
#include "tbl/obj_attr.h"
#define OBJ_VARATTR(upper, lower) unsigned variable_length_##lower;
#include "tbl/obj_attr.h"
#define OBJ_AUXATTR(upper, lower) struct storage *auxiliary_##lower;
#include "tbl/obj_attr.h"
	VTAILQ_HEAD(, storage) list; /* the pieces of its body, the last one first */
};

extern const struct obj_methods SML_methods;
int SML_allocobj(struct worker *, const struct stevedore *, struct objcore *, unsigned);
void SML_panic(struct vsb *, const struct objcore *);

#endif
