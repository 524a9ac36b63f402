/* A child process that plays the server over a real socket with blocking calls: it reads one frame, answers, reads on. */
#ifndef OBJMAPPER_PEER_H
#define OBJMAPPER_PEER_H

#include <stdint.h>
#include <sys/wait.h>

#include "fdpass.h"
#include "objmapper.h"
#include "testing.h"
#include "wire.h"

struct peer {
	int socket;
	om_reader *reader;
	unsigned char input[65536];
};

static inline void tell(struct peer *p, struct wire_buffer *b, const int *fds, unsigned count)
{
	for (size_t sent = 0; sent < b->length;) {
		ssize_t n = fdpass_send(p->socket, b->bytes + sent, b->length - sent, fds, count, 0);
		if (n < 0)
			_exit(0); /* the client left */
		sent += (size_t)n;
		count = 0;
	}
	wire_free(b);
}

static inline void hear(struct peer *p, om_frame *f)
{
	char why[256];
	int r;

	while ((r = om_reader_next(p->reader, f, why)) == 0) {
		int fds[FDPASS_MAX];
		unsigned count;
		ssize_t n = fdpass_receive(p->socket, p->input, sizeof p->input, fds, FDPASS_MAX, &count, 0);
		if (n <= 0)
			_exit(0);
		check(om_reader_feed(p->reader, p->input, (size_t)n, fds, count) == 0);
	}
	check(r == 1);
}

static inline void add(struct wire_buffer *b, int operation, int flags, uint32_t id, int status, int fds, uint64_t length, const void *body, size_t size)
{
	size_t frame = wire_begin(b, operation, WIRE_REPLY | flags, id, status, fds, length);
	wire_end(b, frame, body, size);
}

static inline void answer_hello(struct peer *p)
{
	struct wire_buffer b = { 0 };
	om_frame f;
	size_t frame;

	hear(p, &f);
	check(f.operation == WIRE_HELLO && f.object_length == WIRE_MAGIC);
	frame = wire_begin(&b, WIRE_HELLO, WIRE_REPLY, 0, 0, 0, WIRE_MAGIC);
	wire_u32(&b, WIRE_MAX_REQUESTS, 4096);
	wire_u32(&b, WIRE_MAX_MESSAGE_DESCRIPTORS, 16);
	wire_u32(&b, WIRE_MAX_QUEUED_DESCRIPTORS, 16);
	wire_end(&b, frame, NULL, 0);
	tell(p, &b, NULL, 0);
}

/* Starts a peer and connects to it. */
static inline om_context *connect_to(void (*behaviour)(struct peer *), const om_options *options, pid_t *child)
{
	int listener = listen_somewhere(1);

	*child = fork();
	check(*child >= 0);
	if (*child == 0) {
		struct peer p = { .socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC), .reader = om_reader_new(0) };
		check(p.socket >= 0 && p.reader != NULL);
		answer_hello(&p);
		behaviour(&p);
		_exit(0);
	}
	close(listener);
	om_context *c = om_connect(listening.sun_path, options);
	remove_socket();
	if (c != NULL && c->err != 0)
		fprintf(stderr, "%s\n", c->errstr);
	check(c != NULL && c->err == 0);
	return c;
}

static inline void end(om_context *c, pid_t child)
{
	int status;

	om_free(c);
	check(waitpid(child, &status, 0) == child);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
