/*
 * Arbitrary bytes instead of what a server would send: to the reader, and to a session with requests in flight. Both libFuzzer and
 * fuzz_test.c call this. What comes out must lie where it says, and be the same whether the bytes come at once or in pieces, without a
 * socket or over one, and whether bodies go to memory or to sinks; no descriptor may stay open.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "fdpass.h"
#include "session.h"
#include "testing.h"

enum { FIRST_FD = 100, PASSED_LENGTH = 64, MOST_PIECE = 97 };

struct input {
	const unsigned char *bytes;
	size_t length;
	unsigned choices, fd_count, cuts;
};

/* ---- what comes out, as one number to compare */

struct outcome {
	uint64_t hash;
	unsigned count;
};

/* FNV-1a; each byte is read, so that a sanitizer sees what lies outside its memory. */
static void note(struct outcome *o, const void *bytes, size_t length)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < length; i++)
		o->hash = (o->hash ^ p[i]) * UINT64_C(0x100000001b3);
}

static void note_number(struct outcome *o, uint64_t value) { note(o, &value, sizeof value); }

static void expect_sentence(const char errstr[256])
{
	size_t length = strnlen(errstr, 256);
	check(length > 0 && length < 256);
}

/* ---- descriptors: what comes with the bytes is a copy of one file, at a number of its own */

static int passed = -1, sinks[2] = { -1, -1 };

static void open_files(void)
{
	static const unsigned char bytes[PASSED_LENGTH];

	if (passed >= 0)
		return;
	passed = memfd_create("passed", MFD_CLOEXEC);
	check(passed >= 0 && write(passed, bytes, sizeof bytes) == sizeof bytes);
	for (int i = 0; i < 2; i++)
		check((sinks[i] = memfd_create("sink", MFD_CLOEXEC)) >= 0);
}

static void open_passed(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		check((fds[i] = fcntl(passed, F_DUPFD_CLOEXEC, FIRST_FD)) == FIRST_FD + (int)i);
}

/* Which descriptors are open where the kernel gives new ones, and where these copies are: a bit each. */
static uint64_t open_now(void)
{
	uint64_t open = 0;

	for (int i = 0; i < 32; i++)
		open |= (uint64_t)(fcntl(i, F_GETFD) >= 0) << i;
	for (int i = 0; i < FUZZ_FDS; i++)
		open |= (uint64_t)(fcntl(FIRST_FD + i, F_GETFD) >= 0) << (32 + i);
	return open;
}

/* How long the next piece is. */
static size_t next_piece(unsigned *cuts, size_t left)
{
	size_t n;

	*cuts = *cuts * 1103515245 + 12345;
	n = 1 + (*cuts >> 16) % MOST_PIECE;
	return n < left ? n : left;
}

/* ---- the reader */

static void note_frame(struct outcome *o, const om_frame *f)
{
	const unsigned char *value;
	size_t length;
	int type;

	check(f->length == WIRE_HEADER + f->metadata_length + f->body_length);
	check((f->fds == 1) == (f->fd >= 0));
	note_number(o, f->id);
	note_number(o, (uint64_t)f->operation << 32 | (uint64_t)f->flags << 16 | (uint64_t)f->status);
	note_number(o, f->object_length);
	note(o, f->body, f->body_length);
	for (size_t at = 0; wire_next(f->metadata, f->metadata_length, &at, &type, &value, &length);) {
		note_number(o, (uint64_t)type);
		note(o, value, length);
	}
	o->count++;
}

static int drain_reader(om_reader *r, struct outcome *o)
{
	char why[256] = "";
	om_frame f;
	int result;

	while ((result = om_reader_next(r, &f, why)) == 1) {
		note_frame(o, &f);
		if (f.fd >= 0)
			close(f.fd);
	}
	if (result < 0) {
		expect_sentence(why);
		note(o, why, strlen(why));
	}
	return result;
}

static struct outcome read_frames(const struct input *in, int in_pieces)
{
	struct outcome o = { 0 };
	om_reader *r = om_reader_new(0);
	unsigned cuts = in->cuts, fd_count = in->fd_count; /* the descriptors come with the first piece */
	int fds[FUZZ_FDS], result = 0;

	check(r != NULL);
	open_passed(fds, fd_count);
	for (size_t at = 0, n; at < in->length && result == 0; at += n, fd_count = 0) {
		n = in_pieces ? next_piece(&cuts, in->length - at) : in->length;
		check(om_reader_feed(r, in->bytes + at, n, fds, fd_count) == 0);
		result = drain_reader(r, &o);
	}
	om_reader_free(r);
	return o;
}

static void fuzz_reader(const struct input *in)
{
	struct outcome whole = read_frames(in, 0), pieces = read_frames(in, 1);

	check(whole.hash == pieces.hash && whole.count == pieces.count);
}

/* ---- a session */

enum way { WHOLE, IN_PIECES, OVER_A_SOCKET, INTO_SINKS };

static void empty_sinks(void)
{
	for (int i = 0; i < 2; i++)
		check(ftruncate(sinks[i], 0) == 0 && lseek(sinks[i], 0, SEEK_SET) == 0);
}

/* One request of each kind, with the ids of fuzz.h. */
static void ask_everything(om_context *c, unsigned choices, enum way way)
{
	om_get_options first = { .sink = sinks[0], .use_sink = way == INTO_SINKS }, second = { .sink = sinks[1], .use_sink = way == INTO_SINKS };

	check(om_append_get(c, "k", 1, &first, NULL) == 0);
	check(om_append_head(c, "k", 1, NULL, NULL) == 0);
	check(om_append_put(c, "k", 1, "b", 1, NULL, NULL) == 0);
	check(om_append_delete(c, "k", 1, 0, NULL) == 0);
	check(om_append_list(c, NULL, 0, NULL, 0, 0, NULL) == 0);
	check(om_append_purge_key(c, "k", 1, 0, NULL) == 0);
	check(om_append_touch(c, "k", 1, NULL, NULL) == 0);
	check(om_append_stat(c, NULL) == 0);
	check(om_append_ping(c, NULL) == 0);
	check(om_append_cancel(c, 1, NULL) == 0);
	check(om_append_goodbye(c, NULL) == 0);
	if (choices & FUZZ_SECOND_GET)
		check(om_append_get(c, "k", 1, &second, NULL) == 0);
}

/* The session that was detached has a socket from now on; the bytes stand in it, and then it ends. */
static int give_socket(om_context *c, const struct input *in)
{
	struct om_session *s = c->session;
	int ends[2], fds[FUZZ_FDS];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	s->socket = ends[0];
	s->detached = 0;
	open_passed(fds, in->fd_count);
	check(fdpass_send(ends[1], in->bytes, in->length, fds, in->fd_count, 0) == (ssize_t)in->length);
	for (unsigned i = 0; i < in->fd_count; i++)
		close(fds[i]);
	check(shutdown(ends[1], SHUT_WR) == 0);
	return ends[1];
}

static void note_sink(struct outcome *o, const om_reply *r)
{
	int sink = sinks[r->id != FUZZ_GET];
	unsigned char chunk[4096];
	size_t length = 0;
	ssize_t n;

	check(r->body == NULL && r->fd == -1 && lseek(sink, 0, SEEK_SET) == 0);
	for (; (n = read(sink, chunk, sizeof chunk)) > 0; length += (size_t)n)
		note(o, chunk, (size_t)n);
	check(n == 0 && length == r->body_length);
}

static void note_listing(const om_reply *r, struct outcome *o)
{
	om_list_entry e;
	size_t position = 0;
	int result;

	while ((result = om_list_next(r, &position, &e)) == 1)
		note(o, e.key, e.key_length);
	check(position <= r->body_length && (result < 0 || position == r->body_length));
}

static void note_reply(struct outcome *o, const om_reply *r, enum way way)
{
	om_variant v;
	size_t length;

	note_number(o, (uint64_t)r->id << 32 | (uint64_t)r->operation);
	note_number(o, r->object_length);
	note_number(o, r->length);
	note(o, r->metadata, r->metadata_length);
	for (int type = 0; type <= UINT8_MAX + OM_EVICTABLE; type++) {
		const void *value = om_find(r, type, 0, &length);
		check(value != NULL || om_find_u64(r, type, 7) == 7);
	}
	for (unsigned n = 0; om_find_variant(r, n, &v); n++) {
		note(o, v.name, v.name_length);
		note(o, v.value, v.value_length);
	}
	check(om_status_name(r->status) != NULL && om_status_errno(r->status) >= 0);
	if (r->message != NULL)
		check(strlen(r->message) <= 1024);
	/* A body that came as a descriptor may be shorter than it says, which only one who reads it can tell. */
	if (way == INTO_SINKS && r->operation == WIRE_GET)
		note_sink(o, r);
	else if (r->fd < 0)
		note(o, r->body, r->body_length);
	if (r->operation == WIRE_LIST)
		note_listing(r, o);
	check(r->operation != WIRE_GET || r->status != OM_OK || r->fd >= 0 || r->length == OM_UNBOUNDED || r->body_length == r->length);
	o->count++;
}

static void take_replies(om_context *c, struct outcome *o, enum way way)
{
	for (om_reply *r; (r = om_get_reply(c)) != NULL; om_reply_free(r))
		note_reply(o, r, way);
}

static void input_all(om_context *c, const struct input *in, int in_pieces)
{
	unsigned cuts = in->cuts, fd_count = in->fd_count;
	int fds[FUZZ_FDS], result = 0;

	open_passed(fds, fd_count);
	for (size_t at = 0, n; at < in->length && result == 0; at += n, fd_count = 0) {
		n = in_pieces ? next_piece(&cuts, in->length - at) : in->length;
		result = om_input(c, in->bytes + at, n, fds, fd_count);
		check((result < 0) == (c->err != 0));
	}
}

static struct outcome run_session(const struct input *in, enum way way)
{
	struct outcome o = { 0 };
	om_context *c = om_detached(NULL);
	int peer = -1;

	check(c != NULL && c->err == 0);
	empty_sinks();
	ask_everything(c, in->choices, way);
	if (way == WHOLE || way == IN_PIECES)
		input_all(c, in, way == IN_PIECES);
	else
		peer = give_socket(c, in);
	take_replies(c, &o, way);
	check(c->err != 0 || peer < 0 || o.count == (in->choices & FUZZ_SECOND_GET ? FUZZ_REQUESTS : FUZZ_REQUESTS - 1));
	if (c->err != 0) {
		expect_sentence(c->errstr);
		check(om_append_ping(c, NULL) < 0 && om_ping(c) == NULL);
	}
	om_free(c);
	if (peer >= 0)
		close(peer);
	return o;
}

/* A sink gets what the reply would have; what a passed descriptor lacks shows only there. */
static void fuzz_session(const struct input *in)
{
	struct outcome whole = run_session(in, WHOLE);
	enum way last = in->fd_count > 0 ? OVER_A_SOCKET : INTO_SINKS;

	for (enum way way = IN_PIECES; way <= last; way++) {
		struct outcome other = run_session(in, way);
		check(whole.hash == other.hash && whole.count == other.count);
	}
	if (in->fd_count > 0)
		run_session(in, INTO_SINKS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length <= FUZZ_CONTROL || length > FUZZ_MOST)
		return 0;
	struct input in = { .bytes = bytes + FUZZ_CONTROL, .length = length - FUZZ_CONTROL, .choices = bytes[0], .fd_count = bytes[1] % (FUZZ_FDS + 1), .cuts = bytes[2] };

	open_files();
	uint64_t open_before = open_now();
	if (in.choices & FUZZ_SESSION)
		fuzz_session(&in);
	else
		fuzz_reader(&in);
	check(open_now() == open_before);
	return 0;
}
