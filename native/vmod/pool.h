/* Sessions with the store's server for calls that wait: look-ups and purges. */
#ifndef OBJMAPPER_VMOD_POOL_H
#define OBJMAPPER_VMOD_POOL_H

#include "objmapper.h"

struct pool;

/* No session is made before one is asked for. A path is copied. */
struct pool *pool_new(const char *path, int timeout_millis, unsigned max_sessions);

/* Closes all sessions; none may be out. */
void pool_free(struct pool *pool);

/* A session for the caller alone; NULL where none is to be had now, or where the last calls have failed (breaker.h): why[] says which. */
om_context *pool_take(struct pool *pool, char why[256]);

/* As pool_take, also where the last calls have failed. */
om_context *pool_take_in_any_case(struct pool *pool, char why[256]);

/* Gives it back, with any timeout; one that has failed is closed. */
void pool_give(struct pool *pool, om_context *session);

/* Whether the store is asked: 0 while its calls fail. */
int pool_is_healthy(struct pool *pool);

#endif
