#include "shown.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "engine.h"

/* So much of a session's input stays in its socket, and so many sessions have any there; a turn may bring more. */
enum { MOST_PEEKS = 16, MOST_BYTES = 16384, MOST_SESSIONS = 1024 };

struct in_socket {
	uint64_t token;
	uint32_t bytes;
	uint16_t peeks;
	uint8_t is_listed, is_due, is_fresh;
};

struct shown {
	struct in_socket *slots;
	uint32_t *listed, *due; /* slots that have, or had lately, something in their sockets */
	uint32_t listed_count, due_count;
};

struct shown *shown_new(uint32_t slots)
{
	struct shown *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->slots = calloc(slots, sizeof *s->slots);
	s->listed = calloc(slots, sizeof *s->listed);
	s->due = calloc(slots, sizeof *s->due);
	if (s->slots != NULL && s->listed != NULL && s->due != NULL)
		return s;
	shown_free(s);
	return NULL;
}

void shown_free(struct shown *s)
{
	if (s == NULL)
		return;
	free(s->slots);
	free(s->listed);
	free(s->due);
	free(s);
}

int shown_begin(int socket)
{
	int from = 0;
	return setsockopt(socket, SOL_SOCKET, SO_PEEK_OFF, &from, sizeof from) < 0 ? -errno : 0;
}

void shown_add(struct shown *s, uint64_t token, size_t bytes)
{
	uint32_t slot = token_slot(token);
	struct in_socket *i = &s->slots[slot];

	i->token = token;
	i->bytes += (uint32_t)bytes;
	i->peeks++;
	i->is_fresh = 1;
	if (!i->is_listed)
		s->listed[s->listed_count++] = slot;
	i->is_listed = 1;
	if (i->peeks < MOST_PEEKS && i->bytes < MOST_BYTES)
		return;
	if (!i->is_due)
		s->due[s->due_count++] = slot;
	i->is_due = 1;
}

int shown_drain(struct shown *s, uint64_t token)
{
	struct in_socket *i = &s->slots[token_slot(token)];
	char scratch[MOST_BYTES];
	int result = 0;

	while (i->bytes > 0 && result == 0) {
		struct drain d = { .token = token, .length = i->bytes < sizeof scratch ? i->bytes : (int64_t)sizeof scratch };
		result = drain_peeked(&d, scratch);
		i->bytes -= (uint32_t)d.length;
	}
	i->bytes = 0;
	i->peeks = 0;
	return result;
}

int shown_has_any(const struct shown *s) { return s->listed_count > 0; }

static void drain_all(struct shown *s)
{
	while (s->listed_count > 0) {
		struct in_socket *i = &s->slots[s->listed[--s->listed_count]];
		i->is_listed = 0;
		(void)shown_drain(s, i->token);
	}
}

void shown_drain_due(struct shown *s)
{
	if (s->listed_count > MOST_SESSIONS)
		drain_all(s);
	while (s->due_count > 0) {
		struct in_socket *i = &s->slots[s->due[--s->due_count]];
		i->is_due = 0;
		(void)shown_drain(s, i->token);
	}
}

void shown_drain_idle(struct shown *s)
{
	uint32_t kept = 0;

	for (uint32_t at = 0; at < s->listed_count; at++) {
		struct in_socket *i = &s->slots[s->listed[at]];
		if (i->is_fresh) {
			i->is_fresh = 0;
			s->listed[kept++] = s->listed[at];
		} else {
			i->is_listed = 0;
			(void)shown_drain(s, i->token);
		}
	}
	s->listed_count = kept;
}
