/* What an origin sends, stored on its way through. */
#ifndef OBJMAPPER_VMOD_TEE_H
#define OBJMAPPER_VMOD_TEE_H

#include "objmapper.h"

struct busyobj;
struct fetch;
struct key;

/*
 * Right after the origin's header has come: puts the tee above the origin's own filter, so that it sees what the origin sends. It stores nothing
 * until fetch->is_armed. stored, which is the tee's from then on, is what the store has of the version that a 304 would be about; NULL: nothing.
 */
void tee_push(struct busyobj *bo, struct fetch *fetch, const struct key *key, om_reply *stored);

#endif
