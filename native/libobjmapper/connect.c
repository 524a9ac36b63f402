/* Beginning and ending a session. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "fdpass.h"
#include "session.h"

enum { DEFAULT_TIMEOUT_MILLIS = 30000, MOST_CACHED = 1000000, DEFAULT_CACHE_BYTES = 64 * 1024 * 1024, DEFAULT_CACHE_IDLE_MILLIS = 10000 };

int om_socket(const om_context *c) { return c->session->socket; }

/* Lets each wait of the session's socket in one direction end with EAGAIN after so long; negative: never. */
static int limit_waits(int fd, int direction, int millis)
{
	struct timeval limit = { .tv_sec = millis > 0 ? millis / 1000 : 0, .tv_usec = millis > 0 ? millis % 1000 * 1000 : 0 };
	return setsockopt(fd, SOL_SOCKET, direction, &limit, sizeof limit);
}

void om_set_timeout(om_context *c, int timeout_millis)
{
	c->session->timeout_millis = timeout_millis != 0 ? timeout_millis : DEFAULT_TIMEOUT_MILLIS;
	if (c->session->socket >= 0)
		(void)limit_waits(c->session->socket, SO_RCVTIMEO, c->session->timeout_millis);
}

uint32_t om_max_requests(const om_context *c) { return c->session->max_requests; }
uint64_t om_features(const om_context *c) { return c->session->features; }

static int connect_to(om_context *c, int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path)
		return context_fail(c, ENAMETOOLONG, "the socket path %.100s... is longer than %zu bytes", path, sizeof address.sun_path - 1);
	strcpy(address.sun_path, path);
	/* A full backlog makes connect wait; the socket's send timeout bounds that. Nothing is sent but what the socket takes at once. */
	int millis = c->session->timeout_millis;
	if (limit_waits(fd, SO_SNDTIMEO, millis) < 0 || limit_waits(fd, SO_RCVTIMEO, millis) < 0)
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
	return 0;
}

static int open_socket(om_context *c, const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return context_fail(c, errno, "socket: %s", strerror(errno));
	if (connect_to(c, fd, path) < 0) {
		close(fd);
		return -1;
	}
	c->session->socket = fd;
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
	if (o->name != NULL && (o->name[0] == '\0' || strlen(o->name) > WIRE_MOST_NAME))
		return context_fail(c, EINVAL, "a name of %zu bytes; it has 1 to %d, or is NULL", strlen(o->name), WIRE_MOST_NAME);
	if (o->cache_objects == 0 && (o->cache_bytes != 0 || o->cache_idle_millis != 0))
		return context_fail(c, EINVAL, "cache_bytes or cache_idle_millis without cache_objects: it says how many objects are kept");
	if (o->cache_objects > MOST_CACHED)
		return context_fail(c, EINVAL, "cache_objects %u; it has 1 to %d, or 0 for none", o->cache_objects, MOST_CACHED);
	if (o->cache_objects > 0 && o->no_descriptors)
		return context_fail(c, EINVAL, "cache_objects with no_descriptors: the table that tells what is current comes as a descriptor");
	if (wire_any(o->reserved, sizeof o->reserved))
		return context_fail(c, EINVAL, "reserved is not zero: the options are not zero-initialised, or of a later version");
	return 0;
}

static void write_hello(om_context *c, const om_options *o)
{
	static const unsigned char versions[8] = { 1, 0, 1, 0 };
	struct wire_buffer *out = &c->session->out;
	size_t frame = wire_begin(out, WIRE_HELLO, 0, 0, 0, 0, WIRE_MAGIC);

	wire_u32(out, WIRE_MODE, o->mode == OM_INLINE ? OM_AUTO : (uint32_t)o->mode);
	wire_entry(out, WIRE_VERSIONS, versions, sizeof versions);
	wire_u64(out, WIRE_FEATURES, OM_FILL_TOKENS | OM_VARIANTS | OM_BANS | (o->cache_objects > 0 ? OM_VALIDITY | OM_HITS : 0));
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
		wire_entry(out, WIRE_PEER_NAME, o->name, strlen(o->name));
	if (!out->failed && om_metadata_check(out->bytes + WIRE_HEADER, out->length - WIRE_HEADER, c->errstr) < 0)
		c->err = EINVAL;
	wire_end(out, frame, NULL, 0);
}

static int greet(om_context *c)
{
	if (context_send(c) < 0)
		return -1;
	while (!c->session->greeted)
		if (context_receive(c) < 0)
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
	s->socket = s->pipe[0] = s->pipe[1] = -1;
	s->max_requests = DEFAULT_REQUESTS;
	s->pending_tail = &s->pending;
	s->done_tail = &s->done;
	s->passed_tail = &s->passed;
	s->max_descriptors = DEFAULT_DESCRIPTORS;
	om_set_timeout(c, o->timeout_millis);
	s->reader = om_reader_new(0);
	int checked = check_options(c, o) == 0;
	if (checked)
		write_hello(c, o);
	if (checked && o->cache_objects > 0)
		s->cache = cache_new(o->cache_objects, o->cache_bytes != 0 ? o->cache_bytes : DEFAULT_CACHE_BYTES,
		    o->cache_idle_millis != 0 ? o->cache_idle_millis : DEFAULT_CACHE_IDLE_MILLIS);
	if (s->reader == NULL || s->out.failed || (checked && o->cache_objects > 0 && s->cache == NULL))
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
	if (open_socket(c, path) == 0)
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
	free_all(s->spare);
	if (s->socket >= 0)
		close(s->socket);
	context_close_pipe(c);
	om_reader_free(s->reader);
	cache_free(s->cache);
	context_drop_output(c);
	free(s);
	free(c);
}
