/* The engine io_uring without Java: what a turn says of a session's input, and when its bytes leave the socket. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fdpass.h"
#include "session_test.h"
#include "uring.h"

static struct uring *ring;

static int turn_with(const uint64_t *again, int again_count, const struct drain *drains, int drain_count, int timeout_millis)
{
	struct turn t = { .arena = arena, .arena_size = ARENA, .slice = SLICE, .events = events, .room = EVENTS, .modes = modes };
	return uring_receive(ring, &t, again, again_count, drains, drain_count, timeout_millis, 0);
}

/* The next turn that brings an event. */
static struct event *next_event(void)
{
	int n;
	while ((n = turn_with(NULL, 0, NULL, 0, 1000)) == 0)
		;
	check(n == 1 && events[0].token == token);
	return &events[0];
}

static void connect_session(void)
{
	connect_client();
	uring_add(ring, token);
}

static void end_session(void)
{
	uring_remove(ring, token);
	end_client();
}

static void what_is_peeked_stays_in_the_socket_until_it_is_drained(void)
{
	connect_session();
	say("hello");
	struct event *e = next_event();
	check(e->flags == PEEKED && e->result == 5 && memcmp(arena + e->offset, "hello", 5) == 0);
	check(waits_in_socket() == 5);
	say("again");
	struct drain d = { token, 5 };
	check(turn_with(NULL, 0, &d, 1, 1000) == 1);
	check(events[0].flags == PEEKED && events[0].result == 5 && memcmp(arena + events[0].offset, "again", 5) == 0);
	check(turn_with(NULL, 0, &(struct drain){ token, 5 }, 1, 0) == 0);
	check(waits_in_socket() == 0);
	end_session();
}

static void more_than_a_peek_shows_comes_at_once(void)
{
	static char much[20000];
	connect_session();
	memset(much, 'x', sizeof much);
	check(write(client, much, sizeof much) == sizeof much);
	struct event *e = next_event();
	check(e->flags == PEEKED && e->result == sizeof much && memcmp(arena + e->offset, much, sizeof much) == 0);
	check(turn_with(NULL, 0, &(struct drain){ token, sizeof much }, 1, 0) == 0);
	check(waits_in_socket() == 0);
	end_session();
}

static void what_comes_with_descriptors_is_received_with_them(void)
{
	int passed = open("/dev/null", O_RDONLY | O_CLOEXEC);
	connect_session();
	say("before");
	check(fdpass_send(client, "with", 4, &passed, 1, 0) == 4);
	struct event *e = next_event();
	check(e->flags == 0 && e->result == 10 && memcmp(arena + e->offset, "beforewith", 10) == 0);
	check(e->descriptor_count == 1 && close(e->descriptors[0]) == 0);
	close(passed);
	end_session();
}

static void a_session_in_the_mode_receive_is_not_peeked(void)
{
	connect_session();
	modes[SLOT] = RECEIVE;
	say("body");
	struct event *e = next_event();
	check(e->flags == 0 && e->result == 4 && waits_in_socket() == 0);
	end_session();
}

static void a_paused_session_is_read_when_it_is_asked_for_again(void)
{
	connect_session();
	modes[SLOT] = PAUSED;
	say("later");
	struct event *e = next_event();
	check(e->flags == UNREAD && waits_in_socket() == 5);
	check(turn_with(NULL, 0, NULL, 0, 0) == 0);
	modes[SLOT] = PEEK;
	check(turn_with(&token, 1, NULL, 0, 1000) == 1 && events[0].flags == PEEKED && events[0].result == 5);
	check(turn_with(NULL, 0, &(struct drain){ token, 5 }, 1, 0) == 0);
	end_session();
}

static void the_end_of_the_stream_is_an_event(void)
{
	connect_session();
	check(shutdown(client, SHUT_WR) == 0);
	check(next_event()->flags == ENDED);
	end_session();
}

static void what_can_not_be_drained_ends_the_session(void)
{
	connect_session();
	say("one");
	check(next_event()->flags == PEEKED);
	check(turn_with(NULL, 0, &(struct drain){ token, 4 }, 1, 1000) == 1 && events[0].flags == ENDED);
	end_session();
}

static void nothing_of_a_removed_session_comes_to_the_next_in_its_slot(void)
{
	connect_session();
	check(turn_with(NULL, 0, NULL, 0, 0) == 0); /* it waits now */
	say("unheard");
	uring_remove(ring, token);
	close(server);
	close(client);
	connect_session();
	say("heard");
	struct event *e = next_event();
	check(e->result == 5 && memcmp(arena + e->offset, "heard", 5) == 0);
	check(turn_with(NULL, 0, &(struct drain){ token, 5 }, 1, 0) == 0);
	end_session();
}

int main(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int error = uring_open(&ring, epoll, SLOTS);
	if (error == -EPERM || error == -ENOSYS || error == -EINVAL) {
		printf("io_uring can't be used here: %s; that is what the server would find too\n", strerror(-error));
		return 0;
	}
	check(error == 0 && uring_start(ring) == 0);
	what_is_peeked_stays_in_the_socket_until_it_is_drained();
	more_than_a_peek_shows_comes_at_once();
	what_comes_with_descriptors_is_received_with_them();
	a_session_in_the_mode_receive_is_not_peeked();
	a_paused_session_is_read_when_it_is_asked_for_again();
	the_end_of_the_stream_is_an_event();
	what_can_not_be_drained_ends_the_session();
	nothing_of_a_removed_session_comes_to_the_next_in_its_slot();
	uring_close(ring);
	close(epoll);
	return 0;
}
