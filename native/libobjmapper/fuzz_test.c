/*
 * fuzz_test VECTORS... [--seed NUMBER] [--rounds NUMBER]: gives the fuzzer every vector, then damaged ones, the same for the same seed.
 * fuzz_test VECTORS... --corpus DIRECTORY: writes what libFuzzer is to begin with.
 */
#include "fuzz.h"

#include <getopt.h>
#include <limits.h>
#include <time.h>

#include "hex.h"
#include "objmapper.h"
#include "testing.h"

enum { MOST_SEEDS = 2048, MOST_LINE = 4 * WIRE_MAX_FRAME, ROUNDS = 5000, MOST_DAMAGE = 8 };

static struct wire_buffer seeds[MOST_SEEDS];
static size_t seed_count;

static void append(struct wire_buffer *to, const void *bytes, size_t length)
{
	unsigned char *p = wire_reserve(to, length);
	check(p != NULL);
	memcpy(p, bytes, length);
}

static struct wire_buffer *new_seed(unsigned choices, unsigned fd_count)
{
	const unsigned char control[FUZZ_CONTROL] = { (unsigned char)choices, (unsigned char)fd_count, (unsigned char)seed_count };

	check(seed_count < MOST_SEEDS);
	append(&seeds[seed_count], control, sizeof control);
	return &seeds[seed_count++];
}

static void add_hello(struct wire_buffer *b)
{
	size_t frame = wire_begin(b, WIRE_HELLO, WIRE_REPLY, 0, OM_OK, 0, WIRE_MAGIC);
	wire_u32(b, WIRE_MAX_REQUESTS, FUZZ_REQUESTS);
	wire_end(b, frame, NULL, 0);
}

/* The frame as an answer to the request that it could answer. */
static void add_as_answer(struct wire_buffer *b, const struct wire_buffer *frame)
{
	size_t at = b->length;
	int operation = frame->bytes[4];

	append(b, frame->bytes, frame->length);
	b->bytes[at + 6] |= WIRE_REPLY;
	if (operation != WIRE_HELLO && operation != WIRE_ERROR)
		wire_put32(b->bytes + at + 8, operation >= WIRE_GET && operation <= WIRE_GOODBYE ? (uint32_t)operation - WIRE_GET + FUZZ_GET : FUZZ_GET);
}

static void add_vector(const struct wire_buffer *frame)
{
	if (frame->length < WIRE_HEADER || frame->length > FUZZ_MOST / 2)
		return;
	append(new_seed(0, frame->bytes[5]), frame->bytes, frame->length);
	struct wire_buffer *b = new_seed(FUZZ_SESSION, frame->bytes[5]);
	add_hello(b);
	add_as_answer(b, frame);
}

static void read_vectors(const char *path)
{
	static char line[MOST_LINE];
	FILE *file = fopen(path, "re");

	check(file != NULL);
	while (fgets(line, sizeof line, file) != NULL) {
		struct wire_buffer frame = { 0 };
		if (strncmp(line, "hex: ", 5) != 0)
			continue;
		read_bytes(line + 5, &frame);
		add_vector(&frame);
		wire_free(&frame);
	}
	fclose(file);
}

static void add_answer(struct wire_buffer *b, int operation, int flags, uint32_t id, int fds, uint64_t length, const char *body)
{
	size_t frame = wire_begin(b, operation, WIRE_REPLY | flags, id, OM_OK, fds, length);
	if (fds > 0)
		wire_pair(b, OM_DESCRIPTOR_RANGE, 0, length);
	wire_end(b, frame, body, strlen(body));
}

/* Every request is answered; bodies come in one frame, in several that are mixed, and as a descriptor. */
static void add_conversations(void)
{
	for (unsigned fd_count = 0; fd_count < 2; fd_count++) {
		struct wire_buffer *b = new_seed(FUZZ_SESSION | FUZZ_SECOND_GET, fd_count);
		add_hello(b);
		add_answer(b, WIRE_GET, WIRE_MORE, FUZZ_GET, 0, 12, "one ");
		for (uint32_t id = FUZZ_HEAD; id <= FUZZ_GOODBYE; id++)
			add_answer(b, WIRE_GET + (int)(id - FUZZ_GET), 0, id, 0, 0, "");
		add_answer(b, WIRE_DATA, 0, FUZZ_GET, 0, 0, "two ");
		add_answer(b, WIRE_GET, 0, FUZZ_GET_AGAIN, (int)fd_count, 8, fd_count > 0 ? "" : "together");
		add_answer(b, WIRE_DATA, 0, FUZZ_GET, 0, 0, "rest");
		add_answer(b, WIRE_END, 0, FUZZ_GET, 0, 0, "");
		struct wire_buffer *single = new_seed(FUZZ_SESSION, 0);
		add_hello(single);
		add_answer(single, WIRE_GET, WIRE_MORE, FUZZ_GET, 0, 8, "");
		add_answer(single, WIRE_DATA, 0, FUZZ_GET, 0, 0, "together");
		add_answer(single, WIRE_END, 0, FUZZ_GET, 0, 0, "");
	}
}

/* ---- damage */

static uint64_t state;

/* xorshift64: the same everywhere. */
static size_t below(size_t bound)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state % bound);
}

static void damage(unsigned char *bytes, size_t *length)
{
	static const uint32_t telling[] = { 0, 1, 7, 8, 31, 32, 33, 0xff, 0x100, 0xffff, 0x10000, 0x20000, 0x20001, 0x100000, 0x100001, 0x7fffffff, 0x80000000, 0xffffffff };
	size_t at = below(*length), n = 1 + below(16);

	switch (below(5)) {
	case 0:
		bytes[at] ^= (unsigned char)(1 << below(8));
		break;
	case 1:
		bytes[at] = (unsigned char)below(256);
		break;
	case 2:
		if (*length >= 4)
			wire_put32(bytes + (at < *length - 4 ? at : *length - 4), telling[below(sizeof telling / sizeof telling[0])]);
		break;
	case 3: /* some bytes more, copies of those before them */
		if (*length + n <= FUZZ_MOST) {
			memmove(bytes + at + n, bytes + at, *length - at);
			*length += n;
		}
		break;
	default: /* some bytes less */
		n = n < *length - at ? n : *length - at;
		if (*length - n > 0) {
			memmove(bytes + at, bytes + at + n, *length - at - n);
			*length -= n;
		}
	}
}

static void give_damaged(void)
{
	const struct wire_buffer *first = &seeds[below(seed_count)], *second = &seeds[below(seed_count)];
	unsigned char *bytes = malloc(FUZZ_MOST);
	size_t length = first->length, more = second->length - FUZZ_CONTROL;

	check(bytes != NULL);
	memcpy(bytes, first->bytes, length);
	if (below(2) == 0 && length + more <= FUZZ_MOST) {
		memcpy(bytes + length, second->bytes + FUZZ_CONTROL, more);
		length += more;
	}
	for (size_t i = below(MOST_DAMAGE); i > 0; i--)
		damage(bytes, &length);
	LLVMFuzzerTestOneInput(bytes, length);
	free(bytes);
}

static void write_corpus(const char *directory)
{
	for (size_t i = 0; i < seed_count; i++) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/%04zu", directory, i);
		FILE *file = fopen(path, "we");
		check(file != NULL && fwrite(seeds[i].bytes, seeds[i].length, 1, file) == 1 && fclose(file) == 0);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "seed", 1, NULL, 's' }, { "rounds", 1, NULL, 'r' }, { "corpus", 1, NULL, 'c' }, { 0 } };
	uint64_t seed = (uint64_t)time(NULL), rounds = ROUNDS;
	const char *corpus = NULL;

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		check(o != '?');
		if (o == 'c')
			corpus = optarg;
		else
			*(o == 's' ? &seed : &rounds) = strtoull(optarg, NULL, 10);
	}
	for (int i = optind; i < argc; i++)
		read_vectors(argv[i]);
	add_conversations();
	if (corpus != NULL)
		write_corpus(corpus);
	else {
		printf("seed %llu\n", (unsigned long long)seed);
		fflush(stdout);
		for (size_t i = 0; i < seed_count; i++)
			LLVMFuzzerTestOneInput(seeds[i].bytes, seeds[i].length);
		state = seed != 0 ? seed : 1; /* 0 would stay 0 */
		for (uint64_t i = 0; i < rounds; i++)
			give_damaged();
		printf("fuzz: %zu inputs and %llu damaged ones passed\n", seed_count, (unsigned long long)rounds);
	}
	for (size_t i = 0; i < seed_count; i++)
		wire_free(&seeds[i]);
	return 0;
}
