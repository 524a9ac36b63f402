/* What stands behind an om_context. */
#ifndef OBJMAPPER_SESSION_H
#define OBJMAPPER_SESSION_H

#include "cache.h"
#include "objmapper.h"
#include "reader.h"
#include "wire.h"

/* What the server takes where nothing else is said, and how much is received at once. */
enum { DEFAULT_REQUESTS = 64, DEFAULT_DESCRIPTORS = 16, INPUT_ROOM = 256 * 1024 };

/* A request whose answer is not complete. */
struct pending {
	struct pending *next;
	uint32_t id;
	int operation;
	int sink;
	int use_sink;
	uint64_t body_came; /* bytes, to wherever they go */
	uint64_t sunk;      /* bytes that the sink took */
	size_t body_room; /* allocated for the reply's body */
	om_reply *reply; /* its first frame has come and the body is still coming; NULL before that */
};

/* A descriptor that goes with the first byte of a frame. */
struct passed {
	struct passed *next;
	size_t frame; /* where in the session's output */
	int fd;       /* the session's own */
};

struct om_session {
	int socket;
	int timeout_millis;
	int detached; /* the caller moves the bytes */
	int greeted;  /* the server's HELLO has come */
	int farewell; /* the errno of the server's GOODBYE: it answers what it has begun, and closes; 0: none has come */
	char farewell_text[sizeof ((om_context *)0)->errstr];
	uint32_t next_id;
	int wrapped; /* next_id began anew: some may be in flight still */
	uint32_t max_requests; /* as granted */
	uint64_t features;     /* as granted */
	struct wire_buffer out;
	size_t out_sent;
	struct passed *passed, **passed_tail; /* in the order of their frames */
	uint32_t max_descriptors;             /* in a message to the server, as granted */
	om_reader *reader;
	struct pending *pending, **pending_tail;
	struct pending *newest; /* of the request that is being written */
	struct pending *done, **done_tail; /* answered; each reply waits to be taken */
	struct pending *spare; /* for the next requests */
	unsigned gets, sinks; /* how many of the pending ones are GETs, and how many of these have a sink */
	int pipe[2]; /* through which bodies go from the socket to a sink; -1 until one is needed */
	struct pending *moving; /* its sink gets the bytes that the socket has next, which the reader does not see; NULL: none */
	size_t to_move;
	int moving_ends; /* its answer is complete then */
	struct cache *cache; /* NULL: the caller wants none */
};

struct pending *pending_find(struct pending *list, uint32_t id);

/* An answer with what its first frame says, and its descriptor; NULL without memory. */
om_reply *reply_of(const om_frame *f);
/* One more holder of an answer, each of whom frees it. */
om_reply *reply_hold(om_reply *reply);
/* The MESSAGE in metadata, or NULL. */
char *message_in(const unsigned char *metadata, size_t size);

/* Sets err and errstr: the session failed. Returns -1. */
int context_fail(om_context *c, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Refuses a call before anything is queued: errstr says why, err stays as it is. */
int context_refuse(om_context *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets what is queued, and closes its descriptors. */
void context_drop_output(om_context *c);

/* Starts a request: writes its header, remembers that an answer is due. Returns the frame for context_end. */
size_t context_begin(om_context *c, int operation, int flags, int fds, uint64_t object_length, uint32_t *id);
/* Queues the frame with its body. -1 where the session failed, or where the frame breaks a limit: then it is taken back, errstr says why, and the session goes on. */
int context_end(om_context *c, size_t frame, const void *body, size_t body_length);
/* As context_end, for a frame with a descriptor, of which the session keeps a duplicate until it is sent. */
int context_end_with(om_context *c, size_t frame, int fd);

/* Takes in all that the reader has; where that is nothing, waits for something from the server first. 0, or -1 when the session failed. */
int context_receive(om_context *c);
/* Takes in the next whole frame that the reader has. 1, 0 where it has none, or -1 when the session failed. */
int context_take_frame(om_context *c);
/* Takes in all of them. 0, or -1. */
int context_take_frames(om_context *c);
/* Takes in a frame of which to_come bytes of body have not come: they are the session's to_move. */
int context_take_head(om_context *c, const om_frame *f, size_t to_come);
/* Takes in bytes of the body that is moving. Like the next call, never more than to_move. */
int context_take_moving(om_context *c, const void *bytes, size_t length);
/* Sends what the session's pipe holds to the sink of the body that is moving. */
int context_splice_moving(om_context *c, size_t length);
/* The next body to be spliced gets a new pipe. */
void context_close_pipe(om_context *c);
/* Its answer is complete and waits to be taken. */
void context_complete(om_context *c, struct pending *p);

/* Sends what is queued. */
int context_send(om_context *c);

/* The complete answer to one request; answers to others that come meanwhile are kept for om_get_reply. */
om_reply *context_wait(om_context *c, uint32_t id);

/* 1 when the request is answered already: a PUT that was refused need not be sent to its end. -1 when the session failed. */
int context_is_answered(om_context *c, uint32_t id);

#endif
