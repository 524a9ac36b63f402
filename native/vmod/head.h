/* The head of a response, as the store keeps it with the body. */
#ifndef OBJMAPPER_VMOD_HEAD_H
#define OBJMAPPER_VMOD_HEAD_H

#include <stddef.h>
#include <stdint.h>

struct busyobj;
struct http;

/* When a response came from its origin, in seconds since 1970, and for how many seconds after that it is good. */
struct life {
	double origin, ttl, grace, keep;
};

enum { HEAD_ROOM = 65536 }; /* protocol-spec.md, MAX_OPAQUE */

/* Status line and header of a response, as an origin sent it, without what belongs to its connection; to be freed. NULL where it does not fit. */
char *head_of(const struct http *response, size_t *length);

/* A head with what a 304 says of it: its header lines replace those of the same name, but for what is said of the body. To be freed. NULL where it does not fit. */
char *head_merged(const char *head, size_t head_length, const char *update, size_t update_length, size_t *length);

/* The value of a header in a head, by its name and a colon; NULL where it has none. */
const char *head_value(const char *head, size_t head_length, const char *name, size_t *length);

/* As the store keeps it: with a line about its life behind the header's end, where bans do not look. To be freed. NULL where it does not fit. */
char *head_with_life(const char *head, size_t head_length, const struct life *life, size_t *length);

/* The life that stands in what the store has kept. -1 where there is none. */
int head_life(const char *kept, size_t length, struct life *life);

/*
 * Makes a fetch's response of what the store has kept, with an Age in seconds and the length of its body. Returns 0; or -1 where that is no such head, or where there is no
 * room for it in the response or in its workspace: then nothing is changed.
 */
int head_answer(struct busyobj *bo, const char *kept, size_t length, double age, uint64_t body_length);

#endif
