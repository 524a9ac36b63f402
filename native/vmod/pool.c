#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cache/cache.h"

#include "vtim.h"

#include "breaker.h"
#include "pool.h"

struct pool {
	unsigned magic;
#define POOL_MAGIC 0x6f6d706cU
	pthread_mutex_t lock;
	struct pool_options options;
	unsigned sessions; /* idle and out */
	unsigned idle_count;
	struct breaker breaker;
	om_context **idle; /* the one that came back last is taken first */
};

struct pool *pool_new(const struct pool_options *options)
{
	struct pool *pool;

	ALLOC_OBJ(pool, POOL_MAGIC);
	AN(pool);
	AZ(pthread_mutex_init(&pool->lock, NULL));
	pool->options = *options;
	pool->options.path = strdup(options->path);
	AN(pool->options.path);
	pool->idle = calloc(options->max_sessions, sizeof *pool->idle);
	AN(pool->idle);
	return (pool);
}

void pool_free(struct pool *pool)
{
	CHECK_OBJ_NOTNULL(pool, POOL_MAGIC);
	assert(pool->sessions == pool->idle_count);
	while (pool->idle_count > 0)
		om_free(pool->idle[--pool->idle_count]);
	AZ(pthread_mutex_destroy(&pool->lock));
	free(pool->idle);
	free((char *)(uintptr_t)pool->options.path);
	FREE_OBJ(pool);
}

/* A server that said goodbye, or went away, has left something to read. */
static int is_quiet(const om_context *session)
{
	char byte;
	return (recv(om_socket(session), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR));
}

static void close_session(struct pool *pool, om_context *session, int has_failed)
{
	om_free(session);
	AZ(pthread_mutex_lock(&pool->lock));
	pool->sessions--;
	if (has_failed)
		breaker_count(&pool->breaker, 1, VTIM_mono());
	AZ(pthread_mutex_unlock(&pool->lock));
}

/* An idle one, or the right to make one (1), or neither (0): then why[] says why not. */
static int take_place(struct pool *pool, int in_any_case, om_context **idle, char why[256])
{
	int place = 1;

	*idle = NULL;
	snprintf(why, 256, "it has failed too often; it is tried again in a second");
	AZ(pthread_mutex_lock(&pool->lock));
	if (!in_any_case && !breaker_allows(&pool->breaker, VTIM_mono()))
		place = 0;
	else if (pool->idle_count > 0)
		*idle = pool->idle[--pool->idle_count];
	else if (pool->sessions < pool->options.max_sessions)
		pool->sessions++;
	else {
		snprintf(why, 256, "all %u connections are in use", pool->options.max_sessions);
		place = 0;
	}
	AZ(pthread_mutex_unlock(&pool->lock));
	return (place);
}

/* What an operator does about a socket that can't be connected to: the child of varnishd has a user of its own, and may have a /tmp of its own. */
static const char *advice(const char *path, int error)
{
	if (error == EACCES)
		return ("; adduser vcache objmapper && systemctl restart varnish");
	if (error == ENOENT && (strncmp(path, "/tmp/", 5) == 0 || strncmp(path, "/var/tmp/", 9) == 0))
		return (" Where varnishd's unit has PrivateTmp, it can't be seen there.");
	return ("");
}

static om_context *connect_session(struct pool *pool, char why[256])
{
	const om_options options = { .mode = pool->options.mode, .timeout_millis = pool->options.connect_millis, .name = "varnish", .shared_accepted = 1 };
	om_context *session = om_connect(pool->options.path, &options);

	if (session != NULL && session->err == 0) {
		om_set_timeout(session, pool->options.lookup_millis);
		return (session);
	}
	if (session != NULL)
		snprintf(why, 256, "%.192s%s", session->errstr, advice(pool->options.path, session->err));
	else
		snprintf(why, 256, "no memory");
	close_session(pool, session, 1);
	return (NULL);
}

static om_context *take(struct pool *pool, int in_any_case, char why[256])
{
	om_context *session;

	CHECK_OBJ_NOTNULL(pool, POOL_MAGIC);
	while (take_place(pool, in_any_case, &session, why)) {
		if (session == NULL)
			return (connect_session(pool, why));
		if (is_quiet(session))
			return (session);
		close_session(pool, session, 0);
	}
	return (NULL);
}

om_context *pool_take(struct pool *pool, char why[256]) { return (take(pool, 0, why)); }

om_context *pool_take_in_any_case(struct pool *pool, char why[256]) { return (take(pool, 1, why)); }

om_reply *pool_answer(const struct pool *pool, om_context *session)
{
	struct pollfd p = { .fd = om_socket(session), .events = POLLIN };
	const vtim_mono end = VTIM_mono() + pool->options.lookup_millis / 1000.;
	int n;

	if (om_flush(session) < 0)
		return (NULL);
	do
		n = poll(&p, 1, (int)fmax(0, (end - VTIM_mono()) * 1000));
	while (n < 0 && errno == EINTR);
	/* Where nothing has come, the call that follows says so. */
	om_set_timeout(session, n > 0 ? pool->options.body_millis : 1);
	return (om_get_reply(session));
}

void pool_give(struct pool *pool, om_context *session)
{
	CHECK_OBJ_NOTNULL(pool, POOL_MAGIC);
	if (session->err != 0) {
		close_session(pool, session, 1);
		return;
	}
	om_set_timeout(session, pool->options.lookup_millis);
	AZ(pthread_mutex_lock(&pool->lock));
	breaker_count(&pool->breaker, 0, VTIM_mono());
	assert(pool->idle_count < pool->options.max_sessions);
	pool->idle[pool->idle_count++] = session;
	AZ(pthread_mutex_unlock(&pool->lock));
}

int pool_is_healthy(struct pool *pool)
{
	CHECK_OBJ_NOTNULL(pool, POOL_MAGIC);
	AZ(pthread_mutex_lock(&pool->lock));
	int is_healthy = !pool->breaker.is_open;
	AZ(pthread_mutex_unlock(&pool->lock));
	return (is_healthy);
}
