/*
 * What the engine epoll has peeked at, and answered, and left in the sockets: a peek there begins behind what the one before it showed
 * (SO_PEEK_OFF). To take bytes out of a socket wakes their sender, who waits for the answer and not for that; so it is done for many
 * requests at once, right after answers, and a little later for sessions that have become quiet.
 */
#ifndef OBJMAPPER_SHOWN_H
#define OBJMAPPER_SHOWN_H

#include <stddef.h>
#include <stdint.h>

struct shown;

/* For sessions in so many slots; NULL without memory. */
struct shown *shown_new(uint32_t slots);

void shown_free(struct shown *s);

/* Has a new session's socket count its peeks; 0 or -errno. */
int shown_begin(int socket);

/* A peek has shown so many bytes more. */
void shown_add(struct shown *s, uint64_t token, size_t bytes);

/* Takes what was shown out of a session's socket; 0, or -errno. */
int shown_drain(struct shown *s, uint64_t token);

/* Takes it out of the sockets that have much of it, or out of all where they are many. */
void shown_drain_due(struct shown *s);

/* Whether a socket has any of it. */
int shown_has_any(const struct shown *s);

/* Takes it out of the sockets where none was added since the last call: a client may wait for room there. */
void shown_drain_idle(struct shown *s);

#endif
