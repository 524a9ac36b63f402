#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "fdpass.h"

enum { DEFAULT_TIMEOUT_MILLIS = 30000, DEFAULT_REQUESTS = 64, INPUT_ROOM = 256 * 1024, FLUSH_FROM = 64 * 1024, MOST_ROOM_AHEAD = 64 * 1024 * 1024 };

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

int om_socket(const om_context *c) { return c->session->socket; }

static int receive_some(om_context *c);
static int take_frames(om_context *c);

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
		return context_fail(c, ETIMEDOUT, "the server did not %s within %d ms", what, c->session->timeout_millis);
	return p.revents;
}

static int receive_frames(om_context *c) { return receive_some(c) < 0 || take_frames(c) < 0 ? -1 : 0; }

/* The server may be waiting for its answers to be read before it reads on: both ways move, or neither would. */
static int wait_to_send(om_context *c)
{
	int ready = wait_for(c, POLLIN | POLLOUT, "take the request");
	return ready < 0 || ((ready & POLLIN) && receive_frames(c) < 0) ? -1 : 0;
}

/* The server hung up; what it said before that tells more than the error. */
static int say_why_it_closed(om_context *c)
{
	while (receive_frames(c) == 0)
		;
	return -1;
}

int context_send(om_context *c, int fd)
{
	struct om_session *s = c->session;

	if (c->err != 0)
		return -1;
	if (s->out.failed)
		return context_fail(c, ENOMEM, "no memory for the request");
	if (s->detached)
		return 0;
	while (s->out_sent < s->out.length) {
		ssize_t n = fdpass_send(s->socket, s->out.bytes + s->out_sent, s->out.length - s->out_sent, &fd, fd >= 0);
		if (n == -EAGAIN) {
			if (wait_to_send(c) < 0)
				return -1;
			continue;
		}
		if (n == -EPIPE || n == -ECONNRESET)
			return say_why_it_closed(c);
		if (n < 0)
			return context_fail(c, (int)-n, "cannot send to the server: %s", strerror((int)-n));
		s->out_sent += (size_t)n;
		fd = -1; /* it went with the first byte */
	}
	s->out.length = s->out_sent = 0;
	return 0;
}

int om_flush(om_context *c) { return context_send(c, -1); }

static struct pending *add_pending(struct om_session *s, int operation, uint32_t id)
{
	struct pending *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->id = id;
	p->operation = operation;
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

/* Its answer is complete and waits to be taken. */
static void complete(struct om_session *s, struct pending *p)
{
	unlink_from(&s->pending, &s->pending_tail, p);
	p->next = NULL;
	*s->done_tail = p;
	s->done_tail = &p->next;
}

static om_reply *take_done(struct om_session *s, struct pending *p)
{
	om_reply *reply = p->reply;
	unlink_from(&s->done, &s->done_tail, p);
	free(p);
	return reply;
}

static struct pending *find(struct pending *list, uint32_t id)
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
	while (s->wrapped && find(s->pending, s->next_id) != NULL);
	s->wrapped |= s->next_id == UINT32_MAX;
	*id = s->next_id;
	s->newest = add_pending(s, operation, *id);
	if (s->newest == NULL)
		s->out.failed = 1;
	return wire_begin(&s->out, operation, flags, *id, 0, fds, object_length);
}

/* A request that was begun and will not be sent. */
static void take_back(struct om_session *s, size_t frame)
{
	const unsigned char *header = s->out.bytes + frame;
	struct pending *p = find(s->pending, wire_get32(header + 8));

	if (p != NULL && p->operation == header[4]) {
		unlink_from(&s->pending, &s->pending_tail, p);
		free(p);
	}
	s->out.length = frame;
}

/* What breaks a limit would end the session if it were sent. */
static int end_frame(om_context *c, size_t frame, const void *body, size_t body_length)
{
	struct om_session *s = c->session;

	if (c->err == 0 && s->out.failed)
		context_fail(c, ENOMEM, "no memory for the request");
	if (s->out.failed)
		return -1;
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
	return s->out.failed ? context_fail(c, ENOMEM, "no memory for the request") : 0;
}

int context_end(om_context *c, size_t frame, const void *body, size_t body_length)
{
	if (end_frame(c, frame, body, body_length) < 0)
		return -1;
	return c->session->out.length - c->session->out_sent >= FLUSH_FROM ? context_send(c, -1) : 0;
}

int context_end_with(om_context *c, size_t frame, int fd) { return end_frame(c, frame, NULL, 0) < 0 ? -1 : context_send(c, fd); }

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

int om_find_variant(const om_reply *r, unsigned n, om_variant *v)
{
	size_t length;
	const unsigned char *value = om_find(r, OM_VARIANT, n, &length);

	if (value == NULL)
		return 0;
	v->name_length = wire_get16(value);
	v->name = (const char *)value + 2;
	v->value = v->name + v->name_length;
	v->value_length = length - 2 - v->name_length;
	return 1;
}

uint64_t om_find_u64(const om_reply *r, int type, uint64_t otherwise)
{
	size_t length;
	const unsigned char *value = om_find(r, type, 0, &length);

	if (value == NULL)
		return otherwise;
	return length == 4 ? wire_get32(value) : length >= 8 ? wire_get64(value) : otherwise;
}

/* Makes room for what the server announced, as far as it is believable; more only as it comes. */
static int append_body(struct pending *p, const unsigned char *bytes, size_t length)
{
	om_reply *r = p->reply;

	if (length > p->body_room - r->body_length) {
		uint64_t announced = r->length < MOST_ROOM_AHEAD ? r->length : MOST_ROOM_AHEAD;
		size_t room = r->body_length + length;
		room = p->body_room == 0 && announced > room ? (size_t)announced : p->body_room > 0 && room < 2 * p->body_room ? 2 * p->body_room : room;
		unsigned char *larger = realloc(r->body, room);
		if (larger == NULL)
			return -ENOMEM;
		r->body = larger;
		p->body_room = room;
	}
	if (length > 0)
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
	r = append_body(p, f->body, f->body_length);
	return r < 0 ? context_fail(c, ENOMEM, "no memory for a body of %llu bytes", (unsigned long long)p->reply->length) : 0;
}

static char *message_in(const unsigned char *metadata, size_t size)
{
	const unsigned char *value;
	size_t length;
	int type;

	for (size_t at = 0; wire_next(metadata, size, &at, &type, &value, &length);)
		if (type == OM_MESSAGE)
			return strndup((const char *)value, length);
	return NULL;
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
	r->message = r->status != OM_OK ? message_in(f->metadata, f->metadata_length) : NULL;
	return r;
}

/* A frame without a request: the server ends the session. */
static int session_ends(om_context *c, const om_frame *f)
{
	om_reply *r = reply_of(f);
	int error = om_status_errno(f->status);

	if (r == NULL && f->fd >= 0)
		close(f->fd);
	context_fail(c, error != 0 ? error : ECONNRESET, "the server ends the session: %s: %.160s", om_status_name(f->status),
	    r != NULL && r->message != NULL ? r->message : "it says no more");
	om_reply_free(r);
	return -1;
}

static int out_of_place(om_context *c, const om_frame *f, const char *why)
{
	if (f->fd >= 0)
		close(f->fd);
	return context_fail(c, EPROTO, "the server breaks the protocol: operation %d, id %u: %s", f->operation, f->id, why);
}

static uint32_t granted(const om_reply *hello, int type, uint32_t otherwise)
{
	return (uint32_t)om_find_u64(hello, type, otherwise);
}

/* The server's terms (protocol-spec.md 7.4). */
static int take_hello(om_context *c, const om_frame *f)
{
	if (f->operation == WIRE_ERROR)
		return session_ends(c, f);
	if (f->operation != WIRE_HELLO || f->object_length != WIRE_MAGIC)
		return out_of_place(c, f, "it is no objmapper server, or of another version");
	om_reply *hello = reply_of(f);
	if (hello == NULL)
		return out_of_place(c, f, "no memory for its terms");
	c->session->max_requests = granted(hello, WIRE_MAX_REQUESTS, DEFAULT_REQUESTS);
	c->session->features = om_find_u64(hello, WIRE_FEATURES, 0);
	c->session->greeted = 1;
	om_reply_free(hello);
	return 0;
}

/* A body counts only when all of it came (protocol-spec.md 4.4). */
static int body_is_whole(const om_reply *r)
{
	return r->operation != WIRE_GET || r->status != OM_OK || r->fd >= 0 || r->length == OM_UNBOUNDED || r->body_length == r->length;
}

static int take_body_frame(om_context *c, struct pending *p, const om_frame *f)
{
	if (f->fd >= 0 || p->reply == NULL)
		return out_of_place(c, f, "no body is open under this id");
	if (f->operation == WIRE_DATA)
		return take_body(c, p, f);
	p->reply->status = (enum om_status)f->status;
	if (p->reply->status != OM_OK && p->reply->message == NULL)
		p->reply->message = message_in(f->metadata, f->metadata_length);
	return 0;
}

static int take_first_frame(om_context *c, struct pending *p, const om_frame *f)
{
	if (p->reply != NULL || f->operation != p->operation)
		return out_of_place(c, f, "it answers no request");
	p->reply = reply_of(f);
	if (p->reply == NULL) {
		if (f->fd >= 0)
			close(f->fd);
		return context_fail(c, ENOMEM, "no memory for the answer");
	}
	return take_body(c, p, f);
}

static int take_frame(om_context *c, const om_frame *f)
{
	if (!(f->flags & WIRE_REPLY))
		return out_of_place(c, f, "it is not marked as a reply");
	if (!c->session->greeted)
		return take_hello(c, f);
	struct pending *p = find(c->session->pending, f->id);
	if (p == NULL || f->operation == WIRE_ERROR)
		return session_ends(c, f);
	int of_body = f->operation == WIRE_DATA || f->operation == WIRE_END;
	if ((of_body ? take_body_frame(c, p, f) : take_first_frame(c, p, f)) < 0)
		return -1;
	if (f->operation == WIRE_DATA || (!of_body && (f->flags & WIRE_MORE)))
		return 0;
	if (!body_is_whole(p->reply))
		return context_fail(c, EPROTO, "the server announced %llu bytes of body and sent %zu", (unsigned long long)p->reply->length, p->reply->body_length);
	complete(c->session, p);
	return 0;
}

/* Takes in every whole frame that the reader has. */
static int take_frames(om_context *c)
{
	om_frame f;
	int r;

	while ((r = om_reader_next(c->session->reader, &f, c->errstr)) == 1)
		if (take_frame(c, &f) < 0)
			return -1;
	if (r < 0)
		c->err = -r;
	return r < 0 ? -1 : 0;
}

static int receive_some(om_context *c)
{
	struct om_session *s = c->session;
	int fds[FDPASS_MAX];
	unsigned count;
	ssize_t n = fdpass_receive(s->socket, s->input, INPUT_ROOM, fds, FDPASS_MAX, &count, 0);

	if (n == -EAGAIN)
		return wait_for(c, POLLIN, "answer") < 0 ? -1 : 0;
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

static void nothing_in_flight(om_context *c)
{
	snprintf(c->errstr, sizeof c->errstr, "no request is in flight");
}

om_reply *om_get_reply(om_context *c)
{
	struct om_session *s = c->session;

	if (c->err == 0 && s->done == NULL && s->pending == NULL) {
		nothing_in_flight(c);
		return NULL;
	}
	if (s->done == NULL && context_send(c, -1) < 0)
		return NULL;
	while (s->done == NULL)
		if (s->detached || receive_frames(c) < 0)
			return NULL;
	return take_done(s, s->done);
}

om_reply *context_wait(om_context *c, uint32_t id)
{
	struct om_session *s = c->session;
	struct pending *p;

	if (context_send(c, -1) < 0)
		return NULL;
	while ((p = find(s->done, id)) == NULL)
		if (s->detached || receive_frames(c) < 0)
			return NULL;
	return take_done(s, p);
}

int context_is_answered(om_context *c, uint32_t id)
{
	struct pollfd p = { .fd = c->session->socket, .events = POLLIN };

	if (!c->session->detached && poll(&p, 1, 0) > 0 && receive_frames(c) < 0)
		return -1;
	return find(c->session->done, id) != NULL;
}

void om_set_timeout(om_context *c, int timeout_millis)
{
	c->session->timeout_millis = timeout_millis != 0 ? timeout_millis : DEFAULT_TIMEOUT_MILLIS;
}

uint32_t om_max_requests(const om_context *c) { return c->session->max_requests; }
uint64_t om_features(const om_context *c) { return c->session->features; }

/* ---- without a socket */

const void *om_output(om_context *c, size_t *length)
{
	struct om_session *s = c->session;
	*length = s->out.length - s->out_sent;
	return *length > 0 ? s->out.bytes + s->out_sent : NULL;
}

void om_output_sent(om_context *c, size_t length)
{
	struct om_session *s = c->session;
	size_t left = s->out.length - s->out_sent;
	s->out_sent += length < left ? length : left;
	if (s->out_sent == s->out.length)
		s->out_sent = s->out.length = 0;
}

int om_input(om_context *c, const void *bytes, size_t length, const int *fds, size_t fd_count)
{
	int r = om_reader_feed(c->session->reader, bytes, length, fds, fd_count);
	if (c->err != 0)
		return -1;
	if (r < 0)
		return context_fail(c, -r, "cannot keep what the server sent: %s", strerror(-r));
	return take_frames(c);
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
	/* A full backlog makes connect wait; the socket's send timeout bounds that. */
	int millis = c->session->timeout_millis;
	struct timeval bound = { .tv_sec = millis > 0 ? millis / 1000 : 0, .tv_usec = millis > 0 ? millis % 1000 * 1000 : 0 };
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) < 0)
		return context_fail(c, errno, "setsockopt: %s", strerror(errno));
	int r;
	do
		r = connect(fd, (struct sockaddr *)&address, sizeof address);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EAGAIN)
		return context_fail(c, ETIMEDOUT, "the server did not accept a connection within %d ms", millis);
	if (r < 0)
		return context_fail(c, errno, "cannot connect to %s: %s%s", path, strerror(errno),
		    errno == ECONNREFUSED || errno == ENOENT ? "; is objmapperd running?" : "");
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return context_fail(c, errno, "fcntl: %s", strerror(errno));
	return 0;
}

/* What the server would end the session for. */
static int check_options(om_context *c, const om_options *o)
{
	if (o->mode < OM_INLINE || o->mode > OM_AUTO)
		return context_fail(c, EINVAL, "mode %d; there are OM_INLINE (0) to OM_AUTO (4)", (int)o->mode);
	if (o->max_requests > WIRE_MOST_REQUESTS)
		return context_fail(c, EINVAL, "max_requests %u; it has 1 to %d, or 0 for %d", o->max_requests, WIRE_MOST_REQUESTS, DEFAULT_REQUESTS);
	if (o->inline_limit > WIRE_MOST_INLINE)
		return context_fail(c, EINVAL, "inline_limit %u; it has 1 to %d bytes, or 0 for 4096", o->inline_limit, WIRE_MOST_INLINE);
	if (o->timeout_millis < -1)
		return context_fail(c, EINVAL, "timeout_millis %d; it has 1 and more, 0 for %d, or -1 for ever", o->timeout_millis, DEFAULT_TIMEOUT_MILLIS);
	if (o->name != NULL && o->name[0] == '\0')
		return context_fail(c, EINVAL, "the name is empty; NULL stands for none");
	if (wire_any(o->reserved, sizeof o->reserved))
		return context_fail(c, EINVAL, "reserved is not zero: the options are not zero-initialised, or of a later version");
	return 0;
}

static void write_hello(struct wire_buffer *out, const om_options *o)
{
	static const unsigned char versions[8] = { 1, 0, 1, 0 };
	size_t frame = wire_begin(out, WIRE_HELLO, 0, 0, 0, 0, WIRE_MAGIC);

	wire_u32(out, WIRE_MODE, o->mode == OM_INLINE ? OM_AUTO : (uint32_t)o->mode);
	wire_entry(out, WIRE_VERSIONS, versions, sizeof versions);
	wire_u64(out, WIRE_FEATURES, OM_FILL_TOKENS | OM_VARIANTS | OM_BANS);
	if (o->max_requests != 0)
		wire_u32(out, WIRE_MAX_REQUESTS, o->max_requests);
	if (!o->no_descriptors) {
		wire_u32(out, WIRE_MAX_MESSAGE_DESCRIPTORS, FDPASS_MAX);
		wire_u32(out, WIRE_MAX_QUEUED_DESCRIPTORS, 1024);
	}
	if (o->inline_limit != 0 || o->no_inline)
		wire_u32(out, WIRE_INLINE_LIMIT, o->no_inline ? 0 : o->inline_limit);
	if (o->shared_accepted)
		wire_u32(out, WIRE_SHARED_ACCEPTED, 1);
	if (o->ordered)
		wire_u32(out, WIRE_ORDERED, 1);
	if (o->name != NULL)
		wire_entry(out, WIRE_PEER_NAME, o->name, strnlen(o->name, 64));
	wire_end(out, frame, NULL, 0);
}

static int greet(om_context *c)
{
	if (context_send(c, -1) < 0)
		return -1;
	while (!c->session->greeted)
		if (receive_frames(c) < 0)
			return -1;
	return 0;
}

/* A session with its HELLO queued and no socket. */
static om_context *new_context(const om_options *options)
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
	s->max_requests = DEFAULT_REQUESTS;
	s->pending_tail = &s->pending;
	s->done_tail = &s->done;
	om_set_timeout(c, o->timeout_millis);
	s->reader = om_reader_new(0);
	if (check_options(c, o) == 0)
		write_hello(&s->out, o);
	if (s->reader == NULL || s->out.failed)
		context_fail(c, ENOMEM, "no memory for a session");
	return c;
}

om_context *om_detached(const om_options *options)
{
	om_context *c = new_context(options);
	if (c != NULL)
		c->session->detached = 1;
	return c;
}

om_context *om_connect(const char *path, const om_options *options)
{
	om_context *c = new_context(options);

	if (c == NULL || c->err != 0)
		return c;
	c->session->input = malloc(INPUT_ROOM);
	if (c->session->input == NULL)
		context_fail(c, ENOMEM, "no memory for a session");
	else if (open_socket(c, path) == 0)
		(void)greet(c);
	return c;
}

static void free_all(struct pending *p)
{
	while (p != NULL) {
		struct pending *next = p->next;
		om_reply_free(p->reply);
		free(p);
		p = next;
	}
}

void om_free(om_context *c)
{
	if (c == NULL)
		return;
	struct om_session *s = c->session;
	free_all(s->pending);
	free_all(s->done);
	if (s->socket >= 0)
		close(s->socket);
	om_reader_free(s->reader);
	wire_free(&s->out);
	free(s->input);
	free(s);
	free(c);
}
