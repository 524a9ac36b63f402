/* A session against a peer that the test plays itself, over a socket pair's worth of bytes in memory and over a real socket. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "objmapper.h"
#include "testing.h"
#include "wire.h"

static int processor;

static void add_hello(struct wire_buffer *b, uint32_t descriptors)
{
	static const unsigned char versions[8] = { 1, 0, 1, 0 };
	size_t frame = wire_begin(b, WIRE_HELLO, WIRE_REPLY, 0, 0, 0, WIRE_MAGIC);
	wire_entry(b, WIRE_VERSIONS, versions, sizeof versions);
	wire_u32(b, WIRE_MAX_REQUESTS, 17);
	wire_u32(b, WIRE_MAX_MESSAGE_DESCRIPTORS, descriptors);
	wire_u32(b, WIRE_MAX_QUEUED_DESCRIPTORS, descriptors);
	wire_end(b, frame, NULL, 0);
}

static void add_reply(struct wire_buffer *b, int operation, int flags, uint32_t id, int status, int fds, uint64_t length, const char *body)
{
	size_t frame = wire_begin(b, operation, WIRE_REPLY | flags, id, status, fds, length);
	wire_end(b, frame, body, strlen(body));
}

/* Feeds what the buffer has and empties it. */
static int feed(om_context *c, struct wire_buffer *b, const int *fds, size_t count)
{
	int r = om_input(c, b->bytes, b->length, fds, count);
	b->length = 0;
	return r;
}

static om_context *greeted_with(struct wire_buffer *b, uint32_t descriptors)
{
	om_context *c = om_detached(NULL);
	size_t length;

	check(c != NULL && om_output(c, &length) != NULL && length > WIRE_HEADER);
	om_output_sent(c, length);
	add_hello(b, descriptors);
	check(feed(c, b, NULL, 0) == 0);
	return c;
}

static om_context *greeted(struct wire_buffer *b) { return greeted_with(b, 16); }

static void hello_comes_first_and_its_terms_are_kept(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	size_t length;

	check(om_max_requests(c) == 17);
	check(om_output(c, &length) == NULL && length == 0);
	om_free(c);
	c = om_detached(NULL);
	add_reply(&b, WIRE_PING, 0, 1, OM_OK, 0, 0, "");
	check(feed(c, &b, NULL, 0) < 0 && c->err == EPROTO);
	om_free(c);
	wire_free(&b);
}

static void answers_come_out_as_they_complete(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	uint32_t first, second;

	check(om_append_get(c, "a", 1, NULL, &first) == 0 && om_append_get(c, "b", 1, NULL, &second) == 0);
	check(om_get_reply(c) == NULL && c->err == 0);
	add_reply(&b, WIRE_GET, WIRE_MORE, first, OM_OK, 0, 6, "one");
	add_reply(&b, WIRE_GET, 0, second, OM_OK, 0, 3, "two");
	add_reply(&b, WIRE_DATA, 0, first, OM_OK, 0, 0, "ONE");
	check(feed(c, &b, NULL, 0) == 0);
	om_reply *r = om_get_reply(c);
	check(r != NULL && r->id == second && r->body_length == 3 && memcmp(r->body, "two", 3) == 0);
	om_reply_free(r);
	check(om_get_reply(c) == NULL && c->err == 0);
	add_reply(&b, WIRE_END, 0, first, OM_OK, 0, 0, "");
	check(feed(c, &b, NULL, 0) == 0);
	r = om_get_reply(c);
	check(r != NULL && r->id == first && r->body_length == 6 && memcmp(r->body, "oneONE", 6) == 0);
	om_reply_free(r);
	check(om_get_reply(c) == NULL && c->err == 0 && strstr(c->errstr, "in flight") != NULL);
	om_free(c);
	wire_free(&b);
}

static void a_reply_owns_its_descriptor_until_it_is_taken(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	int fds[3];
	uint32_t ids[3];

	for (int i = 0; i < 3; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		check(om_append_get(c, "k", 1, NULL, &ids[i]) == 0);
		add_reply(&b, WIRE_GET, 0, ids[i], OM_OK, 1, 9, "");
	}
	check(feed(c, &b, fds, 3) == 0);
	om_reply *r = om_get_reply(c);
	check(r != NULL && r->fd == fds[0]);
	om_reply_free(r);
	check(fcntl(fds[0], F_GETFD) < 0);
	r = om_get_reply(c);
	int taken = om_reply_take_fd(r);
	check(taken == fds[1] && om_reply_take_fd(r) == -1);
	om_reply_free(r);
	check(fcntl(taken, F_GETFD) >= 0);
	close(taken);
	om_free(c); /* and the third's, which nobody asked for */
	check(fcntl(fds[2], F_GETFD) < 0);
	wire_free(&b);
}

static void a_body_that_is_too_short_fails_the_session(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	uint32_t id;

	check(om_append_get(c, "k", 1, NULL, &id) == 0);
	add_reply(&b, WIRE_GET, 0, id, OM_OK, 0, 9, "short");
	check(feed(c, &b, NULL, 0) < 0 && c->err == EPROTO && strstr(c->errstr, "announced 9") != NULL);
	check(om_append_get(c, "k", 1, NULL, &id) < 0 && om_get_reply(c) == NULL);
	om_free(c);
	wire_free(&b);
}

static void frames_out_of_place_fail_the_session_and_leak_nothing(void)
{
	for (int operation = 0; operation < 256; operation++) {
		struct wire_buffer b = { 0 };
		om_context *c = greeted(&b);
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		uint32_t id;
		check(om_append_get(c, "k", 1, NULL, &id) == 0);
		add_reply(&b, operation, 0, operation == WIRE_GET ? id + 1 : id, OM_OK, 1, 0, "");
		check(feed(c, &b, &fd, 1) < 0 && c->err != 0);
		om_free(c);
		check(fcntl(fd, F_GETFD) < 0);
		wire_free(&b);
	}
}

static void a_descriptor_that_is_not_the_whole_body_of_a_get_fails_the_session(void)
{
	static const struct { int operation, flags; const char *body; } wrong[] = { { WIRE_GET, 0, "b" }, { WIRE_GET, WIRE_MORE, "" }, { WIRE_HEAD, 0, "" } };

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct wire_buffer b = { 0 };
		om_context *c = greeted(&b);
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		uint32_t id;
		check((wrong[i].operation == WIRE_GET ? om_append_get : om_append_head)(c, "k", 1, NULL, &id) == 0);
		add_reply(&b, wrong[i].operation, wrong[i].flags, id, OM_OK, 1, strlen(wrong[i].body), wrong[i].body);
		check(feed(c, &b, &fd, 1) < 0 && c->err == EPROTO && strstr(c->errstr, "a descriptor comes for a GET alone") != NULL);
		check(fcntl(fd, F_GETFD) < 0);
		om_free(c);
		wire_free(&b);
	}
}

static void the_servers_last_words_are_the_error(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	size_t frame = wire_begin(&b, WIRE_ERROR, WIRE_REPLY, 0, OM_TIMEOUT, 0, 0);

	wire_entry(&b, WIRE_MESSAGE, "no frame for 60 s", 17);
	wire_end(&b, frame, NULL, 0);
	check(feed(c, &b, NULL, 0) < 0 && c->err == ETIMEDOUT);
	check(strstr(c->errstr, "no frame for 60 s") != NULL && strstr(c->errstr, "TIMEOUT") != NULL);
	om_free(c);
	wire_free(&b);
}

static void a_key_of_no_or_too_many_bytes_is_refused_and_the_session_goes_on(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	char key[WIRE_MAX_KEY + 1] = { 0 };

	check(om_append_get(c, key, 0, NULL, NULL) < 0 && c->err == 0);
	check(om_append_get(c, key, sizeof key, NULL, NULL) < 0 && c->err == 0 && strstr(c->errstr, "4097") != NULL);
	check(om_append_get(c, key, 1, NULL, NULL) == 0 && om_append_get(c, key, WIRE_MAX_KEY, NULL, NULL) == 0);
	om_free(c);
	wire_free(&b);
}

static void expect_refused_to_wait(om_context *c, const om_reply *r)
{
	check(r == NULL && c->err == 0 && strstr(c->errstr, "without a socket") != NULL);
	c->errstr[0] = '\0';
}

static void calls_that_wait_are_refused_without_a_socket(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	size_t length;

	expect_refused_to_wait(c, om_get(c, "k", 1, NULL));
	expect_refused_to_wait(c, om_head(c, "k", 1, NULL));
	expect_refused_to_wait(c, om_put(c, "k", 1, "b", 1, NULL));
	expect_refused_to_wait(c, om_put_from(c, "k", 1, STDIN_FILENO, 1, NULL));
	expect_refused_to_wait(c, om_put_fd(c, "k", 1, STDIN_FILENO, 1, NULL));
	expect_refused_to_wait(c, om_delete(c, "k", 1, 0));
	expect_refused_to_wait(c, om_touch(c, "k", 1, NULL));
	expect_refused_to_wait(c, om_list(c, NULL, 0, NULL, 0, 0));
	expect_refused_to_wait(c, om_purge_key(c, "k", 1, 0));
	expect_refused_to_wait(c, om_purge_prefix(c, "k", 1, 0));
	expect_refused_to_wait(c, om_purge_tag(c, "k", 1, 0));
	expect_refused_to_wait(c, om_purge_ban(c, "k", 1, 0));
	expect_refused_to_wait(c, om_stat(c));
	expect_refused_to_wait(c, om_ping(c));
	expect_refused_to_wait(c, om_cancel(c, 1));
	expect_refused_to_wait(c, om_goodbye(c));
	check(om_output(c, &length) == NULL && om_get_reply(c) == NULL && strstr(c->errstr, "in flight") != NULL);
	om_free(c);
	wire_free(&b);
}

static void what_an_answer_has_not_is_found_with_a_length_of_0(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	uint32_t id;
	size_t length = 1;

	check(om_append_ping(c, &id) == 0);
	size_t frame = wire_begin(&b, WIRE_PING, WIRE_REPLY, id, OM_OK, 0, 0);
	wire_u64(&b, OM_COUNT, 7);
	wire_end(&b, frame, NULL, 0);
	check(feed(c, &b, NULL, 0) == 0);
	om_reply *r = om_get_reply(c);
	check(r != NULL && om_find_u64(r, OM_COUNT, 0) == 7 && om_find(r, OM_COUNT, 0, &length) != NULL && length == 8);
	check(om_find(r, OM_CURSOR, 0, &length) == NULL && length == 0);
	check(om_find(r, OM_COUNT, 1, &length) == NULL && length == 0);
	om_reply_free(r);
	om_free(c);
	wire_free(&b);
}

/* Says that all that is offered was sent, or some of it; which descriptor went with it. */
static int send_some(om_context *c, size_t most)
{
	size_t length;
	int fd = om_output(c, &length) != NULL ? om_output_fd(c) : -1;
	om_output_sent(c, length < most ? length : most);
	return fd;
}

static void a_descriptor_goes_with_the_first_byte_of_its_frame_and_once(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	size_t length;

	check(om_output_fd(c) == -1);
	check(om_append_ping(c, NULL) == 0 && om_append_put_fd(c, "a", 1, STDIN_FILENO, 1, NULL, NULL) == 0);
	check(om_append_put_fd(c, "b", 1, STDIN_FILENO, 1, NULL, NULL) == 0 && om_append_ping(c, NULL) == 0);
	check(om_output(c, &length) != NULL && length == WIRE_HEADER); /* the PING alone */
	check(send_some(c, 1) == -1 && send_some(c, 1000) == -1);
	int first = om_output_fd(c);
	check(first > STDERR_FILENO && (fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
	om_output_sent(c, 0);
	check(send_some(c, 1) == first && fcntl(first, F_GETFD) == -1);
	check(send_some(c, 1000) == -1);
	check(om_output(c, &length) != NULL && length > 2 * WIRE_HEADER && send_some(c, 1000) >= 0); /* the second, and the PING behind it */
	check(om_output(c, &length) == NULL && om_output_fd(c) == -1);

	check(om_append_put_fd(c, "", 0, STDIN_FILENO, 1, NULL, NULL) == -1 && om_append_put_fd(c, "k", 1, 999, 1, NULL, NULL) == -1);
	om_put_options too_long = { .tags = (const char *const[]){ "", NULL } };
	check(om_append_put_fd(c, "k", 1, STDIN_FILENO, 1, &too_long, NULL) == -1 && c->err == 0);
	check(om_output(c, &length) == NULL);
	check(om_append_put_fd(c, "c", 1, STDIN_FILENO, 1, NULL, NULL) == 0); /* never sent: om_free closes the duplicate */
	om_free(c);
	c = greeted_with(&b, 0);
	check(om_append_put_fd(c, "k", 1, STDIN_FILENO, 1, NULL, NULL) == -1 && c->err == 0 && strstr(c->errstr, "no descriptors") != NULL);
	om_free(c);
	wire_free(&b);
}

/* Expects a frame next in what is to be sent, with a body of that length, and takes it off. */
static void expect_frame(om_context *c, int operation, uint32_t id, int flags, int status, size_t body_length)
{
	size_t length;
	const unsigned char *f = om_output(c, &length);

	check(f != NULL && length >= WIRE_HEADER && f[4] == operation && wire_get32(f + 8) == id);
	check((f[6] | f[7] << 8) == flags && (f[12] | f[13] << 8) == status);
	check(wire_get32(f) == WIRE_HEADER + wire_get32(f + 16) + body_length);
	om_output_sent(c, wire_get32(f));
}

static void a_body_may_come_bit_by_bit_between_other_requests(void)
{
	static char large[200 * 1024];
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	uint32_t first, second, ping;
	size_t length;

	check(om_append_put_open(c, "a", 1, sizeof large, NULL, &first) == 0);
	check(om_append_put_open(c, "b", 1, OM_UNBOUNDED, NULL, &second) == 0);
	check(om_append_put_bytes(c, second, "two", 3) == 0 && om_append_ping(c, &ping) == 0);
	check(om_append_put_bytes(c, first, large, sizeof large) == 0 && om_append_put_bytes(c, first, NULL, 0) == 0);
	check(om_append_put_close(c, second, 0) == 0 && om_append_put_close(c, first, 1) == 0);
	expect_frame(c, WIRE_PUT, first, WIRE_MORE, processor, 0);
	expect_frame(c, WIRE_PUT, second, WIRE_MORE, OM_OK, 0);
	expect_frame(c, WIRE_DATA, second, 0, OM_OK, 3);
	expect_frame(c, WIRE_PING, ping, 0, OM_OK, 0);
	expect_frame(c, WIRE_DATA, first, 0, OM_OK, 128 * 1024);
	expect_frame(c, WIRE_DATA, first, 0, OM_OK, sizeof large - 128 * 1024);
	expect_frame(c, WIRE_END, second, 0, OM_CANCELLED, 0);
	expect_frame(c, WIRE_END, first, 0, OM_OK, 0);
	check(om_output(c, &length) == NULL);
	om_free(c);
	wire_free(&b);
}

static void a_refused_body_wants_no_more_bytes_and_is_closed_once(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	uint32_t id;
	size_t length;

	check(om_append_put_open(c, "", 0, 1, NULL, &id) == -1 && c->err == 0);
	check(om_append_put_open(c, "k", 1, 9, NULL, &id) == 0 && om_append_put_bytes(c, id, "1", 1) == 0);
	expect_frame(c, WIRE_PUT, id, WIRE_MORE, processor, 0);
	expect_frame(c, WIRE_DATA, id, 0, OM_OK, 1);
	add_reply(&b, WIRE_PUT, 0, id, OM_NO_SPACE, 0, 0, "");
	check(feed(c, &b, NULL, 0) == 0);
	check(om_append_put_bytes(c, id, "2", 1) == 1 && om_output(c, &length) == NULL);
	om_reply *r = om_get_reply(c);
	check(r != NULL && r->status == OM_NO_SPACE);
	om_reply_free(r);
	check(om_append_put_bytes(c, id, "3", 1) == 1 && om_append_put_close(c, id, 1) == 0);
	expect_frame(c, WIRE_END, id, 0, OM_CANCELLED, 0);
	check(om_output(c, &length) == NULL);
	om_free(c);
	wire_free(&b);
}

static void connecting_to_nobody_says_so(void)
{
	char path[sizeof((struct sockaddr_un *)0)->sun_path + 8];
	om_context *c = om_connect("/nonexistent/objmapper.sock", NULL);

	check(c != NULL && c->err == ENOENT && strstr(c->errstr, "is objmapperd running?") != NULL);
	check(om_ping(c) == NULL && om_get(c, "k", 1, NULL) == NULL && om_get_reply(c) == NULL && om_socket(c) == -1);
	om_free(c);
	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = 0;
	c = om_connect(path, NULL);
	check(c != NULL && c->err == ENAMETOOLONG);
	om_free(c);
	om_free(NULL);
	om_reply_free(NULL);
}

/* A listening socket that nobody accepts from: the connection stands, and no answer comes. */
static void a_server_that_says_nothing_is_given_up_after_the_timeout(void)
{
	om_options options = { .timeout_millis = 20 };
	int listener = listen_somewhere(1);

	om_context *c = om_connect(listening.sun_path, &options);
	check(c != NULL && c->err == ETIMEDOUT);
	check((fcntl(om_socket(c), F_GETFD) & FD_CLOEXEC) != 0);
	om_free(c);
	c = om_connect(listening.sun_path, &options);
	om_context *third = om_connect(listening.sun_path, &options); /* beyond the backlog: connect itself waits */
	check(c != NULL && third != NULL && third->err == ETIMEDOUT);
	om_free(c);
	om_free(third);
	close(listener);
	remove_socket();
}

static void the_first_of_requests_that_are_sent_together_names_the_processor(void)
{
	struct wire_buffer b = { 0 };
	om_context *c = greeted(&b);
	uint32_t first, second;
	size_t length;

	for (int i = 0; i < 2; i++) {
		check(om_append_get(c, "a", 1, NULL, &first) == 0 && om_append_get(c, "b", 1, NULL, &second) == 0);
		expect_frame(c, WIRE_GET, first, 0, processor, 0);
		expect_frame(c, WIRE_GET, second, 0, 0, 0);
		check(om_output(c, &length) == NULL);
	}
	om_free(c);
	wire_free(&b);
}

int main(void)
{
	int before = open_descriptors();

	processor = stay_on_this_processor();
	the_first_of_requests_that_are_sent_together_names_the_processor();
	hello_comes_first_and_its_terms_are_kept();
	answers_come_out_as_they_complete();
	a_reply_owns_its_descriptor_until_it_is_taken();
	a_body_that_is_too_short_fails_the_session();
	frames_out_of_place_fail_the_session_and_leak_nothing();
	a_descriptor_that_is_not_the_whole_body_of_a_get_fails_the_session();
	the_servers_last_words_are_the_error();
	a_key_of_no_or_too_many_bytes_is_refused_and_the_session_goes_on();
	calls_that_wait_are_refused_without_a_socket();
	what_an_answer_has_not_is_found_with_a_length_of_0();
	a_descriptor_goes_with_the_first_byte_of_its_frame_and_once();
	a_body_may_come_bit_by_bit_between_other_requests();
	a_refused_body_wants_no_more_bytes_and_is_closed_once();
	connecting_to_nobody_says_so();
	a_server_that_says_nothing_is_given_up_after_the_timeout();
	check(open_descriptors() == before);
	puts("session: all passed");
	return 0;
}
