#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cache/cache_varnishd.h"
#include "vtim.h"

#include "disk.h"
#include "loaded.h"
#include "prefetch.h"
#include "store.h"

enum { STEP = 256 * 1024 }; /* bytes that are waited for at once */

/* ---- disks that hang */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the stores' breakers */

const char *disk_refuses(struct vmod_objmapper_store *store)
{
	AZ(pthread_mutex_lock(&lock));
	int is_asked = breaker_allows(&store->disk, VTIM_mono());
	AZ(pthread_mutex_unlock(&lock));
	return (is_asked ? NULL : "its disk has hung too often; it is tried again in a second");
}

const char *disk_answered(struct vmod_objmapper_store *store, enum prefetched result, int error)
{
	AZ(pthread_mutex_lock(&lock));
	breaker_count(&store->disk, result == PREFETCH_HUNG, VTIM_mono());
	AZ(pthread_mutex_unlock(&lock));
	if (result == PREFETCH_HUNG)
		return ("its disk hangs");
	return (result == PREFETCH_FAILED && error != EINVAL ? strerror(error) : NULL); /* EINVAL: a file system that can't have it read first */
}

void disk_tell(struct busyobj *bo, struct vmod_objmapper_store *store, const char *why)
{
	VSLb(bo->vsl, SLT_VCL_Log, "objmapper: miss, the stored body can't be had: %s", why);
	COUNT(store, unreadable);
}

/* ---- reading */

/* Without waiting for a disk. Where it can't be said whether one would be waited for, memory is known by the seals that it may have. */
static ssize_t read_what_is_there(int fd, off_t at, void *to, size_t room)
{
	struct iovec iov = { .iov_base = to, .iov_len = room };
	ssize_t n = preadv2(fd, &iov, 1, at, RWF_NOWAIT);

	if (n >= 0 || errno != EOPNOTSUPP)
		return (n);
	if (fcntl(fd, F_GET_SEALS) >= 0)
		return (pread(fd, to, room, at));
	errno = EAGAIN;
	return (-1);
}

/* Has a thread read it that may hang. NULL where it is there then. */
static const char *bring(struct vmod_objmapper_store *store, int fd, uint64_t at, uint64_t length)
{
	const struct prefetch_patience patience = { .whole_millis = store->body_millis, .progress_millis = store->body_millis };
	const vtim_mono end = VTIM_mono() + store->body_millis / 1000.;
	enum prefetched result;

	stay_loaded();
	/* What finds no thread free waits for one. Where none gets free though they come forward, it is read without: the disk is busy, and does not hang. */
	while ((result = prefetch(NULL, fd, at, length, &patience)) == PREFETCH_SLOW && VTIM_mono() < end)
		VTIM_sleep(0.01);
	return (disk_answered(store, result, errno));
}

static int is_cold(ssize_t n)
{
	return (n < 0 && errno == EAGAIN);
}

const char *disk_begin(struct vmod_objmapper_store *store, const om_reply *reply)
{
	char byte;

	if (reply->fd < 0 || reply->length == 0 || !is_cold(read_what_is_there(reply->fd, (off_t)reply->fd_offset, &byte, 1)))
		return (NULL);
	const char *why = disk_refuses(store);
	return (why != NULL ? why : bring(store, reply->fd, reply->fd_offset, reply->length < STEP ? reply->length : STEP));
}

ssize_t disk_read(struct vmod_objmapper_store *store, const om_reply *reply, uint64_t offset, void *to, size_t room, const char **why)
{
	const uint64_t at = reply->fd_offset + offset;
	ssize_t n = read_what_is_there(reply->fd, (off_t)at, to, room);

	*why = NULL;
	if (is_cold(n)) {
		if (room > STEP)
			room = STEP;
		*why = bring(store, reply->fd, at, room);
		if (*why != NULL)
			return (-1);
		do
			n = pread(reply->fd, to, room, (off_t)at);
		while (n < 0 && errno == EINTR);
	}
	if (n < 0)
		*why = strerror(errno);
	return (n);
}
