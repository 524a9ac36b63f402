/* Writers that overwrite, delete and purge as fast as they can, and readers that keep objects and check that nothing of what was
 * acknowledged as gone is served; for the end-to-end test, and by hand for as long as wanted.
 *
 *   stale SOCKET WRITERS READERS
 *
 * Runs until its standard input ends; says how much it did. The server may be killed and started meanwhile: all is durable. */
#include <errno.h>
#include <objmapper.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { KEYS = 8, MOST_WRITERS = 16, LARGE = 8192, SMALL = 16, KEY_ROOM = 64 };

/* The number of the last change of each key that was acknowledged; a body has the number of its own. */
static _Atomic uint64_t acknowledged[MOST_WRITERS][KEYS];
/* And what it was. */
static const char *_Atomic kinds[MOST_WRITERS][KEYS];
static atomic_ulong changes, checks, hits;
static atomic_int over;
static const char *path;
static int writers;

static om_context *connect_again(const om_options *options)
{
	const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 }; /* between two attempts */

	while (!atomic_load(&over)) {
		om_context *c = om_connect(path, options);
		if (c != NULL && c->err == 0)
			return c;
		om_free(c);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static size_t name_of(char *key, int writer, int k) { return (size_t)snprintf(key, KEY_ROOM, "/w%d/k%d", writer, k); }
static size_t length_of(int k) { return k % 2 == 0 ? SMALL : LARGE; }

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void acknowledge(int writer, int k, uint64_t number, const char *kind)
{
	atomic_store(&kinds[writer][k], kind);
	atomic_store(&acknowledged[writer][k], number);
}

static int took(om_reply *r)
{
	int is_done = r != NULL && (r->status == OM_OK || r->status == OM_NOT_FOUND);

	om_reply_free(r);
	return is_done;
}

static int put(om_context *c, int writer, int k, uint64_t number)
{
	static _Thread_local uint64_t body[LARGE / sizeof(uint64_t)];
	char key[KEY_ROOM], tag[KEY_ROOM];
	const char *tags[] = { tag, NULL };
	om_put_options options = { .durable = 1, .tags = tags };

	for (size_t i = 0; i < LARGE / sizeof *body; i++)
		body[i] = number;
	snprintf(tag, sizeof tag, "writer%d", writer);
	size_t length = name_of(key, writer, k);
	return took(om_put(c, key, length, body, length_of(k), &options));
}

static const char *const ways[] = { "a purge of the prefix", "a purge of the tag", "a ban" };

static int purge_all(om_context *c, int writer, uint32_t how)
{
	char what[KEY_ROOM];

	if (how == 0)
		return took(om_purge_prefix(c, what, (size_t)snprintf(what, sizeof what, "/w%d/", writer), 0));
	if (how == 1)
		return took(om_purge_tag(c, what, (size_t)snprintf(what, sizeof what, "writer%d", writer), 0));
	return took(om_purge_ban(c, what, (size_t)snprintf(what, sizeof what, "req.url ~ ^/w%d/", writer), 0));
}

/* Changes all of the writer's keys; false when it is not known whether that happened. */
static int change_all(om_context *c, int writer, uint32_t way, uint64_t number)
{
	int done = purge_all(c, writer, way);

	for (int k = 0; done && k < KEYS; k++)
		acknowledge(writer, k, number, ways[way]);
	return done;
}

/* The same of one key, or of all. */
static int change(om_context *c, int writer, uint32_t random, uint64_t number)
{
	char key[KEY_ROOM];
	int k = (int)(random >> 8) % KEYS;
	uint32_t what = (random >> 16) % 100;
	size_t length = name_of(key, writer, k);

	if (what >= 95)
		return change_all(c, writer, random % 3, number);
	int done = what < 70 ? put(c, writer, k, number) : took(what < 85 ? om_delete(c, key, length, 1) : om_purge_key(c, key, length, 0));
	if (done)
		acknowledge(writer, k, number, what < 70 ? "a put" : what < 85 ? "a delete" : "a purge of the key");
	return done;
}

static void *write_on(void *argument)
{
	int writer = (int)(intptr_t)argument;
	uint32_t seed = 2463534242u + (uint32_t)writer;
	om_context *c = connect_again(NULL);

	for (uint64_t number = 1; c != NULL && !atomic_load(&over); number++) {
		if (change(c, writer, next_random(&seed), number))
			atomic_fetch_add(&changes, 1);
		if (c->err != 0) {
			om_free(c);
			c = connect_again(NULL);
		}
	}
	om_free(c);
	return NULL;
}

static uint64_t number_in(const om_reply *r)
{
	uint64_t number = 0;

	if (r->fd >= 0 && pread(r->fd, &number, sizeof number, (off_t)r->fd_offset) != sizeof number)
		exit(2);
	if (r->fd < 0)
		memcpy(&number, r->body, sizeof number);
	return number;
}

/* Tells also what a client gets that keeps nothing: whether the server is wrong, or who kept it. */
static void stale(const char *key, uint64_t found, uint64_t least, const char *kind, const char *from)
{
	om_context *c = om_connect(path, NULL);
	om_reply *r = c != NULL && c->err == 0 ? om_get(c, key, strlen(key), NULL) : NULL;

	fprintf(stderr, "stale: %s was served %s as of change %llu, though change %llu, %s, was acknowledged before it was asked for; ", key, from,
	    (unsigned long long)found, (unsigned long long)least, kind);
	if (r != NULL && r->status == OM_OK)
		fprintf(stderr, "others get change %llu\n", (unsigned long long)number_in(r));
	else
		fprintf(stderr, "others get %s\n", r != NULL ? om_status_name((int)r->status) : "nothing");
	exit(1);
}

static void check(om_context *c, int writer, int k, uint32_t last[MOST_WRITERS][KEYS])
{
	char key[KEY_ROOM];
	size_t length = name_of(key, writer, k);
	uint64_t least = atomic_load(&acknowledged[writer][k]);
	const char *kind = atomic_load(&kinds[writer][k]); /* of that change or one after it */
	om_reply *r = om_get(c, key, length, NULL);

	if (r == NULL || r->status != OM_OK) {
		om_reply_free(r);
		return;
	}
	uint64_t number = number_in(r);
	if (number < least)
		stale(key, number, least, kind, last[writer][k] == r->id ? "again" : "by the server");
	atomic_fetch_add(&checks, 1);
	if (last[writer][k] == r->id)
		atomic_fetch_add(&hits, 1);
	last[writer][k] = r->id;
	om_reply_free(r);
}

static void *read_on(void *argument)
{
	uint32_t seed = 88172645u + (uint32_t)(intptr_t)argument, random;
	om_options options = { .cache_objects = KEYS * MOST_WRITERS / 2, .cache_bytes = 1 << 20, .name = "stale" };
	om_context *c = connect_again(&options);
	uint32_t last[MOST_WRITERS][KEYS] = { 0 };

	while (c != NULL && !atomic_load(&over)) {
		random = next_random(&seed);
		check(c, (int)(random >> 4) % writers, (int)(random >> 16) % KEYS, last);
		if (c->err != 0) {
			om_free(c);
			c = connect_again(&options);
			memset(last, 0, sizeof last);
		}
	}
	om_free(c);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[2 * MOST_WRITERS];
	char byte;

	if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[2]) > MOST_WRITERS || atoi(argv[3]) < 1 || atoi(argv[3]) > MOST_WRITERS) {
		fprintf(stderr, "usage: stale SOCKET WRITERS READERS, up to %d of each\n", MOST_WRITERS);
		return 2;
	}
	path = argv[1];
	writers = atoi(argv[2]);
	int readers = atoi(argv[3]);
	for (int i = 0; i < writers + readers; i++)
		if (pthread_create(&threads[i], NULL, i < writers ? write_on : read_on, (void *)(intptr_t)(i < writers ? i : i - writers)) != 0)
			return 2;
	while (read(0, &byte, 1) > 0)
		;
	atomic_store(&over, 1);
	for (int i = 0; i < writers + readers; i++)
		pthread_join(threads[i], NULL);
	printf("changes %lu checks %lu hits %lu\n", atomic_load(&changes), atomic_load(&checks), atomic_load(&hits));
	return 0;
}
