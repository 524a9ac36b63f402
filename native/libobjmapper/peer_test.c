/* A context over a real socket, against a peer that behaves well and badly. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"
#include "session.h"

/* ---- the peers */

enum { BODY = 4000, MANY = 200, BURST = 2 * FDPASS_MAX + 10 };

/* Every GET gets a body of BODY bytes in its frame. */
static void answers_everything(struct peer *p)
{
	static const unsigned char body[BODY];
	om_frame f;

	for (;;) {
		struct wire_buffer b = { 0 };
		hear(p, &f);
		add(&b, f.operation, 0, f.id, OM_OK, 0, f.operation == WIRE_GET ? BODY : 0, body, f.operation == WIRE_GET ? BODY : 0);
		tell(p, &b, NULL, 0);
	}
}

/* Waits for count requests and answers them with as few messages as carry all descriptors. */
static void pass_descriptors(struct peer *p, int count)
{
	struct wire_buffer b = { 0 };
	int fds[FDPASS_MAX], held = 0;
	om_frame f;

	for (int i = 0; i < count; i++) {
		hear(p, &f);
		fds[held] = memfd_create("body", 0);
		check(fds[held] >= 0 && write(fds[held], &f.id, sizeof f.id) == sizeof f.id);
		held++;
		add(&b, WIRE_GET, 0, f.id, OM_OK, 1, sizeof f.id, NULL, 0);
		if (held < FDPASS_MAX && i + 1 < count)
			continue;
		tell(p, &b, fds, (unsigned)held);
		while (held > 0)
			close(fds[--held]);
	}
}

static void passes_descriptors_together(struct peer *p)
{
	om_frame f;

	pass_descriptors(p, MANY);
	hear(p, &f);
}

static void passes_more_than_a_message_holds(struct peer *p)
{
	om_frame f;

	pass_descriptors(p, BURST);
	hear(p, &f);
}

/* Answers two requests, begins to answer the third, and is killed. */
static void is_killed_midway(struct peer *p)
{
	static const unsigned char body[BODY];
	struct wire_buffer b = { 0 };
	om_frame f;

	for (int i = 0; i < 3; i++) {
		hear(p, &f);
		add(&b, WIRE_GET, 0, f.id, OM_OK, 0, BODY, body, BODY);
	}
	b.length -= BODY / 2;
	tell(p, &b, NULL, 0);
	raise(SIGKILL);
}

/* Reads nothing until the client leaves. */
static void says_nothing(struct peer *p)
{
	struct pollfd gone = { .fd = p->socket, .events = POLLRDHUP };

	while (poll(&gone, 1, -1) < 0 && errno == EINTR)
		;
}

/* Refuses a PUT after its first DATA frame and takes the rest up to END. */
static void refuses_a_put_on_its_way(struct peer *p)
{
	struct wire_buffer b = { 0 };
	om_frame f;
	uint32_t id;

	hear(p, &f);
	check(f.operation == WIRE_PUT && (f.flags & WIRE_MORE));
	id = f.id;
	hear(p, &f);
	check(f.operation == WIRE_DATA && f.id == id);
	size_t frame = wire_begin(&b, WIRE_PUT, WIRE_REPLY, id, OM_NO_SPACE, 0, 0);
	wire_entry(&b, WIRE_MESSAGE, "full", 4);
	wire_end(&b, frame, NULL, 0);
	tell(p, &b, NULL, 0);
	do
		hear(p, &f);
	while (f.operation == WIRE_DATA);
	check(f.operation == WIRE_END && f.status == OM_CANCELLED);
	answers_everything(p);
}

/* Answers a passed descriptor with what it reads from it. */
/* The answer has the bytes that it found in the descriptor. */
static void answer_with_the_passed_bytes(struct peer *p)
{
	struct wire_buffer b = { 0 };
	unsigned char bytes[64];
	om_frame f;

	hear(p, &f);
	check(f.operation == WIRE_PUT && f.fds == 1 && f.fd >= 0 && f.body_length == 0);
	ssize_t n = pread(f.fd, bytes, sizeof bytes, 0);
	check(n >= 0 && (uint64_t)n == f.object_length && close(f.fd) == 0);
	add(&b, WIRE_PUT, 0, f.id, OM_OK, 0, 0, bytes, (size_t)n);
	tell(p, &b, NULL, 0);
}

static void reads_the_passed_descriptor(struct peer *p)
{
	om_frame f;

	answer_with_the_passed_bytes(p);
	hear(p, &f);
}

static void reads_many_passed_descriptors(struct peer *p)
{
	om_frame f;

	for (int i = 0; i < 40; i++)
		answer_with_the_passed_bytes(p);
	hear(p, &f);
}

static void hangs_up_with_a_reason(struct peer *p)
{
	struct wire_buffer b = { 0 };
	om_frame f;

	hear(p, &f);
	size_t frame = wire_begin(&b, WIRE_ERROR, WIRE_REPLY, 0, OM_SHUTTING_DOWN, 0, 0);
	wire_entry(&b, WIRE_MESSAGE, "maintenance", 11);
	wire_end(&b, frame, NULL, 0);
	tell(p, &b, NULL, 0);
}

/* Says goodbye in the middle of a PUT, takes the rest of it, answers it, and leaves. */
static void stops_in_the_middle_of_a_put(struct peer *p)
{
	struct wire_buffer b = { 0 }, last = { 0 };
	om_frame f;
	uint32_t id;

	hear(p, &f);
	check(f.operation == WIRE_PUT && (f.flags & WIRE_MORE));
	id = f.id;
	size_t frame = wire_begin(&b, WIRE_GOODBYE, WIRE_REPLY, 0, OM_SHUTTING_DOWN, 0, 0);
	wire_entry(&b, WIRE_MESSAGE, "maintenance", 11);
	wire_end(&b, frame, NULL, 0);
	tell(p, &b, NULL, 0);
	do
		hear(p, &f);
	while (f.operation == WIRE_DATA);
	check(f.operation == WIRE_END && f.id == id && f.status == OM_OK);
	add(&last, WIRE_PUT, 0, id, OM_OK, 0, 0, NULL, 0);
	tell(p, &last, NULL, 0);
}

/* Answers once, and says goodbye to who asks nothing more. */
static void says_goodbye_to_the_idle(struct peer *p)
{
	struct wire_buffer b = { 0 };
	om_frame f;

	hear(p, &f);
	add(&b, WIRE_PING, 0, f.id, OM_OK, 0, 0, NULL, 0);
	add(&b, WIRE_GOODBYE, 0, 0, OM_TIMEOUT, 0, 0, NULL, 0);
	tell(p, &b, NULL, 0);
}

/* Two answers and the last words, in one message. */
static void answers_and_hangs_up(struct peer *p)
{
	struct wire_buffer b = { 0 };
	om_frame f;

	for (int i = 0; i < 2; i++) {
		hear(p, &f);
		add(&b, WIRE_PING, 0, f.id, OM_OK, 0, 0, NULL, 0);
	}
	add(&b, WIRE_ERROR, 0, 0, OM_SHUTTING_DOWN, 0, 0, NULL, 0);
	tell(p, &b, NULL, 0);
}

/* ---- what is expected */

static void ten_thousand_requests_without_taking_an_answer_do_not_stand_still(void)
{
	pid_t child;
	om_context *c = connect_to(answers_everything, NULL, &child);
	int answers = 0;

	for (int i = 0; i < 10000; i++)
		check(om_append_get(c, "key", 3, NULL, NULL) == 0);
	check(om_flush(c) == 0);
	om_reply *ping = om_ping(c); /* the answers before its own are kept */
	check(ping != NULL && ping->operation == WIRE_PING);
	om_reply_free(ping);
	for (om_reply *r; (r = om_get_reply(c)) != NULL; answers++) {
		check(r->status == OM_OK && r->body_length == BODY);
		om_reply_free(r);
	}
	check(answers == 10000 && c->err == 0);
	end(c, child);
}

/* Every GET is answered with a descriptor of its own. */
static void expect_descriptors(om_context *c, int count)
{
	om_reply *replies[BURST];

	for (int i = 0; i < count; i++)
		check(om_append_get(c, "key", 3, NULL, NULL) == 0);
	for (int i = 0; i < count; i++) {
		om_reply *r = replies[i] = om_get_reply(c);
		uint32_t id;
		check(r != NULL && r->fd >= 0 && pread(r->fd, &id, sizeof id, (off_t)r->fd_offset) == sizeof id && id == r->id);
		check((fcntl(r->fd, F_GETFD) & FD_CLOEXEC) != 0);
	}
	for (int i = 0; i < count; i++)
		om_reply_free(replies[i]);
}

static void many_descriptors_of_one_message_reach_their_replies(void)
{
	pid_t child;
	om_context *c = connect_to(passes_descriptors_together, NULL, &child);

	expect_descriptors(c, MANY);
	end(c, child);
}

static void more_descriptors_than_a_message_holds_reach_their_replies(void)
{
	pid_t child;
	om_context *c = connect_to(passes_more_than_a_message_holds, NULL, &child);

	expect_descriptors(c, BURST);
	end(c, child);
}

/* So that this process may open room more descriptors; what was before is to be set again. */
static struct rlimit leave_room(int room)
{
	struct rlimit before, low;
	int number = 0;

	for (int free = 0; free < room || fcntl(number, F_GETFD) >= 0; number++)
		free += fcntl(number, F_GETFD) < 0;
	check(getrlimit(RLIMIT_NOFILE, &before) == 0);
	low = before;
	low.rlim_cur = (rlim_t)number;
	check(setrlimit(RLIMIT_NOFILE, &low) == 0);
	return before;
}

static void descriptors_reach_their_replies_where_there_is_just_room_for_them(void)
{
	pid_t child;
	om_context *c = connect_to(passes_descriptors_together, NULL, &child);
	struct rlimit before = leave_room(MANY);

	expect_descriptors(c, MANY);
	check(setrlimit(RLIMIT_NOFILE, &before) == 0);
	end(c, child);
}

/* With room for only some of the descriptors: the session is over, those that did arrive are closed at once, and a new session works. */
static void lost_descriptors_end_the_session_and_none_stays_open(void)
{
	static const int rooms[] = { 0, 1, 60, 150, MANY - 1 };
	int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < 2 * sizeof rooms / sizeof rooms[0]; i++) {
		om_get_options options = { .sink = sink, .use_sink = (int)(i % 2) };
		pid_t child;
		om_context *c = connect_to(passes_descriptors_together, NULL, &child);
		int open_before = open_descriptors();
		struct rlimit before = leave_room(rooms[i / 2]);

		for (int n = 0; n < MANY; n++)
			check(om_append_get(c, "key", 3, &options, NULL) == 0);
		om_reply *r = om_get_reply(c);
		check(setrlimit(RLIMIT_NOFILE, &before) == 0);
		check(r == NULL && c->err == EMFILE && strstr(c->errstr, "ulimit -n") != NULL);
		check(open_descriptors() == open_before);
		check(om_get_reply(c) == NULL && om_ping(c) == NULL && om_append_get(c, "key", 3, NULL, NULL) < 0 && c->err == EMFILE);
		end(c, child);
	}
	close(sink);
	many_descriptors_of_one_message_reach_their_replies();
}

static void a_killed_server_leaves_the_answers_that_came_and_a_new_session_goes_on(void)
{
	pid_t child;
	om_context *c = connect_to(is_killed_midway, NULL, &child);
	int status;

	for (int i = 0; i < 3; i++)
		check(om_append_get(c, "key", 3, NULL, NULL) == 0);
	check(om_flush(c) == 0);
	for (int i = 0; i < 2; i++) {
		om_reply *r = om_get_reply(c);
		check(r != NULL && r->status == OM_OK && r->body_length == BODY);
		om_reply_free(r);
	}
	check(om_get_reply(c) == NULL && c->err == ECONNRESET && strstr(c->errstr, "1 request unanswered") != NULL);
	check(om_get_reply(c) == NULL && om_get(c, "key", 3, NULL) == NULL && om_flush(c) < 0 && c->err == ECONNRESET);
	om_free(c);
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	c = connect_to(answers_everything, NULL, &child);
	om_reply *r = om_get(c, "key", 3, NULL);
	check(r != NULL && r->status == OM_OK);
	om_reply_free(r);
	end(c, child);
}

/* ---- a server that neither reads nor answers: every call that waits gives up */

static om_reply *get(om_context *c) { return om_get(c, "k", 1, NULL); }
static om_reply *head(om_context *c) { return om_head(c, "k", 1, NULL); }
static om_reply *put(om_context *c) { return om_put(c, "k", 1, "b", 1, NULL); }
static om_reply *put_fd(om_context *c) { return om_put_fd(c, "k", 1, STDIN_FILENO, 1, NULL); }
static om_reply *delete(om_context *c) { return om_delete(c, "k", 1, 0); }
static om_reply *touch(om_context *c) { return om_touch(c, "k", 1, NULL); }
static om_reply *list(om_context *c) { return om_list(c, NULL, 0, NULL, 0, 0); }
static om_reply *purge_key(om_context *c) { return om_purge_key(c, "k", 1, 0); }
static om_reply *purge_prefix(om_context *c) { return om_purge_prefix(c, "k", 1, 0); }
static om_reply *purge_tag(om_context *c) { return om_purge_tag(c, "k", 1, 0); }
static om_reply *purge_ban(om_context *c) { return om_purge_ban(c, "k", 1, 0); }
static om_reply *cancel(om_context *c) { return om_cancel(c, 1); }

static om_reply *put_from(om_context *c)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	om_reply *r = om_put_from(c, "k", 1, fd, OM_UNBOUNDED, NULL);
	close(fd);
	return r;
}

static om_reply *next_answer(om_context *c)
{
	check(om_append_ping(c, NULL) == 0);
	return om_get_reply(c);
}

/* More than the socket takes. */
static om_reply *large_put(om_context *c)
{
	size_t length = 16 * 1024 * 1024;
	void *body = calloc(1, length);
	check(om_append_put(c, "k", 1, body, length, NULL, NULL) < 0);
	free(body);
	return NULL;
}

static om_reply *large_flush(om_context *c)
{
	while (om_append_ping(c, NULL) == 0)
		;
	check(om_flush(c) < 0);
	return NULL;
}

static void every_call_gives_up_on_a_server_that_says_nothing(void)
{
	static om_reply *(*const calls[])(om_context *) = {
		get, head, put, put_fd, put_from, delete, touch, list, purge_key, purge_prefix, purge_tag, purge_ban, cancel, om_stat, om_ping, om_goodbye, next_answer,
		large_put, large_flush,
	};

	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		pid_t child;
		om_context *c = connect_to(says_nothing, NULL, &child);
		om_set_timeout(c, 20);
		check(calls[i](c) == NULL && c->err == ETIMEDOUT && strstr(c->errstr, "20 ms") != NULL);
		check(om_ping(c) == NULL && c->err == ETIMEDOUT); /* the session is over: a late answer would answer another request */
		end(c, child);
	}
}

struct endless {
	uint64_t given;
};

static ssize_t give(void *argument, void *bytes, size_t room)
{
	struct endless *e = argument;
	memset(bytes, 'x', room);
	e->given += room;
	return (ssize_t)room;
}

static void an_endless_put_stops_when_it_is_refused(void)
{
	struct endless e = { 0 };
	pid_t child;
	om_context *c = connect_to(refuses_a_put_on_its_way, NULL, &child);
	om_reply *r = om_put_stream(c, "key", 3, give, &e, OM_UNBOUNDED, NULL);

	check(r != NULL && r->status == OM_NO_SPACE && strcmp(r->message, "full") == 0 && e.given > 0);
	om_reply_free(r);
	r = om_ping(c); /* the session goes on */
	check(r != NULL && r->status == OM_OK);
	om_reply_free(r);
	end(c, child);
}

static void a_passed_descriptor_stays_the_callers(void)
{
	pid_t child;
	om_context *c = connect_to(reads_the_passed_descriptor, NULL, &child);
	int fd = memfd_create("body", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, "passed", 6) == 6);
	om_reply *r = om_put_fd(c, "key", 3, fd, 6, NULL);
	check(r != NULL && r->status == OM_OK && r->body_length == 6 && memcmp(r->body, "passed", 6) == 0);
	om_reply_free(r);
	check(fcntl(fd, F_GETFD) >= 0 && close(fd) == 0);
	check(om_put_fd(c, "key", 3, -1, 6, NULL) == NULL && c->err == 0);
	check(om_put_fd(c, "key", 3, 999, 6, NULL) == NULL && c->err == 0 && strstr(c->errstr, "999") != NULL);
	end(c, child);
}

static void descriptors_can_be_passed_many_at_once(void)
{
	pid_t child;
	om_context *c = connect_to(reads_many_passed_descriptors, NULL, &child);

	for (int i = 0; i < 40; i++) {
		char body[8];
		int fd = memfd_create("body", MFD_CLOEXEC), length = snprintf(body, sizeof body, "%d", i);
		check(fd >= 0 && write(fd, body, (size_t)length) == length);
		check(om_append_put_fd(c, "key", 3, fd, (uint64_t)length, NULL, NULL) == 0 && close(fd) == 0);
	}
	for (int i = 0; i < 40; i++) {
		char body[8];
		int length = snprintf(body, sizeof body, "%d", i);
		om_reply *r = om_get_reply(c);
		check(r != NULL && r->body_length == (size_t)length && memcmp(r->body, body, (size_t)length) == 0);
		om_reply_free(r);
	}
	end(c, child);
}

/* SIGPIPE would kill this test. */
static void a_server_that_hangs_up_is_an_error_with_its_reason(void)
{
	pid_t child;
	om_context *c = connect_to(hangs_up_with_a_reason, NULL, &child);
	int status;

	check(om_append_ping(c, NULL) == 0 && om_flush(c) == 0);
	check(waitpid(child, &status, 0) == child);
	check(om_ping(c) == NULL && c->err == ESHUTDOWN && strstr(c->errstr, "maintenance") != NULL);
	check(om_ping(c) == NULL && c->err == ESHUTDOWN);
	om_free(c);
}

static void answers_that_came_with_the_servers_last_words_are_given_before_the_failure(void)
{
	pid_t child;
	om_context *c = connect_to(answers_and_hangs_up, NULL, &child);
	om_reply *r;

	check(om_append_ping(c, NULL) == 0);
	check((r = om_ping(c)) != NULL && r->status == OM_OK && c->err == ESHUTDOWN);
	om_reply_free(r);
	check((r = om_get_reply(c)) != NULL && r->status == OM_OK);
	om_reply_free(r);
	check(om_get_reply(c) == NULL && c->err == ESHUTDOWN);
	end(c, child);
	c = connect_to(answers_and_hangs_up, NULL, &child);
	for (int i = 0; i < 2; i++)
		check(om_append_ping(c, NULL) == 0);
	for (int i = 0; i < 2; i++, om_reply_free(r))
		check((r = om_get_reply(c)) != NULL && r->status == OM_OK);
	check(om_get_reply(c) == NULL && c->err == ESHUTDOWN);
	end(c, child);
}

static void an_answer_that_came_is_given_though_nothing_can_be_sent_any_more(void)
{
	int status;
	pid_t child;
	om_context *c = connect_to(answers_and_hangs_up, NULL, &child);
	om_reply *r;

	for (int i = 0; i < 2; i++)
		check(om_append_ping(c, NULL) == 0);
	check((r = om_get_reply(c)) != NULL && r->status == OM_OK);
	om_reply_free(r);
	check(waitpid(child, &status, 0) == child && status == 0);
	check(om_append_ping(c, NULL) == 0 && om_flush(c) < 0 && c->err == ESHUTDOWN);
	check((r = om_get_reply(c)) != NULL && r->status == OM_OK);
	om_reply_free(r);
	check(om_get_reply(c) == NULL && c->err == ESHUTDOWN);
	om_free(c);
}

/* Ends when the goodbye has come. */
static ssize_t pieces_until_the_goodbye(void *argument, void *bytes, size_t room)
{
	const om_context *c = argument;

	if (c->session->farewell != 0)
		return 0;
	memset(bytes, 'x', room);
	return (ssize_t)room;
}

static void a_put_that_is_under_way_when_the_server_stops_is_finished(void)
{
	int status;
	pid_t child;
	om_context *c = connect_to(stops_in_the_middle_of_a_put, NULL, &child);
	om_reply *r = om_put_stream(c, "key", 3, pieces_until_the_goodbye, c, OM_UNBOUNDED, NULL);

	check(r != NULL && r->status == OM_OK && c->err == 0);
	om_reply_free(r);
	check(waitpid(child, &status, 0) == child && status == 0);
	check(om_ping(c) == NULL && c->err == ESHUTDOWN && strstr(c->errstr, "maintenance") != NULL);
	om_free(c);
}

static void a_goodbye_that_came_before_a_request_is_why_it_fails(void)
{
	int status;
	pid_t child;
	om_context *c = connect_to(says_goodbye_to_the_idle, NULL, &child);
	om_reply *r = om_ping(c);

	check(r != NULL && r->status == OM_OK);
	om_reply_free(r);
	check(waitpid(child, &status, 0) == child && status == 0);
	check(om_ping(c) == NULL && c->err == ETIMEDOUT && strstr(c->errstr, "TIMEOUT") != NULL);
	om_free(c);
}

static void body_bytes_go_to_the_sink(void)
{
	om_get_options options = { .use_sink = 1, .sink = memfd_create("sink", MFD_CLOEXEC) };
	pid_t child;
	om_context *c = connect_to(answers_everything, NULL, &child);
	om_reply *r = om_get(c, "key", 3, &options);

	check(r != NULL && r->body == NULL && lseek(options.sink, 0, SEEK_END) == BODY);
	om_reply_free(r);
	close(options.sink);
	end(c, child);
}

static void nothing(int signal) { (void)signal; }

/* A timer interrupts every wait. */
static void interrupted_calls_go_on(void)
{
	struct sigaction action = { .sa_handler = nothing }, before;
	struct itimerspec often = { { 0, 100000 }, { 0, 100000 } };
	timer_t timer;
	pid_t child;
	om_context *c = connect_to(answers_everything, NULL, &child);

	check(sigaction(SIGALRM, &action, &before) == 0);
	check(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
	for (int i = 0; i < 2000; i++) {
		om_reply *r = om_get(c, "key", 3, NULL);
		check(r != NULL && r->body_length == BODY);
		om_reply_free(r);
	}
	check(timer_delete(timer) == 0 && sigaction(SIGALRM, &before, NULL) == 0);
	end(c, child);
}

int main(void)
{
	int before = open_descriptors();

	ten_thousand_requests_without_taking_an_answer_do_not_stand_still();
	many_descriptors_of_one_message_reach_their_replies();
	more_descriptors_than_a_message_holds_reach_their_replies();
	descriptors_reach_their_replies_where_there_is_just_room_for_them();
	lost_descriptors_end_the_session_and_none_stays_open();
	a_killed_server_leaves_the_answers_that_came_and_a_new_session_goes_on();
	every_call_gives_up_on_a_server_that_says_nothing();
	an_endless_put_stops_when_it_is_refused();
	a_passed_descriptor_stays_the_callers();
	descriptors_can_be_passed_many_at_once();
	a_server_that_hangs_up_is_an_error_with_its_reason();
	answers_that_came_with_the_servers_last_words_are_given_before_the_failure();
	an_answer_that_came_is_given_though_nothing_can_be_sent_any_more();
	a_put_that_is_under_way_when_the_server_stops_is_finished();
	a_goodbye_that_came_before_a_request_is_why_it_fails();
	body_bytes_go_to_the_sink();
	interrupted_calls_go_on();
	check(open_descriptors() == before);
	puts("peer: all passed");
	return 0;
}
