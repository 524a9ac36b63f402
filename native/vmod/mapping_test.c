/* How many bodies are mapped, and that no page of one is touched which is not there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mapping.h"
#include "prefetch.h"
#include "testing.h"

enum { LENGTH = 100000 };

static uint64_t count, bytes;
static const struct mapping_limits any = { .most = 1000 };

static int file_of(unsigned length, int is_sealable)
{
	int fd = memfd_create("body", MFD_CLOEXEC | (is_sealable ? MFD_ALLOW_SEALING : 0));

	check(fd >= 0);
	for (unsigned i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)(i * 7 + i / 256);
		check(pwrite(fd, &byte, 1, (off_t)i) == 1);
	}
	return fd;
}

static void a_part_that_begins_anywhere_is_mapped(void)
{
	int fd = file_of(LENGTH, 0);
	struct mapping *mapping = mapping_new(fd, 5001, 60000, &any);
	unsigned char *expected = malloc(60000);

	check(mapping != NULL && expected != NULL && mapping_length(mapping) == 60000);
	check(pread(fd, expected, 60000, 5001) == 60000);
	close(fd);
	check(mapping_populate(mapping, 0, 60000) == 0 && mapping_populate(mapping, 59999, 1) == 0);
	check(memcmp(mapping_bytes(mapping), expected, 60000) == 0);
	check(count == 1 && bytes == 60000);
	mapping_hold(mapping);
	mapping_drop(mapping);
	check(count == 1 && mapping_bytes(mapping)[0] == expected[0]);
	mapping_drop(mapping);
	mapping_drop(NULL);
	check(count == 0 && bytes == 0);
	free(expected);
}

static void limits_are_kept(void)
{
	const struct mapping_limits two = { .most = 2 }, one_byte_less = { .most = 10, .most_bytes = 2 * LENGTH - 1 }, just = { .most = 10, .most_bytes = 2 * LENGTH };
	int fd = file_of(LENGTH, 0);
	struct mapping *first = mapping_new(fd, 0, LENGTH, &two);

	check(first != NULL);
	check(mapping_new(fd, 0, LENGTH, &one_byte_less) == NULL && errno == ENOBUFS);
	struct mapping *second = mapping_new(fd, 0, LENGTH, &just);
	check(second != NULL && bytes == 2 * LENGTH);
	check(mapping_new(fd, 0, LENGTH, &two) == NULL && errno == ENOBUFS);
	mapping_drop(first);
	first = mapping_new(fd, 0, LENGTH, &two);
	check(first != NULL);
	mapping_drop(first);
	mapping_drop(second);
	close(fd);
	check(count == 0 && bytes == 0);
}

static void where_the_kernel_gives_none_nothing_is_kept(void)
{
	struct rlimit before, none;
	int fd = file_of(LENGTH, 0);

	check(mapping_new(-1, 0, LENGTH, &any) == NULL && errno == EBADF);
	check(getrlimit(RLIMIT_AS, &before) == 0);
	none = before;
	none.rlim_cur = 1;
	check(setrlimit(RLIMIT_AS, &none) == 0);
	struct mapping *mapping = mapping_new(fd, 0, LENGTH, &any);
	int error = errno;
	check(setrlimit(RLIMIT_AS, &before) == 0);
	check(mapping == NULL && error == ENOMEM);
	check(count == 0 && bytes == 0);
	close(fd);
}

static void what_is_cut_off_is_found_before_it_is_touched(void)
{
	int fd = file_of(LENGTH, 0);
	const struct prefetch_patience patience = { .whole_millis = 60000, .progress_millis = 60000 };
	struct mapping *mapping = mapping_new(fd, 0, LENGTH, &any);

	check(mapping != NULL && mapping_populate(mapping, 0, LENGTH) == 0);
	check(prefetch(mapping, fd, 0, mapping_length(mapping), &patience) == PREFETCH_DONE);
	check(ftruncate(fd, 4096) == 0);
	check(mapping_populate(mapping, 0, 4096) == 0);
	check(mapping_populate(mapping, 0, 4097) < 0 && errno == EFAULT);
	check(prefetch(mapping, fd, 0, mapping_length(mapping), &patience) == PREFETCH_FAILED && errno == ENODATA);
	mapping_drop(mapping);
	close(fd);
}

static void memory_is_what_nobody_can_change(void)
{
	int fd = file_of(LENGTH, 1);
	struct mapping *mapping = mapping_new(fd, 0, LENGTH, &any);

	check(mapping != NULL && !mapping_is_memory(mapping));
	mapping_drop(mapping);
	check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE) == 0);
	mapping = mapping_new(fd, 0, LENGTH, &any);
	check(mapping != NULL && mapping_is_memory(mapping));
	mapping_drop(mapping);
	close(fd);
}

/* All of which a process may have a bounded number, and dies where it has had them: half of them are for bodies, whatever VCL lets there be. */
static void half_of_what_the_kernel_allows_is_left(void)
{
	enum { MOST_TRIED = 1 << 18 };
	const struct mapping_limits many = { .most = UINT64_MAX };
	struct mapping **all = calloc(MOST_TRIED, sizeof *all);
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned long allowed = 0, n = 0;
	int fd = file_of(1, 0);

	check(all != NULL && file != NULL && fscanf(file, "%lu", &allowed) == 1);
	fclose(file);
	if (allowed / 2 < MOST_TRIED) {
		while (n < MOST_TRIED && (all[n] = mapping_new(fd, 0, 1, &many)) != NULL)
			n++;
		check(errno == ENOBUFS && n == allowed / 2 && count == n);
	}
	while (n > 0)
		mapping_drop(all[--n]);
	check(count == 0);
	free(all);
	close(fd);
}

int main(void)
{
	mapping_keep_totals_in(&count, &bytes);
	a_part_that_begins_anywhere_is_mapped();
	limits_are_kept();
	where_the_kernel_gives_none_nothing_is_kept();
	what_is_cut_off_is_found_before_it_is_touched();
	memory_is_what_nobody_can_change();
	half_of_what_the_kernel_allows_is_left();
	return 0;
}
