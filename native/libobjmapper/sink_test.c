/*
 * Bodies on their way into pipes, files and sockets. The kernel's ways (splice, sendfile, copy_file_range) are watched, and refused where
 * a test asks for it, by wrapping the calls when this program is linked.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "peer.h"

enum { LARGE = 3 * 1024 * 1024 + 17, FRAME = 256 * 1024, PASSED_AT = 100 };

/* ---- the wrapped calls */

static int kernel_refuses;
static size_t spliced, copied, sent, received, written;

ssize_t __real_splice(int, loff_t *, int, loff_t *, size_t, unsigned);
ssize_t __real_sendfile(int, int, off_t *, size_t);
ssize_t __real_copy_file_range(int, off_t *, int, off_t *, size_t, unsigned);
ssize_t __real_recvmsg(int, struct msghdr *, int);
ssize_t __real_write(int, const void *, size_t);

static ssize_t counted(ssize_t n, size_t *sum)
{
	*sum += n > 0 ? (size_t)n : 0;
	return n;
}

static ssize_t refused(void)
{
	errno = EINVAL;
	return -1;
}

ssize_t __wrap_splice(int from, loff_t *from_at, int to, loff_t *to_at, size_t length, unsigned flags)
{
	return kernel_refuses ? refused() : counted(__real_splice(from, from_at, to, to_at, length, flags), &spliced);
}

ssize_t __wrap_sendfile(int to, int from, off_t *at, size_t length)
{
	return kernel_refuses ? refused() : counted(__real_sendfile(to, from, at, length), &sent);
}

ssize_t __wrap_copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t length, unsigned flags)
{
	return kernel_refuses ? refused() : counted(__real_copy_file_range(from, from_at, to, to_at, length, flags), &copied);
}

ssize_t __wrap_recvmsg(int socket, struct msghdr *message, int flags) { return counted(__real_recvmsg(socket, message, flags), &received); }
ssize_t __wrap_write(int fd, const void *bytes, size_t length) { return counted(__real_write(fd, bytes, length), &written); }

static void count_anew(int refuses)
{
	kernel_refuses = refuses;
	spliced = copied = sent = received = written = 0;
}

/* ---- the body, and the peers that send it */

static unsigned char body_byte(uint64_t at) { return (unsigned char)(at * 31 + (at >> 13)); }

static unsigned char *body_of(size_t length)
{
	unsigned char *bytes = malloc(length);

	check(bytes != NULL);
	for (size_t i = 0; i < length; i++)
		bytes[i] = body_byte(i);
	return bytes;
}

static void add_first(struct wire_buffer *b, int flags, uint32_t id, enum om_mode mode, uint64_t length)
{
	size_t frame = wire_begin(b, WIRE_GET, WIRE_REPLY | flags, id, OM_OK, mode == OM_FDPASS, length);

	wire_u32(b, WIRE_MODE, mode);
	if (mode == OM_FDPASS)
		wire_pair(b, OM_DESCRIPTOR_RANGE, PASSED_AT, length);
	wire_u64(b, OM_GENERATION, 1);
	wire_end(b, frame, NULL, 0);
}

static void tell_in_frames(struct peer *p, uint32_t id, size_t length)
{
	struct wire_buffer b = { 0 };
	unsigned char *bytes = body_of(length);

	add_first(&b, WIRE_MORE, id, OM_SPLICE, length);
	tell(p, &b, NULL, 0);
	for (size_t done = 0; done < length; done += FRAME) {
		size_t n = length - done < FRAME ? length - done : FRAME;
		add(&b, WIRE_DATA, 0, id, OM_OK, 0, 0, bytes + done, n);
		tell(p, &b, NULL, 0);
	}
	add(&b, WIRE_END, 0, id, OM_OK, 0, 0, NULL, 0);
	tell(p, &b, NULL, 0);
	free(bytes);
}

/* A descriptor in which the body stands behind something else. */
static int file_with_body(size_t length)
{
	int fd = memfd_create("body", MFD_CLOEXEC);
	unsigned char *bytes = body_of(length);

	check(fd >= 0 && pwrite(fd, bytes, length, PASSED_AT) == (ssize_t)length);
	free(bytes);
	return fd;
}

static void answer_get(struct peer *p, const om_frame *f, size_t length, enum om_mode mode)
{
	struct wire_buffer b = { 0 };

	if (mode != OM_FDPASS) {
		tell_in_frames(p, f->id, length);
		return;
	}
	int fd = file_with_body(length);
	add_first(&b, 0, f->id, OM_FDPASS, length);
	tell(p, &b, &fd, 1);
	close(fd);
}

static void answer_all(struct peer *p, enum om_mode mode)
{
	om_frame f;

	for (;;) {
		struct wire_buffer b = { 0 };
		hear(p, &f);
		if (f.operation == WIRE_GET) {
			answer_get(p, &f, LARGE, mode);
			continue;
		}
		add(&b, f.operation, 0, f.id, OM_OK, 0, 0, NULL, 0);
		tell(p, &b, NULL, 0);
	}
}

static void sends_frames(struct peer *p) { answer_all(p, OM_SPLICE); }
static void passes_descriptors(struct peer *p) { answer_all(p, OM_FDPASS); }

/* ---- the sinks; what they take is read by a child, or from the file */

enum kind { PIPE, SOCKET, FILE_SINK, APPENDING, KINDS };

struct taker {
	enum kind kind;
	int sink;
	pid_t reader;
};

static int is_body(int fd, uint64_t at, size_t length)
{
	unsigned char chunk[4096];
	size_t came = 0;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		for (ssize_t i = 0; i < n; i++, came++)
			if (chunk[i] != body_byte(at + came))
				return 0;
	return n == 0 && came == length;
}

static struct taker take_into(enum kind kind, size_t length)
{
	struct taker t = { .kind = kind };
	int ends[2];

	if (kind == FILE_SINK || kind == APPENDING) {
		t.sink = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC | (kind == APPENDING ? O_APPEND : 0), 0600);
		check(t.sink >= 0 && __real_write(t.sink, "before", 6) == 6);
		return t;
	}
	check((kind == PIPE ? pipe2(ends, O_CLOEXEC) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) == 0);
	t.sink = ends[1];
	t.reader = fork();
	check(t.reader >= 0);
	if (t.reader == 0) {
		close(ends[1]);
		_exit(is_body(ends[0], 0, length) ? 0 : 1);
	}
	close(ends[0]);
	return t;
}

/* The sink has the body, behind what was there before it. */
static void expect_body(struct taker *t, size_t length)
{
	char before[6];
	int status;

	if (t->reader != 0) {
		close(t->sink);
		check(waitpid(t->reader, &status, 0) == t->reader && WIFEXITED(status) && WEXITSTATUS(status) == 0);
		return;
	}
	check(pread(t->sink, before, 6, 0) == 6 && memcmp(before, "before", 6) == 0);
	check(lseek(t->sink, 6, SEEK_SET) == 6 && is_body(t->sink, 0, length));
	close(t->sink);
}

static void fetch(om_context *c, enum kind kind)
{
	struct taker t = take_into(kind, LARGE);
	om_get_options o = { .sink = t.sink, .use_sink = 1 };
	om_reply *r = om_get(c, "key", 3, &o);

	if (r == NULL || r->status != OM_OK)
		fprintf(stderr, "%s\n", r == NULL ? c->errstr : r->message);
	check(r != NULL && r->status == OM_OK && r->sink_error == 0 && r->body == NULL && r->fd == -1 && r->body_length == LARGE);
	om_reply_free(r);
	expect_body(&t, LARGE);
	r = om_ping(c);
	check(r != NULL && r->status == OM_OK);
	om_reply_free(r);
}

/* ---- what is expected */

static void frames_reach_every_sink_without_passing_through_the_process(void)
{
	pid_t child;
	om_context *c = connect_to(sends_frames, NULL, &child);

	for (enum kind kind = PIPE; kind < KINDS; kind++) {
		count_anew(0);
		fetch(c, kind);
		check(received < 64 * (LARGE / FRAME + 8)); /* headers alone */
		check(spliced >= LARGE && written == (kind == APPENDING ? LARGE : 0));
	}
	end(c, child);
}

static void frames_reach_every_sink_where_the_kernel_refuses_to_splice(void)
{
	pid_t child;
	om_context *c = connect_to(sends_frames, NULL, &child);

	for (enum kind kind = PIPE; kind < KINDS; kind++) {
		count_anew(1);
		fetch(c, kind);
		check(spliced == 0 && written == LARGE && received > LARGE);
	}
	end(c, child);
}

static void passed_descriptors_reach_every_sink_without_passing_through_the_process(void)
{
	pid_t child;
	om_context *c = connect_to(passes_descriptors, NULL, &child);

	for (enum kind kind = PIPE; kind < KINDS; kind++) {
		count_anew(0);
		fetch(c, kind);
		check(copied + sent + written == LARGE && written == (kind == APPENDING ? LARGE : 0));
	}
	end(c, child);
}

static void passed_descriptors_reach_every_sink_where_the_kernel_refuses_to_copy(void)
{
	pid_t child;
	om_context *c = connect_to(passes_descriptors, NULL, &child);

	for (enum kind kind = PIPE; kind < KINDS; kind++) {
		count_anew(1);
		fetch(c, kind);
		check(copied + sent == 0 && written == LARGE);
	}
	end(c, child);
}

/* No pipe can be made where the process has no more room for descriptors. */
static void without_room_for_a_pipe_frames_still_reach_the_sink(void)
{
	struct rlimit before, low;
	pid_t child;
	om_context *c = connect_to(sends_frames, NULL, &child);
	struct taker t = take_into(PIPE, LARGE);
	om_get_options o = { .sink = t.sink, .use_sink = 1 };

	count_anew(0);
	check(getrlimit(RLIMIT_NOFILE, &before) == 0);
	low = before;
	low.rlim_cur = (rlim_t)t.sink + 1;
	check(setrlimit(RLIMIT_NOFILE, &low) == 0);
	om_reply *r = om_get(c, "key", 3, &o);
	check(setrlimit(RLIMIT_NOFILE, &before) == 0);
	check(r != NULL && r->status == OM_OK && r->body_length == LARGE && written == LARGE && spliced == 0);
	om_reply_free(r);
	expect_body(&t, LARGE);
	end(c, child);
}

/* ---- sinks that fail */

static void expect_sink_error(om_context *c, int sink, int error)
{
	om_get_options o = { .sink = sink, .use_sink = 1 };
	om_reply *r = om_get(c, "key", 3, &o);

	check(r != NULL && r->status == OM_IO_ERROR && r->sink_error == error && strstr(r->message, strerror(error)) != NULL);
	check(r->body == NULL && r->fd == -1 && r->body_length < LARGE);
	om_reply_free(r);
	r = om_ping(c); /* the session goes on */
	check(r != NULL && r->status == OM_OK);
	om_reply_free(r);
}

/* SIGPIPE would kill this test. */
static void a_sink_that_nobody_reads_is_an_error_of_that_request_alone(void (*behaviour)(struct peer *))
{
	pid_t child;
	om_context *c = connect_to(behaviour, NULL, &child);
	int ends[2], twins[2];

	for (int refuses = 0; refuses < 2; refuses++) {
		count_anew(refuses);
		check(pipe2(ends, O_CLOEXEC) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, twins) == 0);
		close(ends[0]);
		close(twins[0]);
		expect_sink_error(c, ends[1], EPIPE);
		expect_sink_error(c, twins[1], EPIPE);
		close(ends[1]);
		close(twins[1]);
	}
	end(c, child);
}

static void a_full_sink_is_an_error_of_that_request_alone(void (*behaviour)(struct peer *))
{
	pid_t child;
	om_context *c = connect_to(behaviour, NULL, &child);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);

	count_anew(0);
	expect_sink_error(c, full, ENOSPC);
	expect_sink_error(c, closed, EBADF);
	close(full);
	close(closed);
	end(c, child);
}

static void a_sink_that_never_takes_anything_times_out(void (*behaviour)(struct peer *))
{
	om_options options = { .timeout_millis = 200 };
	pid_t child;
	om_context *c = connect_to(behaviour, &options, &child);
	int ends[2];

	for (int refuses = 0; refuses < 2; refuses++) {
		count_anew(refuses);
		check(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
		expect_sink_error(c, ends[1], ETIMEDOUT);
		close(ends[0]);
		close(ends[1]);
	}
	end(c, child);
}

static void a_blocked_sigpipe_that_was_pending_stays_pending(void)
{
	pid_t child;
	om_context *c = connect_to(sends_frames, NULL, &child);
	sigset_t pipe_signal, before, pending;
	int ends[2], signal;

	count_anew(0);
	check(pipe2(ends, O_CLOEXEC) == 0 && close(ends[0]) == 0);
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	check(sigprocmask(SIG_BLOCK, &pipe_signal, &before) == 0 && raise(SIGPIPE) == 0);
	expect_sink_error(c, ends[1], EPIPE);
	check(sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1);
	check(sigwait(&pipe_signal, &signal) == 0 && sigprocmask(SIG_SETMASK, &before, NULL) == 0);
	close(ends[1]);
	end(c, child);
}

/* ---- bodies beside other answers */

enum { OTHERS = 20 };

/* Waits for all GETs; then one message carries the first bytes of the body and the descriptors of all others. */
static void mixes_descriptors_with_a_body(struct peer *p)
{
	struct wire_buffer b = { 0 };
	unsigned char *bytes = body_of(LARGE);
	int fds[OTHERS];
	om_frame f;

	hear(p, &f);
	uint32_t first = f.id;
	add_first(&b, WIRE_MORE, first, OM_COPY, LARGE);
	add(&b, WIRE_DATA, 0, first, OM_OK, 0, 0, bytes, LARGE / 4);
	for (int i = 0; i < OTHERS; i++) {
		hear(p, &f);
		fds[i] = file_with_body(9);
		add_first(&b, 0, f.id, OM_FDPASS, 9);
	}
	tell(p, &b, fds, OTHERS);
	for (size_t done = LARGE / 4; done < LARGE; done += FRAME) {
		add(&b, WIRE_DATA, 0, first, OM_OK, 0, 0, bytes + done, LARGE - done < FRAME ? LARGE - done : FRAME);
		tell(p, &b, NULL, 0);
	}
	add(&b, WIRE_END, 0, first, OM_OK, 0, 0, NULL, 0);
	tell(p, &b, NULL, 0);
	hear(p, &f);
}

static void descriptors_that_come_with_a_body_are_not_lost(void)
{
	pid_t child;
	om_context *c = connect_to(mixes_descriptors_with_a_body, NULL, &child);
	struct taker t = take_into(PIPE, LARGE);
	om_get_options o = { .sink = t.sink, .use_sink = 1 };
	int descriptors = 0;

	count_anew(0);
	check(om_append_get(c, "key", 3, &o, NULL) == 0);
	for (int i = 0; i < OTHERS; i++)
		check(om_append_get(c, "key", 3, NULL, NULL) == 0);
	for (int i = 0; i <= OTHERS; i++) {
		om_reply *r = om_get_reply(c);
		check(r != NULL && r->status == OM_OK);
		descriptors += r->fd >= 0;
		om_reply_free(r);
	}
	check(descriptors == OTHERS && spliced > 0); /* once the others were answered the rest was spliced */
	expect_body(&t, LARGE);
	end(c, child);
}

/* Every request is a GET; the answers come whole, one after the other. */
static void several_sinks_get_a_body_each(void)
{
	pid_t child;
	om_context *c = connect_to(sends_frames, NULL, &child);
	struct taker takers[KINDS];

	count_anew(0);
	for (enum kind kind = PIPE; kind < KINDS; kind++) {
		takers[kind] = take_into(kind, LARGE);
		om_get_options o = { .sink = takers[kind].sink, .use_sink = 1 };
		check(om_append_get(c, "key", 3, &o, NULL) == 0 && om_append_ping(c, NULL) == 0);
	}
	for (int i = 0; i < 2 * KINDS; i++) {
		om_reply *r = om_get_reply(c);
		check(r != NULL && r->status == OM_OK);
		om_reply_free(r);
	}
	/* Last to first: an earlier pipe's writing end is open in the readers of later ones. */
	for (int kind = KINDS - 1; kind >= 0; kind--)
		expect_body(&takers[kind], LARGE);
	end(c, child);
}

/* ---- servers that break off */

static void breaks_off(struct peer *p)
{
	struct wire_buffer b = { 0 };
	unsigned char *bytes = body_of(LARGE);
	om_frame f;

	hear(p, &f);
	add_first(&b, WIRE_MORE, f.id, OM_SPLICE, LARGE);
	size_t frame = b.length;
	add(&b, WIRE_DATA, 0, f.id, OM_OK, 0, 0, bytes, FRAME);
	b.length = frame + WIRE_HEADER + 1000;
	tell(p, &b, NULL, 0);
	free(bytes);
}

static void stalls(struct peer *p)
{
	om_frame f;

	breaks_off(p);
	hear(p, &f);
}

static void sends_more_than_announced(struct peer *p)
{
	struct wire_buffer b = { 0 };
	om_frame f;

	hear(p, &f);
	add_first(&b, WIRE_MORE, f.id, OM_SPLICE, 4);
	add(&b, WIRE_DATA, 0, f.id, OM_OK, 0, 0, "01234", 5);
	tell(p, &b, NULL, 0);
	hear(p, &f);
}

static void expect_failure(void (*behaviour)(struct peer *), int use_sink, int error)
{
	om_options options = { .timeout_millis = 200 };
	pid_t child;
	om_context *c = connect_to(behaviour, &options, &child);
	om_get_options o = { .sink = open("/dev/null", O_WRONLY | O_CLOEXEC), .use_sink = use_sink };

	count_anew(0);
	check(om_get(c, "key", 3, &o) == NULL && c->err == error && c->errstr[0] != '\0');
	check(om_get(c, "key", 3, NULL) == NULL && c->err == error); /* the session is over */
	close(o.sink);
	end(c, child);
}

static void a_body_that_breaks_off_is_never_an_answer(void)
{
	for (int use_sink = 0; use_sink < 2; use_sink++) {
		expect_failure(breaks_off, use_sink, ECONNRESET);
		expect_failure(stalls, use_sink, ETIMEDOUT);
		expect_failure(sends_more_than_announced, use_sink, EPROTO);
	}
}

int main(void)
{
	int before = open_descriptors();

	frames_reach_every_sink_without_passing_through_the_process();
	frames_reach_every_sink_where_the_kernel_refuses_to_splice();
	passed_descriptors_reach_every_sink_without_passing_through_the_process();
	passed_descriptors_reach_every_sink_where_the_kernel_refuses_to_copy();
	without_room_for_a_pipe_frames_still_reach_the_sink();
	a_sink_that_nobody_reads_is_an_error_of_that_request_alone(sends_frames);
	a_sink_that_nobody_reads_is_an_error_of_that_request_alone(passes_descriptors);
	a_full_sink_is_an_error_of_that_request_alone(sends_frames);
	a_full_sink_is_an_error_of_that_request_alone(passes_descriptors);
	a_sink_that_never_takes_anything_times_out(sends_frames);
	a_sink_that_never_takes_anything_times_out(passes_descriptors);
	a_blocked_sigpipe_that_was_pending_stays_pending();
	descriptors_that_come_with_a_body_are_not_lost();
	several_sinks_get_a_body_each();
	a_body_that_breaks_off_is_never_an_answer();
	check(open_descriptors() == before);
	puts("sink: all passed");
	return 0;
}
