/* A C session in a burst, and when its server is killed in the middle of an answer; for the end-to-end test.
 *
 *   outlive SOCKET
 *
 * Says "mid-answer" once the server can't get rid of an answer, because nobody reads it. A line on its standard input tells that the
 * server was killed; it says "ended" when that session has failed as it should, and after another line it connects anew. */
#include <errno.h>
#include <objmapper.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BURST = 300, SMALL = 100 * 1000, LARGE = 16 * 1000 * 1000 };

static unsigned char body[LARGE];

static void expect(int is_so, const char *what, const om_context *c)
{
	if (is_so)
		return;
	fprintf(stderr, "outlive: not so: %s (%s)\n", what, c->errstr);
	exit(1);
}

static om_context *connect_to(const char *path)
{
	om_options options = { .max_requests = BURST, .name = "outlive" };
	om_context *c = om_connect(path, &options);

	if (c == NULL)
		exit(1);
	expect(c->err == 0, "connected", c);
	return c;
}

static void store(om_context *c, const char *key, size_t length)
{
	om_put_options durable = { .durable = 1 };
	om_reply *r = om_put(c, key, strlen(key), body, length, &durable);

	expect(r != NULL && r->status == OM_OK, "stored", c);
	om_reply_free(r);
}

static int holds_small(int fd, uint64_t offset)
{
	static unsigned char bytes[SMALL];

	return pread(fd, bytes, SMALL, (off_t)offset) == SMALL && memcmp(bytes, body, SMALL) == 0;
}

/* Every answer has a descriptor of its own, and all are open at once, with as many on the way as the server grants. One is kept. */
static int burst(om_context *c)
{
	om_get_options pass = { .mode = OM_FDPASS };
	om_reply *replies[BURST];
	int kept = -1, asked = 0;

	for (int i = 0; i < BURST; i++) {
		for (; asked < BURST && asked - i < (int)om_max_requests(c); asked++)
			expect(om_append_get(c, "small", 5, &pass, NULL) == 0, "asked", c);
		replies[i] = om_get_reply(c);
		expect(replies[i] != NULL && replies[i]->status == OM_OK && replies[i]->fd >= 0, "passed", c);
	}
	for (int i = 0; i < BURST; i++) {
		expect(holds_small(replies[i]->fd, replies[i]->fd_offset), "the body", c);
		if (i == 0)
			kept = om_reply_take_fd(replies[i]);
		om_reply_free(replies[i]);
	}
	return kept;
}

static void await_line(void)
{
	int c;

	while ((c = getchar()) != '\n')
		if (c == EOF)
			exit(1);
}

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

/* Answers begin to come, and nobody reads them: there is more than the socket holds. */
static void be_in_the_middle_of_an_answer(om_context *c)
{
	om_get_options copy = { .mode = OM_COPY };
	struct pollfd answers = { .fd = om_socket(c), .events = POLLIN };

	for (int i = 0; i < 3; i++)
		expect(om_append_get(c, "large", 5, &copy, NULL) == 0, "asked", c);
	expect(om_flush(c) == 0 && poll(&answers, 1, 30000) == 1, "an answer comes", c);
}

static void expect_the_end(om_context *c)
{
	expect(om_get_reply(c) == NULL && c->err == ECONNRESET, "no part of an answer is one", c);
	expect(om_ping(c) == NULL && c->err == ECONNRESET, "it stays over", c);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: outlive SOCKET\n");
		return 2;
	}
	for (size_t i = 0; i < LARGE; i++)
		body[i] = (unsigned char)(i * 31 + (i >> 13));
	om_context *c = connect_to(argv[1]);
	store(c, "small", SMALL);
	store(c, "large", LARGE);
	int kept = burst(c);
	be_in_the_middle_of_an_answer(c);
	say("mid-answer");
	await_line();
	expect_the_end(c);
	om_free(c);
	say("ended");
	await_line();
	c = connect_to(argv[1]);
	expect(holds_small(kept, 0), "what was passed outlives its server", c);
	close(kept);
	close(burst(c));
	om_free(c);
	say("anew");
	return 0;
}
