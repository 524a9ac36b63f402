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

/* Keeps an answer if the server lets it, in place of another for the key. */
void cache_put(struct cache *cache, const void *key, size_t key_length, om_reply *reply);

#endif
