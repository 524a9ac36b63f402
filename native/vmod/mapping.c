#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mapping.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14; glibc's header is older */
#endif

struct mapping {
	unsigned holders;
	int is_memory;
	unsigned char *pages; /* what is mapped */
	size_t pages_length;
	unsigned char *bytes; /* what is wanted of it */
	uint64_t length;
};

/* ---- how many there are */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t own_count, own_bytes;
static uint64_t *count = &own_count, *bytes = &own_bytes;

void mapping_keep_totals_in(uint64_t *count_there, uint64_t *bytes_there)
{
	pthread_mutex_lock(&lock);
	count = count_there;
	bytes = bytes_there;
	pthread_mutex_unlock(&lock);
}

static uint64_t most_of_process(void)
{
	static uint64_t most; /* with the lock held */
	unsigned long all = 65530; /* the kernel's default */
	FILE *file;

	if (most != 0)
		return most;
	file = fopen("/proc/sys/vm/max_map_count", "re");
	if (file != NULL) {
		if (fscanf(file, "%lu", &all) != 1)
			all = 65530;
		fclose(file);
	}
	most = all / 2;
	return most;
}

static int take_place(uint64_t length, const struct mapping_limits *limits)
{
	pthread_mutex_lock(&lock);
	int has_place = *count < limits->most && *count < most_of_process() &&
	    (limits->most_bytes == 0 || (length <= limits->most_bytes && *bytes <= limits->most_bytes - length));
	if (has_place) {
		++*count;
		*bytes += length;
	}
	pthread_mutex_unlock(&lock);
	return has_place;
}

static void give_place(uint64_t length)
{
	pthread_mutex_lock(&lock);
	--*count;
	*bytes -= length;
	pthread_mutex_unlock(&lock);
}

/* ---- one of them */

static int is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & F_SEAL_SHRINK) && (seals & F_SEAL_WRITE);
}

static int map(struct mapping *mapping, int fd, uint64_t offset)
{
	uint64_t before = offset % (uint64_t)sysconf(_SC_PAGESIZE);

	mapping->pages_length = (size_t)(before + mapping->length);
	mapping->pages = mmap(NULL, mapping->pages_length, PROT_READ, MAP_SHARED, fd, (off_t)(offset - before));
	if (mapping->pages == MAP_FAILED)
		return -1;
	mapping->bytes = mapping->pages + before;
	mapping->is_memory = is_sealed(fd);
	return 0;
}

struct mapping *mapping_new(int fd, uint64_t offset, uint64_t length, const struct mapping_limits *limits)
{
	struct mapping *mapping;

	if (!take_place(length, limits)) {
		errno = ENOBUFS;
		return NULL;
	}
	mapping = calloc(1, sizeof *mapping);
	if (mapping != NULL) {
		mapping->holders = 1;
		mapping->length = length;
		if (map(mapping, fd, offset) == 0)
			return mapping;
	}
	int error = mapping != NULL ? errno : ENOMEM;
	free(mapping);
	give_place(length);
	errno = error;
	return NULL;
}

void mapping_hold(struct mapping *mapping) { __atomic_add_fetch(&mapping->holders, 1, __ATOMIC_RELAXED); }

void mapping_drop(struct mapping *mapping)
{
	if (mapping == NULL || __atomic_sub_fetch(&mapping->holders, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	munmap(mapping->pages, mapping->pages_length);
	give_place(mapping->length);
	free(mapping);
}

unsigned char *mapping_bytes(const struct mapping *mapping) { return mapping->bytes; }

uint64_t mapping_length(const struct mapping *mapping) { return mapping->length; }

int mapping_is_memory(const struct mapping *mapping) { return mapping->is_memory; }

int mapping_populate(const struct mapping *mapping, uint64_t offset, uint64_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t start = (size_t)(mapping->bytes - mapping->pages) + (size_t)offset;
	size_t before = start % page;
	int r;

	do
		r = madvise(mapping->pages + start - before, before + (size_t)length, MADV_POPULATE_READ);
	while (r < 0 && (errno == EINTR || errno == EAGAIN));
	return r;
}
