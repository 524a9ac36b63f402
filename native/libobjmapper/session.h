/* What stands behind an om_context. */
#ifndef OBJMAPPER_SESSION_H
#define OBJMAPPER_SESSION_H

#include "objmapper.h"
#include "wire.h"

/* A request whose answer is not complete. */
struct pending {
	struct pending *next;
	uint32_t id;
	int sink;
	int use_sink;
	om_reply *reply; /* its first frame has come and the body is still coming; NULL before that */
};

struct om_session {
	int socket;
	int timeout_millis;
	uint32_t next_id;
	uint32_t max_frame;
	struct wire_buffer out;
	size_t out_sent;
	om_reader *reader;
	struct pending *pending, **pending_tail;
	unsigned char *input;
};

/* Sets err and errstr. */
int context_fail(om_context *c, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Starts a request: writes its header, remembers that an answer is due. Returns the frame for context_end. */
size_t context_begin(om_context *c, int operation, int flags, int fds, uint64_t object_length, uint32_t *id);
int context_end(om_context *c, size_t frame, const void *body, size_t body_length);

/* Sends what is queued, fd with its first byte unless it is -1. */
int context_send(om_context *c, int fd);

/* The complete answer to one request; answers to others that come meanwhile are kept for om_get_reply. */
om_reply *context_wait(om_context *c, uint32_t id);

/* 1 when an answer to the request has come and waits to be read: a PUT that was refused need not be sent to its end. */
int context_has_input(om_context *c);

#endif
