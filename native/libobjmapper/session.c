/* Requests on their way, and what waits for their answers. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fdpass.h"
#include "session.h"

enum { FLUSH_FROM = 64 * 1024 };

int context_fail(om_context *c, int error, const char *format, ...)
{
	va_list arguments;

	c->err = error;
	va_start(arguments, format);
	vsnprintf(c->errstr, sizeof c->errstr, format, arguments);
	va_end(arguments);
	return -1;
}

int context_refuse(om_context *c, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(c->errstr, sizeof c->errstr, format, arguments);
	va_end(arguments);
	return -1;
}

static int timed_out(om_context *c, const char *what)
{
	return context_fail(c, ETIMEDOUT, "the server did not %s within %d ms; connect anew", what, c->session->timeout_millis);
}

/* What the socket is ready for, of events; negative on failure. */
static int wait_for(om_context *c, short events, const char *what)
{
	struct pollfd p = { .fd = c->session->socket, .events = events };
	int n;

	do
		n = poll(&p, 1, c->session->timeout_millis);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return context_fail(c, errno, "poll: %s", strerror(errno));
	if (n == 0)
		return timed_out(c, what);
	return p.revents;
}

static int server_is_gone(om_context *c)
{
	unsigned unanswered = 0;

	if (c->session->farewell != 0)
		return context_fail(c, c->session->farewell, "%s", c->session->farewell_text);
	for (const struct pending *p = c->session->pending; p != NULL; p = p->next)
		unanswered++;
	return context_fail(c, ECONNRESET, "the server closed the session with %u request%s unanswered; connect anew", unanswered, unanswered == 1 ? "" : "s");
}

static int cannot_keep(om_context *c, int error)
{
	return context_fail(c, error, "cannot keep what the server sent: %s", strerror(error));
}

/* Waits for up to so many bytes, which are put where the reader has room, but not fed; the reader gets the descriptors. How many; -1 when the session failed. */
static ssize_t receive(om_context *c, size_t length, unsigned char **bytes)
{
	struct om_session *s = c->session;
	int fds[FDPASS_MAX];
	unsigned count;

	if (length > INPUT_ROOM)
		length = INPUT_ROOM;
	*bytes = reader_room(s->reader, length);
	if (*bytes == NULL)
		return cannot_keep(c, ENOMEM);
	ssize_t n = fdpass_receive(s->socket, *bytes, length, fds, FDPASS_MAX, &count, 0);
	if (n == -EAGAIN)
		return timed_out(c, "answer");
	if (n <= 0) {
		for (unsigned i = 0; i < count; i++)
			close(fds[i]);
		if (n == -EMFILE)
			return context_fail(c, EMFILE, "descriptors were lost: this process has no room for more open files; raise its limit (ulimit -n) or close some, and connect anew");
		if (n == 0 || c->session->farewell != 0)
			return server_is_gone(c);
		return context_fail(c, (int)-n, "cannot receive from the server: %s", strerror((int)-n));
	}
	int r = reader_feed_descriptors(s->reader, fds, count);
	return r < 0 ? cannot_keep(c, -r) : n;
}

/* Up to so many bytes for the reader. */
static int receive_some(om_context *c, size_t length)
{
	unsigned char *bytes;
	ssize_t n = receive(c, length, &bytes);

	if (n < 0)
		return -1;
	reader_fed(c->session->reader, (size_t)n);
	return 0;
}

/* ---- a body that need not pass through this process */

/* splice(2) would lose descriptors that come with its bytes. None can where no GET but this one is in flight. */
static int can_splice(struct om_session *s)
{
	if (s->gets != 1 || s->moving->reply->sink_error != 0)
		return 0;
	if (s->pipe[0] < 0 && pipe2(s->pipe, O_CLOEXEC) == 0)
		(void)fcntl(s->pipe[1], F_SETPIPE_SZ, INPUT_ROOM); /* larger is only faster */
	return s->pipe[0] >= 0;
}

void context_close_pipe(om_context *c)
{
	struct om_session *s = c->session;

	if (s->pipe[0] >= 0) {
		close(s->pipe[0]);
		close(s->pipe[1]);
	}
	s->pipe[0] = s->pipe[1] = -1;
}

/* Some of the body that is moving goes from the socket to its sink. */
static int move_some(om_context *c)
{
	struct om_session *s = c->session;
	ssize_t n = -1;

	if (can_splice(s)) {
		do
			n = splice(s->socket, NULL, s->pipe[1], NULL, s->to_move, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			return context_splice_moving(c, (size_t)n);
		if (n < 0 && errno == EAGAIN)
			return wait_for(c, POLLIN, "send the rest of the body") < 0 ? -1 : 0;
	}
	unsigned char *bytes;
	n = receive(c, s->to_move, &bytes);
	return n > 0 ? context_take_moving(c, bytes, (size_t)n) : (int)n;
}

/* Receives no byte of a body into the reader: up to the end of the next frame's metadata, then the body by itself. */
static int receive_for_sink(om_context *c)
{
	struct om_session *s = c->session;
	om_frame f;
	size_t lacking, to_come = 0;
	int r = reader_look(s->reader, &f, &lacking, c->errstr);

	if (r == 0)
		return receive_some(c, lacking);
	struct pending *p = r == 1 ? pending_find(s->pending, f.id) : NULL;
	if (p != NULL && p->use_sink && (f.operation == WIRE_GET || f.operation == WIRE_DATA))
		r = reader_take_head(s->reader, &f, &to_come, c->errstr);
	else if (r == 1 && reader_holds(s->reader) < f.length)
		return receive_some(c, f.length - reader_holds(s->reader));
	else if (r == 1)
		r = om_reader_next(s->reader, &f, c->errstr);
	if (r < 0) {
		c->err = -r;
		return -1;
	}
	return context_take_head(c, &f, to_come);
}

/* Waits for something from the server, where the reader has no whole frame. */
static int receive_more(om_context *c)
{
	struct om_session *s = c->session;

	if (s->moving != NULL)
		return move_some(c);
	return s->sinks > 0 && s->gets == 1 ? receive_for_sink(c) : receive_some(c, INPUT_ROOM);
}

int context_receive(om_context *c)
{
	int r = context_take_frame(c);

	if (r == 0)
		r = receive_more(c);
	return r < 0 || context_take_frames(c) < 0 ? -1 : 0;
}

/* The server may be waiting for its answers to be read before it reads on: both ways move, or neither would. */
static int wait_to_send(om_context *c)
{
	int ready = wait_for(c, POLLIN | POLLOUT, "take the request");
	return ready < 0 || ((ready & POLLIN) && context_receive(c) < 0) ? -1 : 0;
}

/* The server hung up; what it said before that tells more than the error. */
static int say_why_it_closed(om_context *c)
{
	while (context_receive(c) == 0)
		;
	return -1;
}

/* How much of what is queued goes out together: up to the next frame that brings a descriptor, which goes with its first byte. */
static size_t output_length(const struct om_session *s)
{
	const struct passed *p = s->passed;
	if (p != NULL && p->frame == s->out_sent)
		p = p->next;
	return (p != NULL ? p->frame : s->out.length) - s->out_sent;
}

static void drop_first_passed(struct om_session *s)
{
	struct passed *p = s->passed;
	s->passed = p->next;
	if (s->passed == NULL)
		s->passed_tail = &s->passed;
	close(p->fd);
	free(p);
}

/* So much of what is queued was sent, and the descriptor that goes with its first byte. */
static void sent(struct om_session *s, size_t length)
{
	if (length > 0 && s->passed != NULL && s->passed->frame == s->out_sent)
		drop_first_passed(s);
	s->out_sent += length;
	if (s->out_sent == s->out.length)
		s->out.length = s->out_sent = 0;
}

void context_drop_output(om_context *c)
{
	while (c->session->passed != NULL)
		drop_first_passed(c->session);
	wire_free(&c->session->out);
}

int context_send(om_context *c)
{
	struct om_session *s = c->session;

	if (c->err != 0)
		return -1;
	/* A failure must not lose the answers that came before it. */
	if ((s->out.failed || s->out.length > 0) && context_take_frames(c) < 0)
		return -1;
	if (s->out.failed)
		return context_fail(c, ENOMEM, "no memory for the request");
	if (s->detached)
		return 0;
	while (s->out_sent < s->out.length) {
		int fd = om_output_fd(c);
		ssize_t n = fdpass_send(s->socket, s->out.bytes + s->out_sent, output_length(s), &fd, fd >= 0, MSG_DONTWAIT);
		if (n == -EAGAIN) {
			if (wait_to_send(c) < 0)
				return -1;
			continue;
		}
		if (n == -EPIPE || n == -ECONNRESET)
			return say_why_it_closed(c);
		if (n < 0)
			return context_fail(c, (int)-n, "cannot send to the server: %s", strerror((int)-n));
		sent(s, (size_t)n);
	}
	return 0;
}

int om_flush(om_context *c) { return context_send(c); }

static struct pending *add_pending(struct om_session *s, int operation, uint32_t id)
{
	struct pending *p = s->spare != NULL ? s->spare : malloc(sizeof *p);
	if (p == NULL)
		return NULL;
	if (p == s->spare)
		s->spare = p->next;
	*p = (struct pending){ .id = id, .operation = operation };
	s->gets += operation == WIRE_GET;
	*s->pending_tail = p;
	s->pending_tail = &p->next;
	return p;
}

static void unlink_from(struct pending **list, struct pending ***tail, struct pending *gone)
{
	struct pending **at = list;
	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	if (*at == NULL)
		*tail = at;
}

static void leave_pending(struct om_session *s, struct pending *p)
{
	unlink_from(&s->pending, &s->pending_tail, p);
	s->gets -= p->operation == WIRE_GET;
	s->sinks -= p->use_sink != 0;
}

/* Its answer is complete and waits to be taken. */
void context_complete(om_context *c, struct pending *p)
{
	struct om_session *s = c->session;

	leave_pending(s, p);
	p->next = NULL;
	*s->done_tail = p;
	s->done_tail = &p->next;
}

static om_reply *take_done(struct om_session *s, struct pending *p)
{
	om_reply *reply = p->reply;
	unlink_from(&s->done, &s->done_tail, p);
	p->reply = NULL;
	p->next = s->spare;
	s->spare = p;
	return reply;
}

struct pending *pending_find(struct pending *list, uint32_t id)
{
	while (list != NULL && list->id != id)
		list = list->next;
	return list;
}

size_t context_begin(om_context *c, int operation, int flags, int fds, uint64_t object_length, uint32_t *id)
{
	struct om_session *s = c->session;

	do
		s->next_id = s->next_id == UINT32_MAX ? 1 : s->next_id + 1;
	while (s->wrapped && pending_find(s->pending, s->next_id) != NULL);
	s->wrapped |= s->next_id == UINT32_MAX;
	*id = s->next_id;
	s->newest = add_pending(s, operation, *id);
	if (s->newest == NULL)
		s->out.failed = 1;
	/* The first of those that are sent together says where they come from (protocol-spec.md 2.6). */
	int processor = s->out.length == 0 ? sched_getcpu() + 1 : 0;
	return wire_begin(&s->out, operation, flags, *id, processor, fds, object_length);
}

/* A request that was begun and will not be sent. */
static void take_back(struct om_session *s, size_t frame)
{
	const unsigned char *header = s->out.bytes + frame;
	struct pending *p = pending_find(s->pending, wire_get32(header + 8));

	if (p != NULL && p->operation == header[4]) {
		leave_pending(s, p);
		free(p);
	}
	s->out.length = frame;
}

/* What breaks a limit would end the session if it were sent. */
static int end_frame(om_context *c, size_t frame, const void *body, size_t body_length)
{
	struct om_session *s = c->session;

	if (s->out.failed) {
		(void)context_send(c); /* says so */
		return -1;
	}
	size_t metadata = s->out.length - frame - WIRE_HEADER;
	int refused = metadata > WIRE_MAX_METADATA;
	if (refused)
		context_refuse(c, "metadata of %zu bytes; a request has up to %d", metadata, WIRE_MAX_METADATA);
	else if (c->err == 0)
		refused = om_metadata_check(s->out.bytes + frame + WIRE_HEADER, metadata, c->errstr) < 0;
	if (c->err != 0 || refused) {
		take_back(s, frame);
		return -1;
	}
	wire_end(&s->out, frame, body, body_length);
	return s->out.failed ? context_send(c) : 0;
}

int context_end(om_context *c, size_t frame, const void *body, size_t body_length)
{
	if (end_frame(c, frame, body, body_length) < 0)
		return -1;
	return c->session->out.length - c->session->out_sent >= FLUSH_FROM ? context_send(c) : 0;
}

int context_end_with(om_context *c, size_t frame, int fd)
{
	struct om_session *s = c->session;
	struct passed *p = malloc(sizeof *p);
	int own = p != NULL ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (own < 0) {
		context_refuse(c, "cannot keep descriptor %d until it is sent: %s", fd, strerror(errno));
		free(p);
		take_back(s, frame);
		return -1;
	}
	*p = (struct passed){ .frame = frame, .fd = own };
	if (end_frame(c, frame, NULL, 0) < 0) {
		close(own);
		free(p);
		return -1;
	}
	*s->passed_tail = p;
	s->passed_tail = &p->next;
	return 0;
}

static void nothing_in_flight(om_context *c)
{
	snprintf(c->errstr, sizeof c->errstr, "no request is in flight");
}

/* Answers are taken in one by one, as they are asked for: their memory is then what the one before has just given back. */
static void take_an_answer(om_context *c)
{
	struct om_session *s = c->session;
	int r = 0;

	while (s->done == NULL && r >= 0) {
		r = context_take_frame(c);
		if (r == 0)
			r = context_send(c) < 0 || s->detached ? -1 : 0;
		if (r == 0 && s->done == NULL)
			r = receive_more(c);
	}
}

om_reply *om_get_reply(om_context *c)
{
	struct om_session *s = c->session;

	if (c->err == 0 && s->done == NULL && s->pending == NULL) {
		nothing_in_flight(c);
		return NULL;
	}
	take_an_answer(c);
	/* What fails may have brought answers before. */
	om_reply *reply = s->done != NULL ? take_done(s, s->done) : NULL;
	if (s->pending == NULL)
		(void)context_take_frames(c); /* a GOODBYE */
	return reply;
}

om_reply *context_wait(om_context *c, uint32_t id)
{
	struct om_session *s = c->session;
	struct pending *p;
	int r = context_send(c);

	while ((p = pending_find(s->done, id)) == NULL && r == 0 && !s->detached)
		r = context_receive(c);
	return p != NULL ? take_done(s, p) : NULL;
}

int context_is_answered(om_context *c, uint32_t id)
{
	struct pollfd p = { .fd = c->session->socket, .events = POLLIN };

	if (context_take_frames(c) < 0)
		return -1;
	if (!c->session->detached && poll(&p, 1, 0) > 0 && context_receive(c) < 0)
		return -1;
	return pending_find(c->session->done, id) != NULL;
}

/* ---- without a socket */

const void *om_output(om_context *c, size_t *length)
{
	struct om_session *s = c->session;
	*length = output_length(s);
	return *length > 0 ? s->out.bytes + s->out_sent : NULL;
}

int om_output_fd(const om_context *c)
{
	const struct passed *p = c->session->passed;
	return p != NULL && p->frame == c->session->out_sent ? p->fd : -1;
}

void om_output_sent(om_context *c, size_t length)
{
	size_t most = output_length(c->session);
	sent(c->session, length < most ? length : most);
}

int om_input(om_context *c, const void *bytes, size_t length, const int *fds, size_t fd_count)
{
	int r = om_reader_feed(c->session->reader, bytes, length, fds, fd_count);
	if (c->err != 0)
		return -1;
	if (r < 0)
		return cannot_keep(c, -r);
	return context_take_frames(c);
}
