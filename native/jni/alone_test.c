/* What the engine epoll says of a session that is alone, and what only wakes it. */
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epoll_engine.h"
#include "session_test.h"
#include "shown.h"

enum { REPLY = 32 };

static struct alone alone;
static struct alarm alarm_clock;
static struct shown *shown;

/* What is ready now: a turn that may wait would wait for ever where nothing but early wake-ups come. */
static int turn(void)
{
	struct turn t = {
		.arena = arena,
		.arena_size = ARENA,
		.slice = SLICE,
		.events = events,
		.room = EVENTS,
		.modes = modes,
		.alarm = &alarm_clock,
		.alone = &alone,
		.shown = shown,
	};
	return epoll_receive(&t, NULL, 0, 0, 0);
}

static void watch(int operation, uint32_t also)
{
	struct epoll_event event = { .data.u64 = token, .events = (uint32_t)SESSION_EVENTS | also };
	check(epoll_ctl(alone.epoll, operation, server, &event) == 0);
}

static void connect_session(uint8_t mode)
{
	connect_client();
	modes[SLOT] = mode;
	check(shown_begin(server) == 0);
	watch(EPOLL_CTL_ADD, 0);
}

static void end_session(void)
{
	check(shown_drain(shown, token) == 0);
	alone_forget(&alone, token);
	end_client();
}

static void a_request_comes(void)
{
	say("request");
	check(turn() == 1);
	check(events[0].result == 7 && memcmp(arena + events[0].offset, "request", 7) == 0);
}

static void the_client_takes_a_reply(void)
{
	char reply[REPLY] = { 0 };
	check(write(server, reply, sizeof reply) == sizeof reply);
	check(read(client, reply, sizeof reply) == sizeof reply);
}

static int epoll_says(uint32_t wanted)
{
	struct epoll_event ready;
	return epoll_wait(alone.epoll, &ready, 1, 0) == 1 && ready.events == wanted;
}

static void a_reply_that_is_taken_wakes_nobody(void)
{
	a_request_comes();
	check(waits_in_socket() == 7);
	check(turn() == 0);
	the_client_takes_a_reply();
	check(!epoll_says(EPOLLOUT));
}

static void its_requests_leave_the_socket_at_once(void)
{
	connect_session(ALONE);
	a_request_comes();
	check(waits_in_socket() == 0);
	end_session();
}

static void what_was_shown_before_it_was_alone_is_not_received_again(void)
{
	connect_session(PEEK);
	a_request_comes();
	check(waits_in_socket() == 7);
	modes[SLOT] = ALONE;
	a_request_comes();
	check(waits_in_socket() == 0);
	end_session();
}

static void a_reply_that_is_taken_wakes_the_loop_and_is_no_event(void)
{
	connect_session(ALONE);
	a_request_comes();
	check(turn() == 0);
	the_client_takes_a_reply();
	check(epoll_says(EPOLLOUT));
	the_client_takes_a_reply();
	check(turn() == 0);
	the_client_takes_a_reply();
	a_request_comes();
	end_session();
}

static void a_reply_that_is_taken_wakes_no_loop_where_others_are_at_work_too(void)
{
	connect_session(ALONE);
	a_request_comes();
	modes[SLOT] = PEEK;
	a_reply_that_is_taken_wakes_nobody();
	end_session();
}

static void a_session_that_waits_to_send_hears_when_it_can(void)
{
	connect_session(ALONE);
	a_request_comes();
	check(turn() == 0);
	alone_forget(&alone, token);
	watch(EPOLL_CTL_MOD, EPOLLOUT);
	check(turn() == 1 && events[0].flags == WRITABLE);
	modes[SLOT] = PEEK;
	the_client_takes_a_reply();
	check(turn() == 1 && events[0].flags == WRITABLE);
	end_session();
}

static void its_end_is_heard(void)
{
	connect_session(ALONE);
	a_request_comes();
	check(turn() == 0);
	check(shutdown(client, SHUT_WR) == 0);
	check(turn() == 1 && (events[0].flags & ENDED));
	end_session();
}

static void who_comes_after_it_is_not_alone(void)
{
	connect_session(ALONE);
	a_request_comes();
	end_session();
	connect_session(PEEK);
	a_reply_that_is_taken_wakes_nobody();
	end_session();
}

int main(void)
{
	alone.epoll = epoll_create1(EPOLL_CLOEXEC);
	shown = shown_new(SLOTS);
	check(alone.epoll >= 0 && shown != NULL && alarm_open(&alarm_clock, alone.epoll) == 0);
	its_requests_leave_the_socket_at_once();
	what_was_shown_before_it_was_alone_is_not_received_again();
	a_reply_that_is_taken_wakes_the_loop_and_is_no_event();
	a_reply_that_is_taken_wakes_no_loop_where_others_are_at_work_too();
	a_session_that_waits_to_send_hears_when_it_can();
	its_end_is_heard();
	who_comes_after_it_is_not_alone();
	alarm_close(&alarm_clock);
	shown_free(shown);
	check(close(alone.epoll) == 0);
	return 0;
}
