/* Sessions with the store's server for calls that wait: look-ups and purges. */
#ifndef OBJMAPPER_VMOD_POOL_H
#define OBJMAPPER_VMOD_POOL_H

#include "objmapper.h"

struct pool;

struct pool_options {
	const char *path; /* copied */
	enum om_mode mode;
	int connect_millis, lookup_millis; /* how long a call waits */
	int body_millis;                   /* how long a body that is under way may make no progress */
	unsigned max_sessions;
};

/* No session is made before one is asked for. */
struct pool *pool_new(const struct pool_options *options);

/* Closes all sessions; none may be out. */
void pool_free(struct pool *pool);

/* A session for the caller alone; NULL where none is to be had now, or where the last calls have failed (breaker.h): why[] says which. */
om_context *pool_take(struct pool *pool, char why[256]);

/* As pool_take, also where the last calls have failed. */
om_context *pool_take_in_any_case(struct pool *pool, char why[256]);

/* Takes the answer to what was appended last: its beginning within lookup_millis, the rest within body_millis of progress. NULL where the session has failed. */
om_reply *pool_answer(const struct pool *pool, om_context *session);

/* Gives it back, with any timeout; one that has failed is closed. */
void pool_give(struct pool *pool, om_context *session);

/* Whether the store is asked: 0 while its calls fail. */
int pool_is_healthy(struct pool *pool);

#endif
