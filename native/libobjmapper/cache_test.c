/* What is kept is given for as long as the table says that it is current, and within the bounds. */
#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cache.h"
#include "session.h"
#include "testing.h"

enum { COUNT = 16, FIRST = 4096, EPOCH_AT = 64, CLOCK_AT = 128, BODY = 100 };

/* ---- a table that the test writes */

static unsigned char *table;

static void set(size_t at, uint64_t value) { memcpy(table + at, &value, sizeof value); }

static int new_table(void)
{
	int fd = memfd_create("table", MFD_CLOEXEC);

	check(fd >= 0 && ftruncate(fd, FIRST + COUNT * 8) == 0);
	table = mmap(NULL, FIRST + COUNT * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(table != MAP_FAILED);
	set(0, UINT64_C(0x314254564A424F4A));
	set(8, COUNT);
	set(16, FIRST);
	set(EPOCH_AT, 6);
	set(CLOCK_AT, 1000);
	return fd;
}

static struct cache *new_cache(uint32_t objects, uint64_t bytes, uint32_t idle_millis)
{
	struct cache *cache = cache_new(objects, bytes, idle_millis);
	int fd = new_table();

	check(cache != NULL && validity_open(cache_validity(cache), fd) == 0);
	close(fd);
	return cache;
}

static void end(struct cache *cache)
{
	cache_free(cache);
	munmap(table, FIRST + COUNT * 8);
}

/* An answer with so many bytes under a slot; the word is the slot's number, doubled. */
static om_reply *answer(uint64_t length, uint64_t slot, uint64_t deadline)
{
	struct wire_buffer b = { 0 };
	unsigned char value[32];
	uint64_t fields[4] = { 6, slot, 2 * slot, deadline };

	memcpy(value, fields, sizeof value);
	size_t frame = wire_begin(&b, WIRE_GET, WIRE_REPLY, 1, OM_OK, 0, length);
	wire_entry(&b, WIRE_VALIDITY, value, sizeof value);
	wire_end(&b, frame, NULL, 0);
	om_frame f = { .operation = WIRE_GET, .id = 1, .object_length = length, .fd = -1,
		.metadata = b.bytes + WIRE_HEADER, .metadata_length = b.length - WIRE_HEADER };
	om_reply *r = reply_of(&f);
	wire_free(&b);
	check(r != NULL);
	set(FIRST + 8 * slot, 2 * slot);
	return r;
}

static void keep(struct cache *cache, const char *key, uint64_t length, uint64_t slot, uint64_t deadline)
{
	om_reply *r = answer(length, slot, deadline);

	validity_answered(cache_validity(cache), validity_now());
	cache_put(cache, key, strlen(key), r);
	om_reply_free(r);
}

static int has(struct cache *cache, const char *key)
{
	om_reply *r = cache_get(cache, key, strlen(key));
	om_reply_free(r);
	return r != NULL;
}

/* ---- what is current */

static void what_nothing_changed_is_given_again(void)
{
	struct cache *cache = new_cache(10, 10000, 60000);

	keep(cache, "key", BODY, 3, UINT64_MAX);
	keep(cache, "another key of more than eight bytes", BODY, 4, UINT64_MAX);
	check(has(cache, "key") && has(cache, "key") && has(cache, "another key of more than eight bytes") && !has(cache, "ke"));
	end(cache);
}

static void what_was_given_is_told_once_and_as_far_as_there_is_room(void)
{
	struct cache *cache = new_cache(10, 10000, 60000);
	unsigned char told[100];

	keep(cache, "key", BODY, 3, UINT64_MAX);
	keep(cache, "never asked for", BODY, 4, UINT64_MAX);
	check(!cache_should_tell(cache) && cache_tell(cache, told, sizeof told) == 0);
	check(has(cache, "key") && has(cache, "key") && cache_should_tell(cache));
	check(cache_tell(cache, told, 23) == 0);
	check(cache_tell(cache, told, 24) == 24);
	check(memcmp(told, "\x18\0\0\0\x03\0\0\0\x02\0\0\0\0\0\0\0key\0\0\0\0\0", 24) == 0);
	check(cache_tell(cache, told, sizeof told) == 0 && !cache_should_tell(cache));
	end(cache);
}

static void what_a_word_was_changed_for_is_not(void)
{
	struct cache *cache = new_cache(10, 10000, 60000);

	keep(cache, "one", BODY, 3, UINT64_MAX);
	keep(cache, "other", BODY, 4, UINT64_MAX);
	set(FIRST + 8 * 3, 7);
	check(!has(cache, "one") && has(cache, "other"));
	set(FIRST + 8 * 3, 6);
	check(!has(cache, "one")); /* it is dropped */
	set(EPOCH_AT, 7);
	check(!has(cache, "other"));
	end(cache);
}

static void what_has_expired_by_the_servers_clock_is_not(void)
{
	struct cache *cache = new_cache(10, 10000, 60000);

	keep(cache, "key", BODY, 3, 1001);
	check(has(cache, "key"));
	set(CLOCK_AT, 1001);
	check(!has(cache, "key"));
	end(cache);
}

/* A second without a sign of life, which is a later answer or a clock that moves while it is looked at. */
static void what_no_living_server_stands_for_is_not(void)
{
	struct cache *cache = new_cache(10, 10000, 60000);
	struct validity *v = cache_validity(cache);

	keep(cache, "key", BODY, 3, UINT64_MAX);
	check(has(cache, "key"));
	v->alive_nanos -= 999000000;
	set(CLOCK_AT, 2000);
	v->read_nanos -= 2000000000; /* that it moved was seen too late to tell when */
	v->alive_nanos -= 1000000;
	check(!has(cache, "key"));

	keep(cache, "key", BODY, 3, UINT64_MAX);
	check(has(cache, "key"));
	v->alive_nanos -= 1000000000;
	set(CLOCK_AT, 3000); /* it moved after a look that was just now */
	check(has(cache, "key"));
	end(cache);
}

static void an_answer_without_a_stamp_is_not_kept(void)
{
	struct cache *cache = new_cache(10, 10000, 60000);
	om_frame f = { .operation = WIRE_GET, .id = 1, .fd = -1 };
	om_reply *r = reply_of(&f);

	validity_answered(cache_validity(cache), validity_now());
	cache_put(cache, "key", 3, r);
	om_reply_free(r);
	check(!has(cache, "key"));
	keep(cache, "beyond", BODY, 3, UINT64_MAX);
	end(cache);
}

static void a_file_that_is_no_table_is_refused(void)
{
	struct validity v = { 0 };
	int fd = new_table();

	set(8, COUNT + 1);
	check(validity_open(&v, fd) == -EPROTO);
	set(8, COUNT * 2);
	check(validity_open(&v, fd) == -EPROTO);
	set(8, COUNT);
	set(16, FIRST + 4);
	check(validity_open(&v, fd) == -EPROTO);
	set(16, UINT64_MAX - 7);
	check(validity_open(&v, fd) == -EPROTO);
	set(16, FIRST);
	set(0, 1);
	check(validity_open(&v, fd) == -EPROTO && v.memory == NULL);
	check(ftruncate(fd, 100) == 0 && validity_open(&v, fd) == -EPROTO);
	munmap(table, FIRST + COUNT * 8);
	close(fd);
}

/* ---- bounds */

static void the_least_used_leaves_beyond_the_count(void)
{
	struct cache *cache = new_cache(2, 10000, 60000);

	keep(cache, "a", BODY, 1, UINT64_MAX);
	keep(cache, "b", BODY, 2, UINT64_MAX);
	check(has(cache, "a"));
	keep(cache, "c", BODY, 3, UINT64_MAX);
	check(has(cache, "a") && !has(cache, "b") && has(cache, "c"));
	end(cache);
}

static void and_beyond_the_bytes(void)
{
	struct cache *cache = new_cache(100, 2000, 60000);

	keep(cache, "a", 1000, 1, UINT64_MAX);
	keep(cache, "b", 1000, 2, UINT64_MAX);
	check(!has(cache, "a") && has(cache, "b"));
	keep(cache, "too large", 2000, 3, UINT64_MAX);
	keep(cache, "far too large", UINT64_MAX - 5, 4, UINT64_MAX);
	check(has(cache, "b") && !has(cache, "too large") && !has(cache, "far too large"));
	end(cache);
}

static void what_is_not_used_leaves(void)
{
	struct cache *cache = new_cache(10, 10000, 1);
	const struct timespec tick = { .tv_nsec = 1000000 };
	uint64_t start = validity_now();

	keep(cache, "key", BODY, 1, UINT64_MAX);
	while (validity_now() < start + 20000000)
		nanosleep(&tick, NULL);
	check(!has(cache, "key"));
	end(cache);
}

static void a_later_answer_takes_the_place_of_the_one_before(void)
{
	struct cache *cache = new_cache(1, 10000, 60000);

	keep(cache, "key", BODY, 1, UINT64_MAX);
	keep(cache, "key", 2 * BODY, 1, UINT64_MAX);
	om_reply *r = cache_get(cache, "key", 3);
	check(r != NULL && r->object_length == 2 * BODY);
	keep(cache, "other", BODY, 2, UINT64_MAX);
	check(r->object_length == 2 * BODY); /* its holder has it still */
	om_reply_free(r);
	end(cache);
}

static void a_descriptor_is_taken_over_as_a_duplicate(void)
{
	struct cache *cache = new_cache(1, 10000, 60000);
	om_reply *r = answer(BODY, 1, UINT64_MAX);

	r->fd = dup(0);
	validity_answered(cache_validity(cache), validity_now());
	cache_put(cache, "key", 3, r);
	int taken = om_reply_take_fd(r);
	check(taken >= 0 && taken != r->fd && r->fd >= 0);
	close(taken);
	om_reply_free(r);
	check(has(cache, "key"));
	end(cache);
}

int main(void)
{
	int before = open_descriptors();

	what_nothing_changed_is_given_again();
	what_was_given_is_told_once_and_as_far_as_there_is_room();
	what_a_word_was_changed_for_is_not();
	what_has_expired_by_the_servers_clock_is_not();
	what_no_living_server_stands_for_is_not();
	an_answer_without_a_stamp_is_not_kept();
	a_file_that_is_no_table_is_refused();
	the_least_used_leaves_beyond_the_count();
	and_beyond_the_bytes();
	what_is_not_used_leaves();
	a_later_answer_takes_the_place_of_the_one_before();
	a_descriptor_is_taken_over_as_a_duplicate();
	check(open_descriptors() == before);
	puts("what is kept is current");
	return 0;
}
