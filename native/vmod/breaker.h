/* Whether the store is asked at all: a dead one costs next to nothing. Times are seconds on a clock that does not jump. Not thread-safe. */
#ifndef OBJMAPPER_VMOD_BREAKER_H
#define OBJMAPPER_VMOD_BREAKER_H

enum {
	BREAKER_IN_A_ROW = 5, /* failures one after the other open it */
	BREAKER_WINDOW = 100,
	BREAKER_IN_WINDOW = 20, /* and so do so many of the last BREAKER_WINDOW calls */
	BREAKER_TRIAL_SECONDS = 1, /* open, it lets one call through in that time */
};

/* Zero-initialised, it is closed. */
struct breaker {
	int is_open;
	double next_trial;
	unsigned in_a_row, failures, calls; /* of the window */
	unsigned char failed[BREAKER_WINDOW]; /* a ring */
};

/* Whether a call may be made now. */
int breaker_allows(struct breaker *breaker, double now);

/* Says how a call went. A call that was let through and went well closes it. */
void breaker_count(struct breaker *breaker, int has_failed, double now);

#endif
