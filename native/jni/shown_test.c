/* What the engine epoll shows of a session's input, and when its bytes leave the socket. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fdpass.h"
#include "session_test.h"
#include "shown.h"

enum { MANY = 16 };

static struct shown *shown;

/* What a turn says of the session. */
static struct event *receive_now(int may_have_ended)
{
	struct turn t = { .arena = arena, .arena_size = ARENA, .slice = SLICE, .events = events, .room = EVENTS, .modes = modes, .shown = shown };
	shown_drain_due(shown);
	receive_session(&t, token, 0, may_have_ended);
	check(t.count == 1);
	return &events[0];
}

static int says(const struct event *e, const char *text)
{
	return e->result == (int32_t)strlen(text) && memcmp(arena + e->offset, text, strlen(text)) == 0;
}

static void connect_session(void)
{
	connect_client();
	check(shown_begin(server) == 0);
}

static void end_session(void)
{
	check(shown_drain(shown, token) == 0);
	end_client();
}

static void each_look_shows_what_came_since_the_last_one(void)
{
	connect_session();
	say("one");
	check(says(receive_now(0), "one"));
	say("two");
	say("three");
	check(says(receive_now(0), "twothree"));
	check(receive_now(0)->result == 0 && events[0].flags == 0);
	check(waits_in_socket() == 11);
	end_session();
}

static void after_many_looks_the_socket_is_drained(void)
{
	connect_session();
	for (int i = 0; i < MANY; i++) {
		check(waits_in_socket() == i);
		say("x");
		check(says(receive_now(0), "x"));
	}
	say("y");
	check(says(receive_now(0), "y"));
	check(waits_in_socket() == 1);
	end_session();
}

static void much_is_drained_after_one_look(void)
{
	static char much[SLICE - 1];
	connect_session();
	memset(much, 'x', sizeof much);
	check(write(client, much, sizeof much) == sizeof much);
	struct event *e = receive_now(0);
	check(e->result == sizeof much && e->flags == 0 && waits_in_socket() == sizeof much);
	shown_drain_due(shown);
	check(waits_in_socket() == 0);
	end_session();
}

static void a_full_slice_leaves_more_to_come(void)
{
	static char much[SLICE];
	connect_session();
	memset(much, 'x', sizeof much);
	check(write(client, much, sizeof much) == sizeof much);
	say("rest");
	struct event *e = receive_now(0);
	check(e->result == SLICE && e->flags == MORE);
	check(says(receive_now(0), "rest"));
	end_session();
}

static void what_comes_with_descriptors_is_received_with_them(void)
{
	int passed = open("/dev/null", O_RDONLY | O_CLOEXEC);
	connect_session();
	say("shown");
	check(says(receive_now(0), "shown"));
	say("before");
	check(fdpass_send(client, "with", 4, &passed, 1, 0) == 4);
	say("behind");
	struct event *e = receive_now(0);
	check(says(e, "beforewithbehind") && e->descriptor_count == 1 && close(e->descriptors[0]) == 0);
	check(waits_in_socket() == 0);
	say("and on");
	check(says(receive_now(0), "and on") && waits_in_socket() == 6);
	close(passed);
	end_session();
}

static void the_mode_receive_takes_all_out_of_the_socket(void)
{
	connect_session();
	say("shown");
	check(says(receive_now(0), "shown"));
	modes[SLOT] = RECEIVE;
	say("body");
	check(says(receive_now(0), "body") && waits_in_socket() == 0);
	modes[SLOT] = PEEK;
	say("frame");
	check(says(receive_now(0), "frame") && waits_in_socket() == 5);
	end_session();
}

static void a_paused_session_is_left_alone(void)
{
	connect_session();
	modes[SLOT] = PAUSED;
	say("later");
	check(receive_now(0)->flags == UNREAD && waits_in_socket() == 5);
	modes[SLOT] = PEEK;
	check(says(receive_now(0), "later"));
	end_session();
}

static void the_end_of_the_stream_is_seen_behind_what_was_shown(void)
{
	connect_session();
	say("shown");
	check(says(receive_now(0), "shown"));
	say("last");
	check(shutdown(client, SHUT_WR) == 0);
	check(says(receive_now(1), "last") && events[0].flags == ENDED);
	end_session();
}

static void a_session_is_drained_when_nothing_came_between_two_alarms(void)
{
	connect_session();
	say("shown");
	check(says(receive_now(0), "shown"));
	check(shown_has_any(shown));
	shown_drain_idle(shown);
	check(waits_in_socket() == 5);
	say("more");
	check(says(receive_now(0), "more"));
	shown_drain_idle(shown);
	check(waits_in_socket() == 9 && shown_has_any(shown));
	shown_drain_idle(shown);
	check(waits_in_socket() == 0 && !shown_has_any(shown));
	say("next");
	check(says(receive_now(0), "next"));
	end_session();
}

static void a_client_that_waits_for_room_gets_it(void)
{
	int least = 1;
	connect_session();
	check(setsockopt(client, SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0);
	while (write(client, "x", 1) == 1)
		;
	check(errno == EAGAIN && receive_now(0)->result < MANY);
	shown_drain_idle(shown);
	check(write(client, "y", 1) < 0);
	shown_drain_idle(shown);
	check(write(client, "y", 1) == 1);
	check(says(receive_now(0), "y"));
	end_session();
}

static void a_session_that_goes_on_is_not_drained_by_alarms(void)
{
	connect_session();
	for (int i = 0; i < MANY - 1; i++) {
		shown_drain_idle(shown);
		check(waits_in_socket() == i);
		say("x");
		check(says(receive_now(0), "x"));
	}
	end_session();
}

int main(void)
{
	shown = shown_new(SLOTS);
	check(shown != NULL);
	each_look_shows_what_came_since_the_last_one();
	after_many_looks_the_socket_is_drained();
	much_is_drained_after_one_look();
	a_full_slice_leaves_more_to_come();
	what_comes_with_descriptors_is_received_with_them();
	the_mode_receive_takes_all_out_of_the_socket();
	a_paused_session_is_left_alone();
	the_end_of_the_stream_is_seen_behind_what_was_shown();
	a_session_is_drained_when_nothing_came_between_two_alarms();
	a_client_that_waits_for_room_gets_it();
	a_session_that_goes_on_is_not_drained_by_alarms();
	shown_free(shown);
	return 0;
}
