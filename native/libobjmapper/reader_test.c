/* The reader and the wire format, without a server. Prints the seed of what is random. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "objmapper.h"
#include "testing.h"
#include "wire.h"

static struct wire_buffer sample(void)
{
	struct wire_buffer b = { 0 };
	size_t frame = wire_begin(&b, WIRE_GET, WIRE_REPLY, 7, OM_OK, 1, 5000);
	wire_u32(&b, OM_MODE, OM_FDPASS);
	wire_pair(&b, OM_DESCRIPTOR_RANGE, 0, 5000);
	wire_u64(&b, OM_GENERATION, 42);
	wire_end(&b, frame, NULL, 0);
	frame = wire_begin(&b, WIRE_PING, WIRE_REPLY, 8, OM_OK, 0, 0);
	wire_end(&b, frame, "hello", 5);
	check(!b.failed);
	return b;
}

static void a_frame_cut_at_every_byte_comes_out_whole(void)
{
	struct wire_buffer b = sample();
	om_frame f;
	char why[256];

	for (size_t cut = 1; cut < b.length; cut++) {
		om_reader *r = om_reader_new(0);
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		int frames = 0, got;
		check(om_reader_feed(r, b.bytes, cut, &fd, 1) == 0);
		while ((got = om_reader_next(r, &f, why)) == 1) {
			if (f.fd >= 0)
				close(f.fd);
			frames++;
		}
		check(got == 0);
		check(om_reader_feed(r, b.bytes + cut, b.length - cut, NULL, 0) == 0);
		while ((got = om_reader_next(r, &f, why)) == 1) {
			if (f.fd >= 0)
				close(f.fd);
			frames++;
		}
		check(got == 0 && frames == 2);
		check(f.id == 8 && f.body_length == 5 && memcmp(f.body, "hello", 5) == 0);
		om_reader_free(r);
	}
	wire_free(&b);
}

static void random_damage_is_refused_or_read_but_never_more(unsigned seed)
{
	char why[256];

	srand(seed);
	for (int round = 0; round < 20000; round++) {
		struct wire_buffer b = sample();
		om_reader *r = om_reader_new(0);
		om_frame f;
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		for (int i = 0; i < 3; i++)
			b.bytes[(size_t)rand() % b.length] = (unsigned char)rand();
		check(om_reader_feed(r, b.bytes, b.length, &fd, 1) == 0);
		while (om_reader_next(r, &f, why) == 1)
			if (f.fd >= 0)
				close(f.fd);
		om_reader_free(r);
		wire_free(&b);
	}
}

static void a_frame_that_claims_a_descriptor_that_did_not_come_is_refused(void)
{
	struct wire_buffer b = sample();
	om_reader *r = om_reader_new(0);
	om_frame f;
	char why[256];

	check(om_reader_feed(r, b.bytes, b.length, NULL, 0) == 0);
	check(om_reader_next(r, &f, why) < 0);
	check(strstr(why, "descriptors") != NULL);
	om_reader_free(r);
	wire_free(&b);
}

static void descriptors_that_nobody_takes_are_closed_with_the_reader(void)
{
	om_reader *r = om_reader_new(0);
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	check(om_reader_feed(r, NULL, 0, fds, 3) == 0);
	om_reader_free(r);
}

/* 1,024 wait; one more is refused, and closed like those that came with it. */
static void more_descriptors_than_a_reader_holds_are_refused_and_closed(void)
{
	om_reader *r = om_reader_new(0);
	int fds[2];

	for (int i = 0; i < 1023; i++) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		check(fd >= 0 && om_reader_feed(r, NULL, 0, &fd, 1) == 0);
	}
	for (int i = 0; i < 2; i++)
		check((fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
	check(om_reader_feed(r, NULL, 0, fds, 2) == -EMFILE);
	check(fcntl(fds[0], F_GETFD) < 0 && fcntl(fds[1], F_GETFD) < 0);
	check((fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0 && om_reader_feed(r, NULL, 0, fds, 1) == 0);
	om_reader_free(r);
}

/* So many descriptors at once are more than some systems give by default. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	check(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= 2048);
	limit.rlim_cur = limit.rlim_cur < 2048 ? 2048 : limit.rlim_cur;
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

int main(int argc, char **argv)
{
	unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : (unsigned)time(NULL);
	int before = open_descriptors();

	printf("seed %u\n", seed);
	a_frame_cut_at_every_byte_comes_out_whole();
	a_frame_that_claims_a_descriptor_that_did_not_come_is_refused();
	descriptors_that_nobody_takes_are_closed_with_the_reader();
	allow_descriptors();
	more_descriptors_than_a_reader_holds_are_refused_and_closed();
	random_damage_is_refused_or_read_but_never_more(seed);
	check(open_descriptors() == before);
	puts("reader: all passed");
	return 0;
}
