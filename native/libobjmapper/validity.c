/* The words that tell whether what is kept is current. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "validity.h"
#include "wire.h"

/* Where the fields of the file are, and how long a clock counts that does not move (protocol-spec.md 11). */
enum { MAGIC_AT = 0, COUNT_AT = 8, FIRST_AT = 16, EPOCH_AT = 64, CLOCK_AT = 128, LEAST = 136 };
#define MAGIC UINT64_C(0x314254564A424F4A)
#define BOUND_NANOS UINT64_C(1000000000)

static uint64_t load(const void *at)
{
	return le64toh(__atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE));
}

/* Whether header and words lie within the file as they say. */
static int is_table(const unsigned char *memory, uint64_t size)
{
	uint64_t count = load(memory + COUNT_AT), first = load(memory + FIRST_AT);

	return load(memory + MAGIC_AT) == MAGIC && count > 0 && (count & (count - 1)) == 0 && first >= LEAST && first % 8 == 0 &&
	    first <= size && count <= (size - first) / 8;
}

int validity_open(struct validity *v, int fd)
{
	struct stat s;

	if (fstat(fd, &s) < 0)
		return -errno;
	if (!S_ISREG(s.st_mode) || s.st_size < LEAST)
		return -EPROTO;
	void *memory = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	if (!is_table(memory, (uint64_t)s.st_size)) {
		munmap(memory, (size_t)s.st_size);
		return -EPROTO;
	}
	*v = (struct validity) { .memory = memory, .size = (size_t)s.st_size };
	v->words = (const uint64_t *)(const void *)(v->memory + load(v->memory + FIRST_AT));
	v->count = load(v->memory + COUNT_AT);
	return 0;
}

void validity_close(struct validity *v)
{
	if (v->memory != NULL)
		munmap((void *)(uintptr_t)v->memory, v->size);
	v->memory = NULL;
}

struct validity_stamp validity_stamp_of(const unsigned char *value)
{
	return (struct validity_stamp) { wire_get64(value), wire_get64(value + 8), wire_get64(value + 16), wire_get64(value + 24) };
}

uint64_t validity_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* A clock that moved did so after it was read the last time: then the server was alive. */
static uint64_t look_at_clock(struct validity *v, uint64_t now)
{
	uint64_t clock = load(v->memory + CLOCK_AT);

	if (clock != v->clock) {
		v->alive_nanos = v->read_nanos > v->alive_nanos ? v->read_nanos : v->alive_nanos;
		v->clock = clock;
	}
	v->read_nanos = now;
	return clock;
}

int validity_holds(struct validity *v, const struct validity_stamp *stamp, uint64_t *now)
{
	/* The words first: that they are so is true of a moment before the clocks are read. */
	if (load(v->memory + EPOCH_AT) != stamp->epoch || stamp->slot >= v->count || load(&v->words[stamp->slot]) != stamp->word)
		return 0;
	*now = validity_now();
	uint64_t clock = look_at_clock(v, *now);
	return *now - v->alive_nanos < BOUND_NANOS && clock < stamp->deadline;
}

void validity_answered(struct validity *v, uint64_t sent_nanos)
{
	if (sent_nanos > v->alive_nanos)
		v->alive_nanos = sent_nanos;
}
