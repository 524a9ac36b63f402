/* Cuts a stream of bytes and descriptors into frames; knows nothing of sockets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader.h"
#include "wire.h"

enum { MOST_QUEUED_FDS = 1024 };

struct om_reader {
	uint32_t max_frame;
	struct wire_buffer buffer;
	size_t used; /* bytes of the buffer that are frames handed out already */
	int fds[MOST_QUEUED_FDS];
	size_t fds_used, fd_count; /* how many of them are handed out already, and how many stand behind these */
};

om_reader *om_reader_new(uint32_t max_frame)
{
	om_reader *r = calloc(1, sizeof *r);
	if (r != NULL)
		r->max_frame = max_frame != 0 ? max_frame : WIRE_MAX_FRAME;
	return r;
}

void om_reader_free(om_reader *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->fd_count; i++)
		close(r->fds[r->fds_used + i]);
	wire_free(&r->buffer);
	free(r);
}

int reader_feed_descriptors(om_reader *r, const int *fds, size_t count)
{
	if (count > MOST_QUEUED_FDS - r->fd_count) {
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		return -EMFILE;
	}
	if (r->fds_used > 0)
		memmove(r->fds, r->fds + r->fds_used, r->fd_count * sizeof *r->fds);
	r->fds_used = 0;
	if (count > 0)
		memcpy(r->fds + r->fd_count, fds, count * sizeof *fds);
	r->fd_count += count;
	return 0;
}

unsigned char *reader_room(om_reader *r, size_t length)
{
	if (r->used > 0) {
		r->buffer.length -= r->used;
		memmove(r->buffer.bytes, r->buffer.bytes + r->used, r->buffer.length);
		r->used = 0;
	}
	unsigned char *p = wire_reserve(&r->buffer, length);
	if (p != NULL)
		r->buffer.length -= length;
	return p;
}

void reader_fed(om_reader *r, size_t length) { r->buffer.length += length; }

int om_reader_feed(om_reader *r, const void *bytes, size_t length, const int *fds, size_t fd_count)
{
	int result = reader_feed_descriptors(r, fds, fd_count);
	if (result < 0 || length == 0)
		return result;
	unsigned char *p = reader_room(r, length);
	if (p == NULL)
		return -ENOMEM;
	memcpy(p, bytes, length);
	reader_fed(r, length);
	return 0;
}

static int malformed(char errstr[256], const char *clause, const char *what, unsigned long value)
{
	snprintf(errstr, 256, "malformed frame: %s is %lu (clause %s)", what, value, clause);
	return -EPROTO;
}

static int check_header(const om_reader *r, const unsigned char *p, char errstr[256])
{
	uint32_t length = wire_get32(p), metadata = wire_get32(p + 16);

	if (length < WIRE_HEADER || length > r->max_frame)
		return malformed(errstr, "2.2", "frame length", length);
	if (metadata > WIRE_MAX_METADATA || metadata > length - WIRE_HEADER || metadata % 8 != 0)
		return malformed(errstr, "2.2", "metadata length", metadata);
	if (wire_get16(p + 14) != 0 || wire_get32(p + 20) != 0)
		return malformed(errstr, "2.2", "a reserved field, which has to be 0,", wire_get16(p + 14));
	if ((wire_get16(p + 6) & ~(WIRE_REPLY | WIRE_MORE)) != 0)
		return malformed(errstr, "2.3", "the flags that are unknown", wire_get16(p + 6));
	return 0;
}

size_t reader_holds(const om_reader *r) { return r->buffer.length - r->used; }

/* Checks the header that is there, and writes down what it says. 1, 0 if more bytes are needed, -EPROTO. */
static int look(const om_reader *r, om_frame *frame, char errstr[256])
{
	if (reader_holds(r) < WIRE_HEADER)
		return 0;
	const unsigned char *p = r->buffer.bytes + r->used;
	int result = check_header(r, p, errstr);
	if (result < 0)
		return result;
	if (p[5] > r->fd_count || p[5] > 1)
		return malformed(errstr, "1.5", "the number of descriptors that did not come", p[5]);
	frame->length = wire_get32(p);
	frame->operation = p[4];
	frame->fds = p[5];
	frame->flags = wire_get16(p + 6);
	frame->id = wire_get32(p + 8);
	frame->status = wire_get16(p + 12);
	frame->metadata_length = wire_get32(p + 16);
	frame->object_length = wire_get64(p + 24);
	frame->metadata = p + WIRE_HEADER;
	frame->body = frame->metadata + frame->metadata_length;
	frame->body_length = frame->length - WIRE_HEADER - frame->metadata_length;
	frame->fd = -1;
	return 1;
}

/* The frame leaves the reader with its descriptor and that many bytes. */
static int take(om_reader *r, om_frame *frame, size_t length, char errstr[256])
{
	int result = om_metadata_check(frame->metadata, frame->metadata_length, errstr);
	if (result < 0)
		return result;
	if (frame->fds == 1) {
		frame->fd = r->fds[r->fds_used++];
		r->fd_count--;
	}
	r->used += length;
	return 1;
}

int om_reader_next(om_reader *r, om_frame *frame, char errstr[256])
{
	int result = look(r, frame, errstr);

	if (result != 1 || reader_holds(r) < frame->length)
		return result < 0 ? result : 0;
	return take(r, frame, frame->length, errstr);
}

int reader_look(const om_reader *r, om_frame *frame, size_t *lacking, char errstr[256])
{
	size_t available = reader_holds(r);
	int result = look(r, frame, errstr);

	if (result < 0)
		return result;
	size_t head = WIRE_HEADER + (result == 1 ? frame->metadata_length : 0);
	*lacking = head > available ? head - available : 0;
	return *lacking == 0;
}

int reader_take_head(om_reader *r, om_frame *frame, size_t *to_come, char errstr[256])
{
	size_t here = reader_holds(r) - WIRE_HEADER - frame->metadata_length;

	if (here > frame->body_length)
		here = frame->body_length;
	*to_come = frame->body_length - here;
	frame->body_length = here;
	return take(r, frame, frame->length - *to_come, errstr);
}
