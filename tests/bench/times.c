#include "times.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

uint64_t times_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t bucket_of(uint64_t nanos)
{
	if (nanos < TIMES_IN_POWER)
		return (size_t)nanos;
	unsigned power = 63 - (unsigned)__builtin_clzll(nanos) - TIMES_BITS_IN_POWER;
	return (size_t)power * TIMES_IN_POWER + (size_t)(nanos >> power);
}

/* The longest time that counts in a bucket. */
static uint64_t nanos_of(size_t bucket)
{
	if (bucket < 2 * TIMES_IN_POWER)
		return bucket;
	unsigned power = (unsigned)(bucket / TIMES_IN_POWER) - 1;
	return (((uint64_t)(bucket % TIMES_IN_POWER + TIMES_IN_POWER) + 1) << power) - 1;
}

void times_add(struct times *t, uint64_t nanos) { t->count[bucket_of(nanos)]++; }

void times_add_all(struct times *to, const struct times *from)
{
	for (size_t i = 0; i < TIMES_BUCKETS; i++)
		to->count[i] += from->count[i];
}

uint64_t times_count(const struct times *t)
{
	uint64_t all = 0;
	for (size_t i = 0; i < TIMES_BUCKETS; i++)
		all += t->count[i];
	return all;
}

double times_micros(const struct times *t, double share)
{
	uint64_t all = times_count(t), seen = 0;
	for (size_t i = 0; i < TIMES_BUCKETS; i++) {
		seen += t->count[i];
		if (seen > 0 && (double)seen >= (double)all * share)
			return (double)nanos_of(i) / 1e3;
	}
	return 0;
}

void times_print(const struct times *t)
{
	printf("times");
	for (size_t i = 0; i < TIMES_BUCKETS; i++)
		if (t->count[i] > 0)
			printf(" %" PRIu64 ":%" PRIu64, nanos_of(i), t->count[i]);
	printf("\n");
}
