#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fdpass.h"

enum { DEFAULT_TIMEOUT_MILLIS = 30000, INPUT_ROOM = 256 * 1024, FLUSH_FROM = 64 * 1024 };

int context_fail(om_context *c, int error, const char *format, ...)
{
	va_list arguments;

	c->err = error;
	va_start(arguments, format);
	vsnprintf(c->errstr, sizeof c->errstr, format, arguments);
	va_end(arguments);
	return -1;
}

int om_socket(const om_context *c) { return c->session->socket; }

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
		return context_fail(c, ETIMEDOUT, "the server did not %s within %d ms", what, c->session->timeout_millis);
	return 0;
}

int context_send(om_context *c, int fd)
{
	struct om_session *s = c->session;

	if (c->err != 0)
		return -1;
	if (s->out.failed)
		return context_fail(c, ENOMEM, "no memory for the request");
	while (s->out_sent < s->out.length) {
		ssize_t n = fdpass_send(s->socket, s->out.bytes + s->out_sent, s->out.length - s->out_sent, &fd, fd >= 0);
		if (n == -EAGAIN) {
			if (wait_for(c, POLLOUT, "take the request") < 0)
				return -1;
			continue;
		}
		if (n < 0)
			return context_fail(c, (int)-n, "cannot send to the server: %s", strerror((int)-n));
		s->out_sent += (size_t)n;
		fd = -1; /* it went with the first byte */
	}
	s->out.length = s->out_sent = 0;
	return 0;
}

int om_flush(om_context *c) { return context_send(c, -1); }

static struct pending *add_pending(struct om_session *s, uint32_t id)
{
	struct pending *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->id = id;
	*s->pending_tail = p;
	s->pending_tail = &p->next;
	return p;
}

static void remove_pending(struct om_session *s, struct pending *gone)
{
	struct pending **at = &s->pending;
	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	if (*at == NULL)
		s->pending_tail = at;
	free(gone);
}

size_t context_begin(om_context *c, int operation, int flags, int fds, uint64_t object_length, uint32_t *id)
{
	struct om_session *s = c->session;

	if (++s->next_id == 0)
		s->next_id = 1;
	*id = s->next_id;
	if (add_pending(s, *id) == NULL)
		s->out.failed = 1;
	return wire_begin(&s->out, operation, flags, *id, 0, fds, object_length);
}

int context_end(om_context *c, size_t frame, const void *body, size_t body_length)
{
	struct om_session *s = c->session;

	if (c->err != 0)
		return -1;
	wire_end(&s->out, frame, body, body_length);
	if (s->out.failed)
		return context_fail(c, ENOMEM, "no memory for the request");
	return s->out.length - s->out_sent >= FLUSH_FROM ? context_send(c, -1) : 0;
}

/* ---- answers */

void om_reply_free(om_reply *r)
{
	if (r == NULL)
		return;
	if (r->fd >= 0)
		close(r->fd);
	free(r->body);
	free(r->metadata);
	free(r->message);
	free(r);
}

int om_reply_take_fd(om_reply *r)
{
	int fd = r->fd;
	r->fd = -1;
	return fd;
}

const void *om_find(const om_reply *r, int wanted, unsigned n, size_t *length)
{
	const unsigned char *value;
	int type;

	for (size_t at = 0; wire_next(r->metadata, r->metadata_length, &at, &type, &value, length);)
		if (type == wanted && n-- == 0)
			return value;
	return NULL;
}

uint64_t om_find_u64(const om_reply *r, int type, uint64_t otherwise)
{
	size_t length;
	const unsigned char *value = om_find(r, type, 0, &length);

	if (value == NULL)
		return otherwise;
	return length == 4 ? wire_get32(value) : length >= 8 ? wire_get64(value) : otherwise;
}

static int append_body(om_reply *r, const unsigned char *bytes, size_t length)
{
	if (length == 0)
		return 0;
	if (r->body_length == 0 && r->length >= length && r->length <= SIZE_MAX / 2 && r->length < (UINT64_C(1) << 40))
		r->body = malloc((size_t)r->length);
	else if (r->body_length + length > r->length) {
		unsigned char *larger = realloc(r->body, r->body_length + length);
		if (larger == NULL)
			return -ENOMEM;
		r->body = larger;
	}
	if (r->body == NULL)
		return -ENOMEM;
	memcpy(r->body + r->body_length, bytes, length);
	r->body_length += length;
	return 0;
}

static int write_all(int fd, const unsigned char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };
			(void)poll(&p, 1, -1);
			continue;
		}
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

/* Body bytes go to the reply or to the sink that the request named. */
static int take_body(om_context *c, struct pending *p, const om_frame *f)
{
	int r;

	if (p->use_sink) {
		r = write_all(p->sink, f->body, f->body_length);
		p->reply->body_length += r == 0 ? f->body_length : 0;
		if (r < 0)
			return context_fail(c, -r, "cannot write the body: %s", strerror(-r));
		return 0;
	}
	r = append_body(p->reply, f->body, f->body_length);
	return r < 0 ? context_fail(c, ENOMEM, "no memory for a body of %llu bytes", (unsigned long long)p->reply->length) : 0;
}

static char *copy_message(const om_reply *r)
{
	size_t length;
	const char *text = om_find(r, OM_MESSAGE, 0, &length);
	return text == NULL ? NULL : strndup(text, length);
}

static om_reply *reply_of(const om_frame *f)
{
	om_reply *r = calloc(1, sizeof *r);
	size_t length;

	if (r == NULL)
		return NULL;
	r->id = f->id;
	r->operation = f->operation;
	r->status = (enum om_status)f->status;
	r->object_length = f->object_length;
	r->fd = f->fd;
	if (f->metadata_length > 0) {
		r->metadata = malloc(f->metadata_length);
		if (r->metadata == NULL) {
			r->fd = -1;
			om_reply_free(r);
			return NULL;
		}
		memcpy(r->metadata, f->metadata, f->metadata_length);
		r->metadata_length = f->metadata_length;
	}
	r->mode = (enum om_mode)om_find_u64(r, OM_MODE, OM_INLINE);
	const unsigned char *range = om_find(r, OM_RANGE, 0, &length);
	r->offset = range != NULL ? wire_get64(range) : 0;
	r->length = range != NULL ? wire_get64(range + 8) : f->object_length;
	const unsigned char *at = om_find(r, OM_DESCRIPTOR_RANGE, 0, &length);
	r->fd_offset = at != NULL ? wire_get64(at) : 0;
	r->message = r->status != OM_OK ? copy_message(r) : NULL;
	return r;
}

static struct pending *find_pending(struct om_session *s, uint32_t id)
{
	struct pending *p = s->pending;
	while (p != NULL && p->id != id)
		p = p->next;
	return p;
}

/* A frame without a request: the server ends the session. */
static om_reply *session_ends(om_context *c, const om_frame *f)
{
	om_reply *r = reply_of(f);
	int error = om_status_errno(f->status);

	context_fail(c, error != 0 ? error : ECONNRESET, "the server ends the session: %s: %s", om_status_name(f->status),
	    r != NULL && r->message != NULL ? r->message : "");
	om_reply_free(r);
	return NULL;
}

/* Takes in one frame; returns the answer that it completes. */
static om_reply *take_frame(om_context *c, const om_frame *f)
{
	struct pending *p = find_pending(c->session, f->id);

	if (p == NULL || f->operation == WIRE_ERROR)
		return session_ends(c, f);
	if (f->operation != WIRE_DATA && f->operation != WIRE_END)
		p->reply = reply_of(f);
	if (p->reply == NULL) {
		if (f->fd >= 0)
			close(f->fd);
		context_fail(c, ENOMEM, "no memory for the answer, or it came out of order");
		return NULL;
	}
	if (f->operation == WIRE_END)
		p->reply->status = (enum om_status)f->status;
	else if (take_body(c, p, f) < 0)
		return NULL;
	if (f->operation == WIRE_DATA || (f->operation != WIRE_END && (f->flags & WIRE_MORE)))
		return NULL;
	om_reply *done = p->reply;
	remove_pending(c->session, p);
	return done;
}

static int receive_some(om_context *c)
{
	struct om_session *s = c->session;
	int fds[FDPASS_MAX];
	unsigned count;
	ssize_t n = fdpass_receive(s->socket, s->input, INPUT_ROOM, fds, FDPASS_MAX, &count, 0);

	if (n == -EAGAIN)
		return wait_for(c, POLLIN, "answer");
	if (n <= 0) {
		for (unsigned i = 0; i < count; i++)
			close(fds[i]);
		if (n == -EMFILE)
			return context_fail(c, EMFILE, "descriptors were lost: this process has no more room for open files (ulimit -n)");
		if (n == 0)
			return context_fail(c, ECONNRESET, "the server closed the session");
		return context_fail(c, (int)-n, "cannot receive from the server: %s", strerror((int)-n));
	}
	int r = om_reader_feed(s->reader, s->input, (size_t)n, fds, count);
	return r < 0 ? context_fail(c, -r, "cannot keep what the server sent: %s", strerror(-r)) : 0;
}

om_reply *om_get_reply(om_context *c)
{
	struct om_session *s = c->session;
	om_frame frame;

	if (c->err != 0 || context_send(c, -1) < 0)
		return NULL;
	if (s->pending == NULL) {
		context_fail(c, EINVAL, "no request is in flight");
		c->err = 0; /* the session is fine */
		return NULL;
	}
	for (;;) {
		int r = om_reader_next(s->reader, &frame, c->errstr);
		if (r < 0) {
			c->err = -r;
			return NULL;
		}
		if (r == 0) {
			if (receive_some(c) < 0)
				return NULL;
			continue;
		}
		om_reply *reply = take_frame(c, &frame);
		if (reply != NULL || c->err != 0)
			return reply;
	}
}

om_reply *context_wait(om_context *c, uint32_t id)
{
	om_reply *reply;

	while ((reply = om_get_reply(c)) != NULL && reply->id != id)
		om_reply_free(reply);
	return reply;
}

int context_has_input(om_context *c)
{
	struct pollfd p = { .fd = c->session->socket, .events = POLLIN };
	return poll(&p, 1, 0) > 0;
}

/* ---- connecting */

static int open_socket(om_context *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path)
		return context_fail(c, ENAMETOOLONG, "the socket path %.100s... is longer than %zu bytes", path, sizeof address.sun_path - 1);
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return context_fail(c, errno, "socket: %s", strerror(errno));
	c->session->socket = fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return context_fail(c, errno, "cannot connect to %s: %s%s", path, strerror(errno),
		    errno == ECONNREFUSED || errno == ENOENT ? "; is objmapperd running?" : "");
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return context_fail(c, errno, "fcntl: %s", strerror(errno));
	return 0;
}

static void write_hello(struct wire_buffer *out, const om_options *o)
{
	static const unsigned char versions[8] = { 1, 0, 1, 0 };
	size_t frame = wire_begin(out, WIRE_HELLO, 0, 0, 0, 0, WIRE_MAGIC);

	wire_u32(out, WIRE_MODE, o->mode == OM_INLINE ? OM_AUTO : (uint32_t)o->mode);
	wire_entry(out, WIRE_VERSIONS, versions, sizeof versions);
	if (o->max_requests != 0)
		wire_u32(out, WIRE_MAX_REQUESTS, o->max_requests);
	if (!o->no_descriptors) {
		wire_u32(out, WIRE_MAX_MESSAGE_DESCRIPTORS, FDPASS_MAX);
		wire_u32(out, WIRE_MAX_QUEUED_DESCRIPTORS, 1024);
	}
	if (o->inline_limit != 0 || o->no_inline)
		wire_u32(out, WIRE_INLINE_LIMIT, o->no_inline ? 0 : o->inline_limit);
	if (o->name != NULL)
		wire_entry(out, WIRE_PEER_NAME, o->name, strnlen(o->name, 64));
	wire_end(out, frame, NULL, 0);
}

static int greet(om_context *c, const om_options *o)
{
	om_frame f;
	int r;

	write_hello(&c->session->out, o);
	if (context_send(c, -1) < 0)
		return -1;
	while ((r = om_reader_next(c->session->reader, &f, c->errstr)) == 0)
		if (receive_some(c) < 0)
			return -1;
	if (r < 0) {
		c->err = -r;
		return -1;
	}
	if (f.operation != WIRE_HELLO || f.object_length != WIRE_MAGIC) {
		session_ends(c, &f);
		return -1;
	}
	return 0;
}

om_context *om_connect(const char *path, const om_options *options)
{
	static const om_options defaults = { .mode = OM_AUTO };
	const om_options *o = options != NULL ? options : &defaults;
	om_context *c = calloc(1, sizeof *c);
	struct om_session *s = calloc(1, sizeof *s);

	if (c == NULL || s == NULL) {
		free(c);
		free(s);
		return NULL;
	}
	c->session = s;
	s->socket = -1;
	s->pending_tail = &s->pending;
	s->timeout_millis = o->timeout_millis != 0 ? o->timeout_millis : DEFAULT_TIMEOUT_MILLIS;
	s->reader = om_reader_new(0);
	s->input = malloc(INPUT_ROOM);
	if (s->reader == NULL || s->input == NULL)
		context_fail(c, ENOMEM, "no memory for a session");
	else if (open_socket(c, path) == 0)
		(void)greet(c, o);
	return c;
}

void om_free(om_context *c)
{
	if (c == NULL)
		return;
	struct om_session *s = c->session;
	while (s->pending != NULL) {
		om_reply_free(s->pending->reply);
		remove_pending(s, s->pending);
	}
	if (s->socket >= 0)
		close(s->socket);
	om_reader_free(s->reader);
	wire_free(&s->out);
	free(s->input);
	free(s);
	free(c);
}
