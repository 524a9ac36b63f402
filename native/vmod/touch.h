/* A stored object that the origin has said is good still. */
#ifndef OBJMAPPER_VMOD_TOUCH_H
#define OBJMAPPER_VMOD_TOUCH_H

#include <stddef.h>

#include "objmapper.h"

struct busyobj;
struct fetch;
struct key;

/* Gives it the life that Varnish's object has now, and a head; waits for nothing. The reply is the one that it was found with. */
void touch(const struct busyobj *bo, const struct fetch *fetch, const struct key *key, const om_reply *reply, const char *head, size_t head_length);

#endif
