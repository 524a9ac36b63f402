/* Bodies of the store that this process has mapped: for reading alone, each by the whole. Any thread may call. */
#ifndef OBJMAPPER_VMOD_MAPPING_H
#define OBJMAPPER_VMOD_MAPPING_H

#include <stdint.h>

struct mapping;

/* Of all mappings of the process together. */
struct mapping_limits {
	uint64_t most;       /* how many; never more than half of vm.max_map_count, for the process has others and dies where it can't have one */
	uint64_t most_bytes; /* 0: any */
};

/*
 * Maps length bytes, not 0, of a descriptor from offset on. The descriptor is not needed afterwards. Returns NULL where that can't be: errno is ENOBUFS where another mapping
 * has to go first, else what mmap(2) says. The caller holds it.
 */
struct mapping *mapping_new(int fd, uint64_t offset, uint64_t length, const struct mapping_limits *limits);

void mapping_hold(struct mapping *mapping);

/* Lets go of it: the last one to do so unmaps it. NULL is allowed. */
void mapping_drop(struct mapping *mapping);

unsigned char *mapping_bytes(const struct mapping *mapping);
uint64_t mapping_length(const struct mapping *mapping);

/* Whether it is of a memfd that nobody can change. The pages of any other file may have to be read from a disk at any time. */
int mapping_is_memory(const struct mapping *mapping);

/* Has the pages of a part of it be there, read from their disk where they are not, which may take for ever. 0; or -1: errno is EFAULT where they can't be read. */
int mapping_populate(const struct mapping *mapping, uint64_t offset, uint64_t length);

/* Where from now on it stands how many there are, and how many bytes they have; to be called before there is one. */
void mapping_keep_totals_in(uint64_t *count, uint64_t *bytes);

#endif
