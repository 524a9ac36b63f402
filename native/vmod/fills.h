/*
 * Bodies on their way into the store. Those who bring them never wait: a thread of its own, which begins with the first fill, sends them
 * all over one session.
 */
#ifndef OBJMAPPER_VMOD_FILLS_H
#define OBJMAPPER_VMOD_FILLS_H

#include <stddef.h>

#include "objmapper.h"

struct fill;
struct fills;
struct vmod_objmapper_store;

/* What the store is told of a body before it comes. All is copied but opaque, which is to be malloc'ed, and is the fill's from then on. */
struct fill_request {
	const char *key;
	size_t key_length;
	uint64_t length; /* OM_UNBOUNDED: not known */
	char *opaque;
	size_t opaque_length;
	double expiry;   /* in seconds since 1970 */
	double grace;    /* in seconds after that */
	const char *tags; /* words separated by white space and commas */
	const om_header *variant; /* ended by one without a name */
	const unsigned char *token; /* or a generation that is there: the fill is refused where that changes */
	size_t token_length;
	uint64_t generation;
	unsigned transaction; /* of Varnish's log */
};

/* For a store, of which the counters are used. The path is copied. Without any progress for patience_millis the session is given up. */
struct fills *fills_new(struct vmod_objmapper_store *store, const char *path, int patience_millis);

/* Ends the thread once what is complete is stored or given up, which a server that does not answer delays by the patience, and 5 s at most. Every fill has been ended. */
void fills_free(struct fills *fills);

/* Begins to fill an object. NULL where too much is under way, or where it has more tags than an object may have: why says which. */
struct fill *fill_begin(struct fills *fills, const struct fill_request *request, const char **why);

/* Gives what a reply was found with a new life and head, where it is there still. length, tags, variant and token are not used. */
void fill_touch(struct fills *fills, const struct fill_request *request, const om_reply *reply);

/* The next bytes of the body, copied. -1: no more are wanted. */
int fill_bytes(struct fill *fill, const void *bytes, size_t length);

/* Ends it: only a complete one is stored. */
void fill_end(struct fill *fill, int complete);

#endif
