#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#include "mapping.h"
#include "prefetch.h"

enum { STEP = 2 << 20, IDLE_SECONDS = 10 };

/* A body to be read. It is the asker's until it is abandoned, and then the thread's. */
struct job {
	struct job *next;
	struct mapping *mapping; /* or NULL */
	int fd; /* of its own */
	uint64_t offset, length, done;
	double progress_at;
	int is_abandoned, is_over, error;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t posted, progressed;
static struct job *waiting;
static unsigned waiting_count, idle, threads;
static double last_progress; /* of any job */

static void begin(void)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&posted, &monotonic);
	pthread_cond_init(&progressed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* With the lock held. */
static int wait_until(pthread_cond_t *condition, double end)
{
	struct timespec t = { (time_t)end, (long)((end - (double)(time_t)end) * 1e9) };
	return pthread_cond_timedwait(condition, &lock, &t);
}

/* ---- the threads */

/* Into the page cache first, by a call that holds nothing of this process's memory while a disk hangs. A file system that knows no such call goes the second way alone. */
static int read_step(const struct job *job, int nowhere, uint64_t length)
{
	off_t at = (off_t)(job->offset + job->done);
	int is_read = 1;

	for (uint64_t left = length; left > 0;) {
		ssize_t n = sendfile(nowhere, job->fd, &at, (size_t)left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EINVAL || errno == ENOSYS)) {
			is_read = 0;
			break;
		}
		if (n <= 0) {
			if (n == 0)
				errno = ENODATA; /* it is cut off */
			return -1;
		}
		left -= (uint64_t)n;
	}
	if (job->mapping != NULL)
		return mapping_populate(job->mapping, job->done, length);
	errno = EINVAL;
	return is_read ? 0 : -1;
}

/* Whether to go on. */
static int note_progress(struct job *job, uint64_t length)
{
	pthread_mutex_lock(&lock);
	job->done += length;
	last_progress = job->progress_at = now();
	int is_wanted = !job->is_abandoned;
	pthread_cond_broadcast(&progressed);
	pthread_mutex_unlock(&lock);
	return is_wanted;
}

/* 0, or what went wrong. */
static int read_all(struct job *job, int nowhere)
{
	while (job->done < job->length) {
		uint64_t step = job->length - job->done < STEP ? job->length - job->done : STEP;
		if (read_step(job, nowhere, step) < 0)
			return errno;
		if (!note_progress(job, step))
			break;
	}
	return 0;
}

static void free_job(struct job *job)
{
	close(job->fd);
	mapping_drop(job->mapping);
	free(job);
}

static void finish(struct job *job, int error)
{
	pthread_mutex_lock(&lock);
	job->is_over = 1;
	job->error = error;
	int is_abandoned = job->is_abandoned;
	pthread_cond_broadcast(&progressed);
	pthread_mutex_unlock(&lock);
	if (is_abandoned)
		free_job(job);
}

/* The next job; NULL where none has come for a while: then the thread is counted no more. */
static struct job *next_job(void)
{
	const double end = now() + IDLE_SECONDS;
	struct job *job;

	pthread_mutex_lock(&lock);
	idle++;
	while (waiting == NULL && wait_until(&posted, end) == 0) {
	}
	idle--;
	job = waiting;
	if (job != NULL) {
		waiting = job->next;
		waiting_count--;
	} else {
		threads--;
	}
	pthread_mutex_unlock(&lock);
	return job;
}

static void *work(void *unused)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct job *job;

	(void)unused;
	while ((job = next_job()) != NULL)
		finish(job, nowhere < 0 ? EINVAL : read_all(job, nowhere));
	if (nowhere >= 0)
		close(nowhere);
	return NULL;
}

/* With the lock held. */
static int start_thread(void)
{
	pthread_attr_t detached;
	pthread_t thread;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	int error = pthread_create(&thread, &detached, work, NULL);
	pthread_attr_destroy(&detached);
	if (error == 0)
		threads++;
	return error;
}

/* ---- who asks */

/* 0, or -1 where there is no thread for it. */
static int post(struct job *job)
{
	pthread_mutex_lock(&lock);
	int has_thread = idle > waiting_count || (threads < PREFETCH_THREADS && start_thread() == 0);
	if (has_thread) {
		job->next = waiting;
		waiting = job;
		waiting_count++;
		pthread_cond_signal(&posted);
	}
	pthread_mutex_unlock(&lock);
	return has_thread ? 0 : -1;
}

/* With the lock held. Late, one more step tells a disk that is slow from one that hangs. */
static enum prefetched await(const struct job *job, double began, const struct prefetch_patience *patience)
{
	const double in_time = began + patience->whole_millis / 1000.;
	uint64_t done_in_time = 0;

	while (!job->is_over) {
		const double time = now();
		const double hung = job->progress_at + patience->progress_millis / 1000.;
		if (time < in_time)
			done_in_time = job->done;
		else if (job->done > done_in_time)
			return PREFETCH_SLOW;
		if (time >= hung)
			return PREFETCH_HUNG;
		wait_until(&progressed, time < in_time && in_time < hung ? in_time : hung);
	}
	return job->error == 0 ? PREFETCH_DONE : PREFETCH_FAILED;
}

static enum prefetched without_thread(const struct prefetch_patience *patience)
{
	pthread_mutex_lock(&lock);
	int is_hung = now() >= last_progress + patience->progress_millis / 1000.;
	pthread_mutex_unlock(&lock);
	return is_hung ? PREFETCH_HUNG : PREFETCH_SLOW;
}

enum prefetched prefetch(struct mapping *mapping, int fd, uint64_t offset, uint64_t length, const struct prefetch_patience *patience)
{
	const double began = now();
	struct job *job = calloc(1, sizeof *job);

	pthread_once(&once, begin);
	if (job == NULL)
		return PREFETCH_FAILED;
	job->offset = offset;
	job->length = length;
	job->progress_at = began;
	job->mapping = mapping;
	if (mapping != NULL)
		mapping_hold(mapping);
	job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (job->fd < 0 || post(job) < 0) {
		int has_descriptor = job->fd >= 0;
		if (has_descriptor)
			close(job->fd);
		mapping_drop(mapping);
		free(job);
		return has_descriptor ? without_thread(patience) : PREFETCH_SLOW;
	}
	pthread_mutex_lock(&lock);
	enum prefetched result = await(job, began, patience);
	int is_over = job->is_over, error = job->error;
	job->is_abandoned = 1;
	pthread_mutex_unlock(&lock);
	if (is_over)
		free_job(job);
	errno = error;
	return result;
}
