/* A table of answers by key, and a list of them by when they were used. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cache.h"
#include "session.h"

enum { NANOS_PER_MILLI = 1000000, TELL_MILLIS = 500, COUNT_HEAD = 16 };

struct entry {
	struct entry *next;           /* in its bucket */
	struct entry *newer, *older; /* by use */
	uint64_t hash, used_nanos, bytes;
	uint32_t given; /* how often since the server was told */
	struct validity_stamp stamp;
	om_reply *reply;
	size_t key_length;
	unsigned char key[];
};

struct cache {
	struct validity validity;
	struct entry **buckets;
	struct entry *newest, *oldest;
	uint64_t given_nanos, told_nanos;
	uint64_t mask, secret, objects, most_objects, bytes, most_bytes, idle_nanos;
};

struct cache *cache_new(uint32_t objects, uint64_t bytes, uint32_t idle_millis)
{
	struct cache *cache = calloc(1, sizeof *cache);
	uint64_t buckets = 16;

	if (cache == NULL)
		return NULL;
	while (buckets < objects)
		buckets *= 2;
	cache->mask = buckets - 1;
	cache->most_objects = objects;
	cache->most_bytes = bytes;
	cache->idle_nanos = (uint64_t)idle_millis * NANOS_PER_MILLI;
	cache->buckets = calloc(buckets, sizeof *cache->buckets);
	/* So that nobody can choose keys that collide; without it they are only slower to find. */
	if (getrandom(&cache->secret, sizeof cache->secret, GRND_NONBLOCK) < 0)
		cache->secret = (uint64_t)(uintptr_t)cache;
	if (cache->buckets == NULL) {
		free(cache);
		return NULL;
	}
	return cache;
}

struct validity *cache_validity(struct cache *cache) { return &cache->validity; }

/* The halves of a product, mixed: each bit of either number changes half of the result's. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const struct cache *cache, const unsigned char *key, size_t length)
{
	uint64_t hash = cache->secret ^ length, part;
	size_t at = 0;

	for (; at + sizeof part <= length; at += sizeof part) {
		memcpy(&part, key + at, sizeof part);
		hash = mix(hash ^ part, UINT64_C(0x9E3779B97F4A7C15));
	}
	part = 0;
	memcpy(&part, key + at, length - at);
	return mix(hash ^ part ^ UINT64_C(0xD6E8FEB86659FD93), cache->secret | 1);
}

static void leave_order(struct cache *cache, struct entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &cache->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &cache->oldest) = e->newer;
}

static void join_order(struct cache *cache, struct entry *e)
{
	e->newer = NULL;
	e->older = cache->newest;
	*(e->older != NULL ? &e->older->newer : &cache->oldest) = e;
	cache->newest = e;
}

static struct entry **find(struct cache *cache, uint64_t hash, const void *key, size_t key_length)
{
	struct entry **at = &cache->buckets[hash & cache->mask];

	while (*at != NULL && ((*at)->hash != hash || (*at)->key_length != key_length || memcmp((*at)->key, key, key_length) != 0))
		at = &(*at)->next;
	return at;
}

/* What at leads to. */
static void drop(struct cache *cache, struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	leave_order(cache, e);
	cache->objects--;
	cache->bytes -= e->bytes;
	om_reply_free(e->reply);
	free(e);
}

static void drop_oldest(struct cache *cache)
{
	struct entry *e = cache->oldest;
	drop(cache, find(cache, e->hash, e->key, e->key_length));
}

static void drop_idle(struct cache *cache, uint64_t now)
{
	while (cache->oldest != NULL && now - cache->oldest->used_nanos >= cache->idle_nanos)
		drop_oldest(cache);
}

void cache_free(struct cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->oldest != NULL)
		drop_oldest(cache);
	validity_close(&cache->validity);
	free(cache->buckets);
	free(cache);
}

om_reply *cache_get(struct cache *cache, const void *key, size_t key_length)
{
	struct entry **at = find(cache, hash_of(cache, key, key_length), key, key_length);
	struct entry *e = *at;
	uint64_t now;

	if (e == NULL)
		return NULL;
	if (!validity_holds(&cache->validity, &e->stamp, &now) || now - e->used_nanos >= cache->idle_nanos) {
		drop(cache, at);
		return NULL;
	}
	e->used_nanos = cache->given_nanos = now;
	e->given += e->given < UINT32_MAX;
	if (cache->newest != e) {
		leave_order(cache, e);
		join_order(cache, e);
	}
	drop_idle(cache, now);
	return reply_hold(e->reply);
}

int cache_should_tell(const struct cache *cache)
{
	return cache->given_nanos - cache->told_nanos >= (uint64_t)TELL_MILLIS * NANOS_PER_MILLI;
}

size_t cache_tell(struct cache *cache, unsigned char *into, size_t room)
{
	size_t length = 0;

	cache->told_nanos = cache->given_nanos;
	for (struct entry *e = cache->newest; e != NULL; e = e->older) {
		size_t size = COUNT_HEAD + (e->key_length + 7) / 8 * 8;
		if (e->given == 0)
			continue;
		if (size > room - length)
			break;
		memset(into + length, 0, size);
		wire_put32(into + length, (uint32_t)size);
		wire_put32(into + length + 4, (uint32_t)e->key_length);
		wire_put32(into + length + 8, e->given);
		memcpy(into + length + COUNT_HEAD, e->key, e->key_length);
		e->given = 0;
		length += size;
	}
	return length;
}

void cache_put(struct cache *cache, const void *key, size_t key_length, om_reply *reply)
{
	uint64_t hash = hash_of(cache, key, key_length), now = validity_now();
	struct entry **at = find(cache, hash, key, key_length);
	size_t length;
	const unsigned char *stamp = om_find(reply, WIRE_VALIDITY, 0, &length);
	uint64_t bytes = reply->length + reply->metadata_length + key_length + sizeof(struct entry);

	if (*at != NULL)
		drop(cache, at);
	drop_idle(cache, now);
	if (stamp == NULL || reply->status != OM_OK || reply->length > cache->most_bytes || bytes > cache->most_bytes)
		return;
	struct entry *e = malloc(sizeof *e + key_length);
	if (e == NULL)
		return;
	while (cache->objects == cache->most_objects || cache->bytes + bytes > cache->most_bytes)
		drop_oldest(cache);
	*e = (struct entry) { .hash = hash, .used_nanos = now, .bytes = bytes, .stamp = validity_stamp_of(stamp),
	    .reply = reply_hold(reply), .key_length = key_length };
	memcpy(e->key, key, key_length);
	at = &cache->buckets[hash & cache->mask];
	e->next = *at;
	*at = e;
	join_order(cache, e);
	cache->objects++;
	cache->bytes += bytes;
}
