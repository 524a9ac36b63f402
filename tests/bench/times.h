/* How often something took how long. */
#ifndef TIMES_H
#define TIMES_H

#include <stdint.h>

enum {
	/* A bucket for each nanosecond up to 128, then 128 for each power of two: times are known to within 1 %. */
	TIMES_IN_POWER = 128,
	TIMES_BITS_IN_POWER = 7,
	TIMES_BUCKETS = (64 - TIMES_BITS_IN_POWER + 1) * TIMES_IN_POWER,
};

struct times {
	uint64_t count[TIMES_BUCKETS];
};

/* Now, in nanoseconds since some moment. */
uint64_t times_now(void);

void times_add(struct times *t, uint64_t nanos);
void times_add_all(struct times *to, const struct times *from);
uint64_t times_count(const struct times *t);

/* The time in us that a share of all took at most; 0 where there are none. */
double times_micros(const struct times *t, double share);

/* Prints a line of "times" and NANOS:COUNT each. */
void times_print(const struct times *t);

#endif
