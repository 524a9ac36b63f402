/* The server's validity table (protocol-spec.md 11), as one session has it. For one thread at a time. */
#ifndef OBJMAPPER_VALIDITY_H
#define OBJMAPPER_VALIDITY_H

#include <stddef.h>
#include <stdint.h>

/* What a reply's VALIDITY says. */
struct validity_stamp {
	uint64_t epoch, slot, word, deadline;
};

struct validity {
	const unsigned char *memory; /* NULL: there is none */
	size_t size;
	const uint64_t *words;
	uint64_t count;
	uint64_t clock;       /* the server's, as it was last read here */
	uint64_t read_nanos;  /* a moment before that */
	uint64_t alive_nanos; /* a moment at which the server was surely alive */
};

/* Maps the table; the descriptor stays the caller's. 0, or a negative errno, -EPROTO for what is no such table. */
int validity_open(struct validity *v, int fd);
void validity_close(struct validity *v);

/* What the value of a VALIDITY entry says. */
struct validity_stamp validity_stamp_of(const unsigned char *value);

/* The monotonic clock. Not the coarse one: that lags where the processor that keeps it is held up. */
uint64_t validity_now(void);

/* Whether what came with a stamp is still what a GET would bring; *now is then a moment after that was found. */
int validity_holds(struct validity *v, const struct validity_stamp *stamp, uint64_t *now);

/* The server has answered what was sent at a moment or later. */
void validity_answered(struct validity *v, uint64_t sent_nanos);

#endif
