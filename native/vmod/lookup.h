/* What the store says of a fetch. */
#ifndef OBJMAPPER_VMOD_LOOKUP_H
#define OBJMAPPER_VMOD_LOOKUP_H

#include <stdint.h>

#include "objmapper.h"

struct busyobj;
struct fetch;
struct http;
struct key;
struct vmod_objmapper_store;

/* The key of a request as the client sent it, after VCL. -1 where that is too long. */
int lookup_key_of(struct key *key, const struct vmod_objmapper_store *store, const struct http *request, const uint8_t *digest);

/* That of the request that a fetch is for, whatever VCL has made of bereq: so a purge of that request finds it. */
int lookup_key(struct key *key, const struct busyobj *bo, const struct vmod_objmapper_store *store);

/*
 * Asks for the body under a key that the request's headers match, past its time too. Returns the reply where there is one; NULL where there is none, or where the
 * store could not be asked. In the fetch it says what a fill of that key needs: a token where there is none, the generation where there is one.
 */
om_reply *lookup_body(struct busyobj *bo, struct fetch *fetch, const struct key *key);

/* As lookup_body, for what a fill needs alone: what is past its time is not there. */
void lookup_for_fill(struct busyobj *bo, struct fetch *fetch, const struct key *key);

#endif
