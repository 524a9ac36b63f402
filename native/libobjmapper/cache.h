/* The objects that a session keeps for the next GET of the same key. For one thread at a time. */
#ifndef OBJMAPPER_CACHE_H
#define OBJMAPPER_CACHE_H

#include "objmapper.h"
#include "validity.h"

struct cache;

/* NULL without memory. */
struct cache *cache_new(uint32_t objects, uint64_t bytes, uint32_t idle_millis);
void cache_free(struct cache *cache);

/* The table that says what of it is current; the cache closes it. Until there is one nothing is kept. */
struct validity *cache_validity(struct cache *cache);

/* The answer for a key, one more holder of it; NULL where none is kept that is current. */
om_reply *cache_get(struct cache *cache, const void *key, size_t key_length);

/* Whether it is time to tell the server what was given: once in a while, when something was. */
int cache_should_tell(const struct cache *cache);
/* What was given since it was told last, as the body of a HITS as long as there is room; returns its length. */
size_t cache_tell(struct cache *cache, unsigned char *into, size_t room);

/* Keeps an answer if the server lets it, in place of another for the key. */
void cache_put(struct cache *cache, const void *key, size_t key_length, om_reply *reply);

#endif
