#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024, MOST_AT_ONCE = 1 << 30 };

/* ---- a pipe or socket that nobody reads raises SIGPIPE; it is held back from this thread meanwhile, and taken away */

struct quiet {
	sigset_t before;
	int was_pending;
};

static void hold_sigpipe(struct quiet *q)
{
	sigset_t pending, pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	q->was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &q->before);
}

static void release_sigpipe(const struct quiet *q, int result)
{
	static const struct timespec at_once;
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (result == -EPIPE && !q->was_pending)
		while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

/* ---- the ways to write; each returns 0 or -errno */

/* Whether a step that failed is to be tried again: 0, or -errno. */
static int try_again(const struct sink *to)
{
	struct pollfd p = { .fd = to->fd, .events = POLLOUT };

	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	int n = poll(&p, 1, to->timeout_millis);
	if (n < 0 && errno != EINTR)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int write_all(const struct sink *to, const unsigned char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(to->fd, bytes, length);
		int r = n < 0 ? try_again(to) : 0;
		if (r < 0)
			return r;
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
			*to->done += (uint64_t)n;
		}
	}
	return 0;
}

/* What a pipe holds, through this process. */
static int write_pipe(const struct sink *to, int pipe, size_t length)
{
	unsigned char chunk[CHUNK];

	while (length > 0) {
		ssize_t n = read(pipe, chunk, length < CHUNK ? length : CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		int r = write_all(to, chunk, (size_t)n);
		if (r < 0)
			return r;
		length -= (size_t)n;
	}
	return 0;
}

static int splice_all(const struct sink *to, int pipe, size_t length)
{
	while (length > 0) {
		ssize_t n = splice(pipe, NULL, to->fd, NULL, length, SPLICE_F_MOVE);
		if (n < 0 && (errno == EINVAL || errno == ENOSYS)) /* it appends, or is of a kind that can't */
			return write_pipe(to, pipe, length);
		int r = n < 0 ? try_again(to) : n == 0 ? -EIO : 0;
		if (r < 0)
			return r;
		if (n > 0) {
			length -= (size_t)n;
			*to->done += (uint64_t)n;
		}
	}
	return 0;
}

/* What a file holds, through this process. */
static int write_file(const struct sink *to, int file, off_t at, uint64_t length)
{
	unsigned char chunk[CHUNK];

	while (length > 0) {
		ssize_t n = pread(file, chunk, length < CHUNK ? (size_t)length : CHUNK, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		int r = write_all(to, chunk, (size_t)n);
		if (r < 0)
			return r;
		at += n;
		length -= (uint64_t)n;
	}
	return 0;
}

static int is_refused(void) { return errno == EINVAL || errno == ENOSYS || errno == EXDEV || errno == EOPNOTSUPP || errno == EBADF; }

/* Between files, then to anything, then by hand: each goes on where the one before was refused. */
static int copy_all(const struct sink *to, int file, off_t at, uint64_t length)
{
	int between_files = 1;

	while (length > 0) {
		size_t some = length < MOST_AT_ONCE ? (size_t)length : MOST_AT_ONCE;
		ssize_t n = between_files ? copy_file_range(file, &at, to->fd, NULL, some, 0) : sendfile(to->fd, file, &at, some);
		if (n < 0 && is_refused()) {
			if (!between_files)
				return write_file(to, file, at, length);
			between_files = 0;
			continue;
		}
		int r = n < 0 ? try_again(to) : n == 0 ? -EIO : 0;
		if (r < 0)
			return r;
		if (n > 0) {
			length -= (uint64_t)n;
			*to->done += (uint64_t)n;
		}
	}
	return 0;
}

int sink_write(const struct sink *to, const void *bytes, size_t length)
{
	struct quiet q;

	hold_sigpipe(&q);
	int r = write_all(to, bytes, length);
	release_sigpipe(&q, r);
	return r;
}

int sink_splice(const struct sink *to, int pipe, size_t length)
{
	struct quiet q;

	hold_sigpipe(&q);
	int r = splice_all(to, pipe, length);
	release_sigpipe(&q, r);
	return r;
}

int sink_copy(const struct sink *to, int file, uint64_t offset, uint64_t length)
{
	struct quiet q;

	hold_sigpipe(&q);
	int r = copy_all(to, file, (off_t)offset, length);
	release_sigpipe(&q, r);
	return r;
}
