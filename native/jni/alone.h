/*
 * A session that alone keeps an event loop at work, while processors have nothing to do. The wake-up of a sleeping processor is most of
 * what its requests cost then, and begins early where epoll says that the client takes a reply: its next request mostly comes before the
 * loop is awake. That its request is taken out of the socket at once does the same for the client.
 */
#ifndef OBJMAPPER_ALONE_H
#define OBJMAPPER_ALONE_H

#include <stdint.h>
#include <sys/epoll.h>

struct alone {
	int epoll;
	int is_set;
	uint64_t token;
};

/* Has epoll say when the session's replies are taken, and no longer of another one. */
void alone_begin(struct alone *a, uint64_t token);

void alone_end(struct alone *a);

/* The session is closed, or epoll is to say when its socket takes bytes, whoever is alone. */
void alone_forget(struct alone *a, uint64_t token);

/* Whether an event says no more than that the session's replies were taken. */
int alone_is_early(const struct alone *a, const struct epoll_event *event);

#endif
