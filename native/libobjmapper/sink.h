/* A body on its way into a descriptor of the caller's: a file, a pipe, a socket, whatever can be written. */
#ifndef OBJMAPPER_SINK_H
#define OBJMAPPER_SINK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Each writes all it was given at the place where the sink stands, adds to *done what was written, and returns 0 or the sink's -errno.
 * A sink that blocks is waited for; one that does not is waited for as long as timeout_millis (-1: for ever) passes without progress,
 * then -ETIMEDOUT. No SIGPIPE is raised.
 */
struct sink {
	int fd;
	int timeout_millis;
	uint64_t *done;
};

int sink_write(const struct sink *to, const void *bytes, size_t length);

/* What a pipe holds: moved inside the kernel where the sink can be spliced to. After a failure the pipe may still hold some. */
int sink_splice(const struct sink *to, int pipe, size_t length);

/* A range of a file: copied inside the kernel where it can. -EIO where the file ends before the range. */
int sink_copy(const struct sink *to, int file, uint64_t offset, uint64_t length);

#endif
