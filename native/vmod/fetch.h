/* What is known of one fetch, from vcl_backend_fetch to its end. */
#ifndef OBJMAPPER_VMOD_FETCH_H
#define OBJMAPPER_VMOD_FETCH_H

#include "store.h"

enum { TOKEN_ROOM = 64 }; /* protocol-spec.md, FILL_TOKEN */

struct fetch {
	unsigned magic;
#define FETCH_MAGIC 0x6f6d6665U
	struct vmod_objmapper_store *store;
	VCL_BACKEND origin; /* where it goes when the store has no answer */
	int is_hit;         /* the store has answered */
	int is_stale;       /* with what is past its time, because the origin did not answer */
	int is_armed;       /* VCL wants the origin's answer stored */
	const char *tags;
	int is_to_be_asked; /* the store; 0: VCL has it left out */
	/* What the store said of the key: a fill says one of the two, so that it is refused where a purge came between. 0: it did not. */
	uint64_t generation;
	size_t token_length;
	unsigned char token[TOKEN_ROOM];
};

/* The fetch that the context is about; NULL where backend() has not been called in it. */
struct fetch *fetch_of(VRT_CTX, const struct vmod_objmapper_store *store);

/* Begins it; NULL where the workspace has no room. */
struct fetch *fetch_begin(VRT_CTX, struct vmod_objmapper_store *store);

#endif
