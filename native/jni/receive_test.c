/* What a turn of the engine epoll takes in, where more is ready than it has room for. */
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "session_test.h"
#include "shown.h"

enum { LISTENERS = 3, COMING = ACCEPTS_PER_TURN };

static struct shown *shown;

/* A listener whose name the kernel chooses, with so many who connected. */
static int listener_with_clients(int *clients)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t length = sizeof name;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	check(bind(listener, (struct sockaddr *)&name, sizeof name.sun_family) == 0 && listen(listener, COMING) == 0);
	check(getsockname(listener, (struct sockaddr *)&name, &length) == 0);
	for (int i = 0; i < COMING; i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		check(connect(clients[i], (struct sockaddr *)&name, length) == 0);
	}
	return listener;
}

static void close_all(const int *descriptors, int count)
{
	for (int i = 0; i < count; i++)
		check(close(descriptors[i]) == 0);
}

/* Takes in what is ready, and returns how many of it were accepted. */
static int accepted_of(struct turn *t, const struct epoll_event *ready, int count)
{
	int accepted = 0;

	t->count = 0;
	take_ready(t, ready, count);
	for (int i = 0; i < t->count; i++)
		if (events[i].flags & ACCEPTED) {
			check(close(events[i].result) == 0);
			accepted++;
		}
	return accepted;
}

static void who_connects_leaves_room_for_the_sessions_that_are_ready(void)
{
	int clients[LISTENERS][COMING], listeners[LISTENERS];
	struct epoll_event ready[LISTENERS + 1];
	struct turn t = { .arena = arena, .arena_size = ARENA, .slice = SLICE, .events = events, .room = 2 * COMING, .modes = modes, .shown = shown };

	connect_client();
	check(shown_begin(server) == 0);
	say("request");
	for (int i = 0; i < LISTENERS; i++) {
		listeners[i] = listener_with_clients(clients[i]);
		ready[i] = (struct epoll_event){ .events = EPOLLIN, .data.u64 = (uint64_t)LISTENER << 56 | (uint32_t)listeners[i] };
	}
	ready[LISTENERS] = (struct epoll_event){ .events = EPOLLIN, .data.u64 = token };
	int accepted = accepted_of(&t, ready, LISTENERS + 1);
	struct event *last = &events[t.count - 1];
	check(last->token == token && memcmp(arena + last->offset, "request", (size_t)last->result) == 0);
	accepted += accepted_of(&t, ready, LISTENERS);
	check(accepted == LISTENERS * COMING);
	check(shown_drain(shown, token) == 0);
	end_client();
	close_all(listeners, LISTENERS);
	for (int i = 0; i < LISTENERS; i++)
		close_all(clients[i], COMING);
}

int main(void)
{
	shown = shown_new(SLOTS);
	check(shown != NULL);
	who_connects_leaves_room_for_the_sessions_that_are_ready();
	shown_free(shown);
	return 0;
}
