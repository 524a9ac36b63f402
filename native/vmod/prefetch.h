/* Bodies that are read into memory before anybody else looks at them, by threads of their own: a disk that hangs keeps those, and not who asked. */
#ifndef OBJMAPPER_VMOD_PREFETCH_H
#define OBJMAPPER_VMOD_PREFETCH_H

#include <stdint.h>

struct mapping;

enum { PREFETCH_THREADS = 16 }; /* at most; the idle ones end after a while */

/* What became of it: all of it is there; it comes, but not in time; an error, in errno; or nothing comes. */
enum prefetched { PREFETCH_DONE, PREFETCH_SLOW, PREFETCH_FAILED, PREFETCH_HUNG };

struct prefetch_patience {
	int whole_millis;    /* for all of it */
	int progress_millis; /* for any of it */
};

/*
 * Reads so much of a descriptor, from offset on, into the page cache and into the mapping of it, where there is one. Whoever waits no longer leaves the rest unread; the thread lets
 * go of descriptor and mapping when it can.
 */
enum prefetched prefetch(struct mapping *mapping, int fd, uint64_t offset, uint64_t length, const struct prefetch_patience *patience);

#endif
