/* What becomes of the frames that a server sends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"
#include "sink.h"

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

/* A sink that failed once gets nothing more; the rest of the body is passed over. */
static void sink_failed(struct pending *p, int error)
{
	if (p->reply->sink_error == 0)
		p->reply->sink_error = error;
}

static struct sink sink_of(const om_context *c, struct pending *p)
{
	return (struct sink) { .fd = p->sink, .timeout_millis = c->session->timeout_millis, .done = &p->sunk };
}

static void write_to_sink(const om_context *c, struct pending *p, const void *bytes, size_t length)
{
	struct sink to = sink_of(c, p);

	if (p->reply->sink_error == 0)
		sink_failed(p, -sink_write(&to, bytes, length));
}

/* What a body brings must not exceed what was announced. */
static int count_body(om_context *c, struct pending *p, size_t length)
{
	p->body_came += length;
	if (p->operation != WIRE_GET || p->reply->length == OM_UNBOUNDED || p->body_came <= p->reply->length)
		return 0;
	return context_fail(c, EPROTO, "the server announced %llu bytes of body and sends more", (unsigned long long)p->reply->length);
}

/* Body bytes go to the reply or to the sink that the request named. */
static int take_body(om_context *c, struct pending *p, const void *bytes, size_t length)
{
	if (length == 0)
		return 0;
	if (count_body(c, p, length) < 0)
		return -1;
	if (p->use_sink)
		write_to_sink(c, p, bytes, length);
	else if (append_body(p, bytes, length) < 0)
		return context_fail(c, ENOMEM, "no memory for a body of %llu bytes", (unsigned long long)p->reply->length);
	return 0;
}

/* Why the server ends the session, of a frame without a request. Returns the errno. */
static int last_words(const om_frame *f, char *text, size_t room)
{
	om_reply *r = reply_of(f);
	int error = om_status_errno(f->status);

	if (r == NULL && f->fd >= 0)
		close(f->fd);
	snprintf(text, room, "the server ends the session: %s: %.160s", om_status_name(f->status), r != NULL && r->message != NULL ? r->message : "it says no more");
	om_reply_free(r);
	return error != 0 ? error : ECONNRESET;
}

static int session_ends(om_context *c, const om_frame *f)
{
	c->err = last_words(f, c->errstr, sizeof c->errstr);
	return -1;
}

/* GOODBYE of the server's own accord (protocol-spec.md 5.12.2): what is in flight is still answered. */
static int server_says_goodbye(om_context *c, const om_frame *f)
{
	struct om_session *s = c->session;

	if (s->pending == NULL)
		return session_ends(c, f);
	s->farewell = last_words(f, s->farewell_text, sizeof s->farewell_text);
	return 0;
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

/* Where the server grants no table, or one of a kind that is unknown here, nothing is kept. */
static int take_table(om_context *c, const om_reply *hello)
{
	struct om_session *s = c->session;
	int is_granted = s->cache != NULL && (s->features & OM_VALIDITY) && hello->fd >= 0;
	int r = is_granted ? validity_open(cache_validity(s->cache), hello->fd) : 0;

	return r < 0 && r != -EPROTO ? context_fail(c, -r, "cannot map the server's validity table: %s", strerror(-r)) : 0;
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
	c->session->max_descriptors = granted(hello, WIRE_MAX_MESSAGE_DESCRIPTORS, 0);
	if (granted(hello, WIRE_MAX_QUEUED_DESCRIPTORS, 0) == 0)
		c->session->max_descriptors = 0;
	c->session->greeted = 1;
	int r = take_table(c, hello);
	om_reply_free(hello);
	return r;
}

static int take_body_frame(om_context *c, struct pending *p, const om_frame *f)
{
	if (f->fd >= 0 || p->reply == NULL)
		return out_of_place(c, f, "no body is open under this id");
	if (f->operation == WIRE_DATA)
		return take_body(c, p, f->body, f->body_length);
	p->reply->status = (enum om_status)f->status;
	if (p->reply->status != OM_OK && p->reply->message == NULL)
		p->reply->message = message_in(f->metadata, f->metadata_length);
	return 0;
}

static int take_first_frame(om_context *c, struct pending *p, const om_frame *f)
{
	if (p->reply != NULL || f->operation != p->operation)
		return out_of_place(c, f, "it answers no request");
	if (f->fd >= 0 && (f->operation != WIRE_GET || (f->flags & WIRE_MORE) || f->length != WIRE_HEADER + f->metadata_length))
		return out_of_place(c, f, "a descriptor comes for a GET alone, and without other body");
	p->reply = reply_of(f);
	if (p->reply == NULL) {
		if (f->fd >= 0)
			close(f->fd);
		return context_fail(c, ENOMEM, "no memory for the answer");
	}
	return take_body(c, p, f->body, f->body_length);
}

/* A body counts only when all of it came (protocol-spec.md 4.4). */
static int body_is_whole(const struct pending *p)
{
	const om_reply *r = p->reply;

	return r->operation != WIRE_GET || r->status != OM_OK || r->fd >= 0 || r->length == OM_UNBOUNDED || p->body_came == r->length;
}

/* A body that came as a descriptor goes to the sink too; what became of the sink is part of the answer. */
static int finish_sink(om_context *c, struct pending *p)
{
	om_reply *r = p->reply;
	struct sink to = sink_of(c, p);

	if (r->fd >= 0 && r->status == OM_OK)
		sink_failed(p, -sink_copy(&to, r->fd, r->fd_offset, r->length));
	if (r->fd >= 0)
		close(om_reply_take_fd(r));
	r->body_length = p->sunk;
	if (r->sink_error == 0 || r->status != OM_OK)
		return 0;
	r->status = OM_IO_ERROR;
	if (asprintf(&r->message, "cannot write the body to its sink after %llu bytes: %s", (unsigned long long)p->sunk, strerror(r->sink_error)) >= 0)
		return 0;
	r->message = NULL;
	return context_fail(c, ENOMEM, "no memory for the answer");
}

static int finish(om_context *c, struct pending *p)
{
	if (!body_is_whole(p))
		return context_fail(c, EPROTO, "the server announced %llu bytes of body and sent %llu", (unsigned long long)p->reply->length, (unsigned long long)p->body_came);
	if (p->use_sink && finish_sink(c, p) < 0)
		return -1;
	context_complete(c, p);
	return 0;
}

int context_take_head(om_context *c, const om_frame *f, size_t to_come)
{
	struct om_session *s = c->session;

	if (!(f->flags & WIRE_REPLY))
		return out_of_place(c, f, "it is not marked as a reply");
	if (!s->greeted)
		return take_hello(c, f);
	if (f->operation == WIRE_GOODBYE && f->id == 0)
		return server_says_goodbye(c, f);
	struct pending *p = pending_find(s->pending, f->id);
	if (p == NULL || f->operation == WIRE_ERROR)
		return session_ends(c, f);
	int of_body = f->operation == WIRE_DATA || f->operation == WIRE_END;
	if ((of_body ? take_body_frame(c, p, f) : take_first_frame(c, p, f)) < 0)
		return -1;
	int ends = of_body ? f->operation == WIRE_END : !(f->flags & WIRE_MORE);
	if (to_come > 0) {
		s->moving = p;
		s->to_move = to_come;
		s->moving_ends = ends;
		return count_body(c, p, to_come);
	}
	return ends ? finish(c, p) : 0;
}

static int has_moved(om_context *c, size_t length)
{
	struct om_session *s = c->session;
	struct pending *p = s->moving;

	s->to_move -= length;
	if (s->to_move > 0)
		return 0;
	s->moving = NULL;
	return s->moving_ends ? finish(c, p) : 0;
}

int context_take_moving(om_context *c, const void *bytes, size_t length)
{
	write_to_sink(c, c->session->moving, bytes, length);
	return has_moved(c, length);
}

int context_splice_moving(om_context *c, size_t length)
{
	struct om_session *s = c->session;
	struct sink to = sink_of(c, s->moving);
	int r = sink_splice(&to, s->pipe[0], length);

	if (r < 0) {
		sink_failed(s->moving, -r);
		context_close_pipe(c); /* with what it still holds */
	}
	return has_moved(c, length);
}

int context_take_frame(om_context *c)
{
	om_frame f;
	int r = c->err == 0 ? om_reader_next(c->session->reader, &f, c->errstr) : -c->err;

	if (r < 0)
		c->err = -r;
	else if (r == 1)
		r = context_take_head(c, &f, 0) < 0 ? -1 : 1;
	return r < 0 ? -1 : r;
}

int context_take_frames(om_context *c)
{
	int r;

	do
		r = context_take_frame(c);
	while (r == 1);
	return r;
}
