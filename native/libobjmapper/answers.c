/* What becomes of the frames that a server sends. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

enum { MOST_ROOM_AHEAD = 64 * 1024 * 1024 };

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
	struct pending *p = pending_find(c->session->pending, f->id);
	if (p == NULL || f->operation == WIRE_ERROR)
		return session_ends(c, f);
	int of_body = f->operation == WIRE_DATA || f->operation == WIRE_END;
	if ((of_body ? take_body_frame(c, p, f) : take_first_frame(c, p, f)) < 0)
		return -1;
	if (f->operation == WIRE_DATA || (!of_body && (f->flags & WIRE_MORE)))
		return 0;
	if (!body_is_whole(p->reply))
		return context_fail(c, EPROTO, "the server announced %llu bytes of body and sent %zu", (unsigned long long)p->reply->length, p->reply->body_length);
	context_complete(c, p);
	return 0;
}

/* Takes in every whole frame that the reader has. */
int context_take_frames(om_context *c)
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
