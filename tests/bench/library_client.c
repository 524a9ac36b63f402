/* The load of bench_client as a program with libobjmapper puts it, and PUTs.
 *
 *   library_client [OPTION...] SOCKET CONNECTIONS SECONDS get|read|cached|put|durable DEPTH KEY
 *
 * Each connection is a session. get fetches KEY, as a descriptor where the object is longer than what comes in a reply, and read reads all
 * of it too; put and durable store 1 KiB under keys that begin with KEY. DEPTH requests are appended, then all replies taken; times are of
 * such a round. cached gets KEY one by one, and keeps it as long as the server's validity table says that it is current. load.h has the
 * options. */
#include "floor.h"

#include <objmapper.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "load.h"

enum { STORED = 1024, MOST_KEY = 4096 };

static const char *path, *key;
static bool reads, durable, caches;
static int depth;
static atomic_int sessions;

struct session {
	om_context *context;
	char key[MOST_KEY];
	char body[STORED];
	char read[CHUNK];
};

static void *open_session(void)
{
	om_options options = {.mode = OM_AUTO, .shared_accepted = 1, .name = "library_client", .cache_objects = caches ? 1 : 0};
	struct session *s = calloc(1, sizeof *s);
	if (s == NULL)
		fail("calloc");
	s->context = om_connect(path, &options);
	if (s->context == NULL || s->context->err != 0) {
		fprintf(stderr, "%s: %s\n", path, s->context == NULL ? "no memory" : s->context->errstr);
		exit(1);
	}
	snprintf(s->key, sizeof s->key, "%s/%d", key, atomic_fetch_add(&sessions, 1));
	return s;
}

static void close_session(void *session)
{
	struct session *s = session;
	om_free(s->context);
	free(s);
}

/* Reads the whole of a body that came as a descriptor. */
static int read_whole(struct session *s, const om_reply *reply)
{
	for (uint64_t at = 0; reply->fd >= 0 && at < reply->length;) {
		ssize_t got = pread(reply->fd, s->read, CHUNK, (off_t)(reply->fd_offset + at));
		if (got <= 0)
			return -1;
		at += (uint64_t)got;
	}
	return 0;
}

static int take_replies(struct session *s)
{
	for (int i = 0; i < depth; i++) {
		om_reply *reply = om_get_reply(s->context);
		if (reply == NULL || reply->status != OM_OK) {
			fprintf(stderr, "%s\n", reply == NULL ? s->context->errstr : om_status_name(reply->status));
			om_reply_free(reply);
			return -1;
		}
		int whole = reads ? read_whole(s, reply) : 0;
		om_reply_free(reply);
		if (whole < 0)
			return -1;
	}
	return 0;
}

static int get(void *session)
{
	struct session *s = session;
	for (int i = 0; i < depth; i++)
		if (om_append_get(s->context, key, strlen(key), NULL, NULL) < 0)
			return -1;
	return take_replies(s);
}

static int get_again(void *session)
{
	struct session *s = session;
	om_reply *reply = om_get(s->context, key, strlen(key), NULL);
	int got = reply != NULL && reply->status == OM_OK ? 0 : -1;
	om_reply_free(reply);
	return got;
}

static int put(void *session)
{
	struct session *s = session;
	om_put_options options = {.durable = durable};
	for (int i = 0; i < depth; i++)
		if (om_append_put(s->context, s->key, strlen(s->key), s->body, STORED, &options, NULL) < 0)
			return -1;
	return take_replies(s);
}

int main(int argc, char **argv)
{
	int options = load_options(argc, argv);
	argc -= options;
	argv += options;
	const char *what = argc == 7 ? argv[4] : "";
	reads = strcmp(what, "read") == 0;
	durable = strcmp(what, "durable") == 0;
	caches = strcmp(what, "cached") == 0;
	bool gets = reads || caches || strcmp(what, "get") == 0;
	if (!gets && !durable && strcmp(what, "put") != 0) {
		fprintf(stderr, "usage: library_client [OPTION...] SOCKET CONNECTIONS SECONDS get|read|cached|put|durable DEPTH KEY\n");
		return 2;
	}
	path = argv[1];
	depth = atoi(argv[5]);
	key = argv[6];
	struct load load = {what, path, atoi(argv[2]), atof(argv[3]), caches ? 1 : depth, open_session,
	                    caches ? get_again : gets ? get : put, close_session};
	load_run(&load);
	return 0;
}
