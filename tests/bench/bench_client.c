/* floor_client's counterpart for an objmapper server: the same loop, with real requests and replies of protocol-spec.md.
 *
 *   bench_client [OPTION...] SOCKET CONNECTIONS SECONDS fdpass|copy|splice|auto DEPTH KEY
 *
 * Each connection is a session that fetches KEY: it sends DEPTH GETs at once, receives all replies, closes the descriptors
 * and begins anew. Times are of such a round. A second line says how the last body came: delivered=fd, chunks or inline.
 * Small bodies come inline only in the mode auto. load.h has the options. */
#include "floor.h"

#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#include "load.h"
#include "wire.h"

enum { LARGEST_BODY_IN_REPLY = 4096, COPY = 2, AUTO = 4 };

static const char *const modes[] = {"", "fdpass", "copy", "splice", "auto"};

static const char *path, *key;
static int mode, depth;
static const char *delivered = "nothing";

struct session {
	int socket;
	struct wire_buffer requests;
	size_t held;              /* bytes in the buffer: the beginning of a frame */
	uint64_t missing;         /* of the frame whose header was seen last */
	bool last;                /* whether that frame ends its reply */
	unsigned arrived, promised; /* descriptors */
	unsigned char buffer[CHUNK];
	unsigned char body[CHUNK];
};

static bool takes_descriptors(void) { return mode != COPY && mode != COPY + 1; }

static void fail_by(const char *what)
{
	fprintf(stderr, "%s: %s\n", path, what);
	exit(1);
}

/* Takes in the header of a frame; -1 when that is no part of a good reply. */
static int begin_frame(struct session *s, const unsigned char *p)
{
	int operation = p[4], status = wire_get16(p + 12);
	if (status != 0 || (operation != WIRE_GET && operation != WIRE_DATA && operation != WIRE_END))
		return -1;
	s->last = operation == WIRE_END || (operation == WIRE_GET && !(wire_get16(p + 6) & WIRE_MORE));
	s->missing = wire_get32(p) - WIRE_HEADER;
	s->promised += p[5];
	if (operation == WIRE_GET)
		delivered = p[5] > 0 ? "fd" : s->last ? "inline" : "chunks";
	return 0;
}

/* Passes over the frames in the buffer and keeps a header's beginning; returns how many replies ended, or -1. */
static int pass_over_frames(struct session *s)
{
	size_t at = 0;
	int replies = 0;
	for (;;) {
		size_t step = s->missing < s->held - at ? (size_t)s->missing : s->held - at;
		at += step;
		s->missing -= step;
		if (s->missing > 0)
			break;
		replies += s->last;
		s->last = false;
		if (s->held - at < WIRE_HEADER)
			break;
		if (begin_frame(s, s->buffer + at) < 0)
			return -1;
		at += WIRE_HEADER;
	}
	s->held -= at;
	memmove(s->buffer, s->buffer + at, s->held);
	return replies;
}

/* Receives what there is: the rest of a body by itself, and what follows it into the buffer. */
static int receive_some(struct session *s)
{
	unsigned char *into = s->buffer + s->held;
	size_t room = CHUNK - s->held;
	size_t body = takes_descriptors() || s->held > 0 ? 0 : s->missing < CHUNK ? (size_t)s->missing : CHUNK;
	ssize_t got = takes_descriptors() ? load_receive_descriptors(s->socket, into, room, &s->arrived)
	                                  : load_receive_parts(s->socket, s->body, body, into, room);
	if (got <= 0)
		return -1;
	size_t of_body = (size_t)got < body ? (size_t)got : body;
	s->missing -= of_body;
	s->held += (size_t)got - of_body;
	return 0;
}

static int one_round(void *session)
{
	struct session *s = session;
	int missing = depth;
	s->arrived = s->promised = 0;
	wire_put16(s->requests.bytes + 12, (uint16_t)(sched_getcpu() + 1)); /* protocol-spec.md 2.6 */
	if (send(s->socket, s->requests.bytes, s->requests.length, MSG_NOSIGNAL) != (ssize_t)s->requests.length)
		return -1;
	while (missing > 0) {
		if (receive_some(s) < 0)
			return -1;
		int replies = pass_over_frames(s);
		if (replies < 0)
			fail_by("a request was refused");
		missing -= replies;
	}
	if (s->arrived != s->promised)
		fail_by("the replies promised other descriptors than came");
	return 0;
}

static void receive_exactly(int s, unsigned char *bytes, size_t length)
{
	if (recv(s, bytes, length, MSG_WAITALL) != (ssize_t)length)
		fail("the server");
}

static void greet(struct session *s)
{
	static const unsigned char versions[8] = {1, 0, 1};
	struct wire_buffer hello = {0};
	size_t frame = wire_begin(&hello, WIRE_HELLO, 0, 0, 0, 0, WIRE_MAGIC);
	wire_u32(&hello, WIRE_MODE, (uint32_t)mode);
	wire_entry(&hello, WIRE_VERSIONS, versions, sizeof versions);
	if (takes_descriptors()) {
		wire_u32(&hello, WIRE_MAX_MESSAGE_DESCRIPTORS, MOST_DEPTH);
		wire_u32(&hello, WIRE_MAX_QUEUED_DESCRIPTORS, MOST_DEPTH);
	}
	wire_u32(&hello, WIRE_INLINE_LIMIT, mode == AUTO ? LARGEST_BODY_IN_REPLY : 0);
	wire_u32(&hello, WIRE_SHARED_ACCEPTED, 1); /* no descriptor is read from */
	wire_entry(&hello, WIRE_PEER_NAME, "bench_client", strlen("bench_client"));
	wire_end(&hello, frame, NULL, 0);
	if (hello.failed || send(s->socket, hello.bytes, hello.length, MSG_NOSIGNAL) != (ssize_t)hello.length)
		fail(path);
	wire_free(&hello);
	receive_exactly(s->socket, s->buffer, WIRE_HEADER);
	if (s->buffer[4] != WIRE_HELLO || wire_get32(s->buffer) > CHUNK)
		fail_by("the session was refused");
	receive_exactly(s->socket, s->buffer + WIRE_HEADER, wire_get32(s->buffer) - WIRE_HEADER);
}

static void *open_session(void)
{
	struct sockaddr_un address;
	struct session *s = calloc(1, sizeof *s);
	if (s == NULL)
		fail("calloc");
	s->socket = socket_for(path, &address);
	if (connect(s->socket, (struct sockaddr *)&address, sizeof address) < 0)
		fail(path);
	greet(s);
	for (int i = 0; i < depth; i++) {
		size_t frame = wire_begin(&s->requests, WIRE_GET, 0, (uint32_t)i + 1, 0, 0, 0);
		wire_entry(&s->requests, WIRE_KEY, key, strlen(key));
		wire_end(&s->requests, frame, NULL, 0);
	}
	if (s->requests.failed)
		fail("malloc");
	return s;
}

static void close_session(void *session)
{
	struct session *s = session;
	close(s->socket);
	wire_free(&s->requests);
	free(s);
}

int main(int argc, char **argv)
{
	int options = load_options(argc, argv);
	argc -= options;
	argv += options;
	for (int i = AUTO; argc == 7 && i > 0 && mode == 0; i--)
		if (strcmp(argv[4], modes[i]) == 0)
			mode = i;
	if (mode == 0) {
		fprintf(stderr, "usage: bench_client [OPTION...] SOCKET CONNECTIONS SECONDS fdpass|copy|splice|auto DEPTH KEY\n");
		return 2;
	}
	path = argv[1];
	depth = atoi(argv[5]);
	key = argv[6];
	struct load load = {"session", path, atoi(argv[2]), atof(argv[3]), depth, open_session, one_round, close_session};
	load_run(&load);
	printf("delivered=%s\n", delivered);
	return 0;
}
