/* What the store says of a fetch. */
#ifndef OBJMAPPER_VMOD_LOOKUP_H
#define OBJMAPPER_VMOD_LOOKUP_H

#include <stdint.h>

#include "objmapper.h"

struct busyobj;
struct vrt_ctx;
struct fetch;
struct http;
struct key;
struct vmod_objmapper_store;

/* Has this task use a key of VCL's in a store, or none where that is empty. -1 where the workspace has no room. */
int lookup_override(VRT_CTX, const struct vmod_objmapper_store *store, const char *key);

/* The key of a request as the client sent it, after VCL, or what the task uses instead. -1 where that is too long. */
int lookup_key_of(VRT_CTX, struct key *key, const struct vmod_objmapper_store *store, const struct http *request, const uint8_t *digest);

/* That of the request that a fetch is for, whatever VCL has made of bereq: so a purge of that request finds it. */
int lookup_key(VRT_CTX, struct key *key, const struct vmod_objmapper_store *store);

/*
 * Asks for the body under a key that the request's headers match, past its time too. Returns the reply where there is one; NULL where there is none, or where the
 * store could not be asked. In the fetch it says what a fill of that key needs: a token where there is none, the generation where there is one.
 */
om_reply *lookup_body(struct busyobj *bo, struct fetch *fetch, const struct key *key);

/* As lookup_body, for what a fill needs alone: what is past its time is not there. */
void lookup_for_fill(struct busyobj *bo, struct fetch *fetch, const struct key *key);

#endif
