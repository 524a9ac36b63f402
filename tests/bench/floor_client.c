/* The client of floor_server: asks over and over and says how fast it went.
 *
 *   floor_client SOCKET CONNECTIONS SECONDS [fd|copy|sendfile] [DEPTH]
 *
 * Each connection has a thread that sends DEPTH requests at once (1 when left out), receives all replies, closes the
 * descriptors and begins anew. Times are of such a round. */
#include "floor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

enum {
	BUCKETS = 1 << 20, /* of 0.1 us each, up to 0.1 s; longer rounds count in the last one */
	NANOS_IN_BUCKET = 100,
};

static const char *path;
static enum way way = WAY_FD;
static int depth = 1;
static atomic_bool ended;
static atomic_uint_fast32_t rounds_by_time[BUCKETS];
static atomic_uint_fast64_t replies_in_all;

static uint64_t now_nanos(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void close_descriptors(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			close(fd);
		}
	}
}

static int receive_descriptors(int s)
{
	char replies[MESSAGE * MOST_DEPTH];
	size_t missing = (size_t)depth * MESSAGE;
	while (missing > 0) {
		union {
			char bytes[CMSG_SPACE(sizeof(int) * MOST_DEPTH)];
			struct cmsghdr align;
		} control;
		struct iovec bytes = {replies, missing};
		struct msghdr message = {
			.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
		ssize_t got = recvmsg(s, &message, MSG_CMSG_CLOEXEC);
		if (got <= 0)
			return -1;
		close_descriptors(&message);
		missing -= (size_t)got;
	}
	return 0;
}

static int receive_body(int s, char *buffer)
{
	uint64_t missing;
	if (recv(s, buffer, MESSAGE, MSG_WAITALL) != MESSAGE)
		return -1;
	memcpy(&missing, buffer, sizeof missing);
	while (missing > 0) {
		ssize_t got = recv(s, buffer, missing < CHUNK ? (size_t)missing : CHUNK, 0);
		if (got <= 0)
			return -1;
		missing -= (uint64_t)got;
	}
	return 0;
}

static int one_round(int s, const char *requests, char *buffer)
{
	size_t length = (size_t)depth * MESSAGE;
	if (send(s, requests, length, MSG_NOSIGNAL) != (ssize_t)length)
		return -1;
	if (way == WAY_FD)
		return receive_descriptors(s);
	for (int i = 0; i < depth; i++)
		if (receive_body(s, buffer) < 0)
			return -1;
	return 0;
}

static void *ask(void *unused)
{
	(void)unused;
	struct sockaddr_un address;
	int s = socket_for(path, &address);
	char requests[MESSAGE * MOST_DEPTH] = {0}, *buffer = malloc(CHUNK);
	uint64_t replies = 0;
	if (buffer == NULL || connect(s, (struct sockaddr *)&address, sizeof address) < 0)
		fail(path);
	for (uint64_t before = now_nanos(); !atomic_load_explicit(&ended, memory_order_relaxed);) {
		if (one_round(s, requests, buffer) < 0)
			fail("the server");
		uint64_t now = now_nanos(), bucket = (now - before) / NANOS_IN_BUCKET;
		atomic_fetch_add_explicit(&rounds_by_time[bucket < BUCKETS ? bucket : BUCKETS - 1], 1, memory_order_relaxed);
		replies += (uint64_t)depth;
		before = now;
	}
	atomic_fetch_add(&replies_in_all, replies);
	free(buffer);
	close(s);
	return NULL;
}

/* The time in us that a share of all rounds took at most. */
static double percentile(double share)
{
	uint64_t all = 0, seen = 0;
	for (size_t i = 0; i < BUCKETS; i++)
		all += rounds_by_time[i];
	for (size_t i = 0; i < BUCKETS; i++) {
		seen += rounds_by_time[i];
		if (seen > 0 && (double)seen >= (double)all * share)
			return (double)(i + 1) * NANOS_IN_BUCKET / 1e3;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int connections = argc > 2 ? atoi(argv[2]) : 0;
	double seconds = argc > 3 ? atof(argv[3]) : 0;
	if (argc > 4)
		way = way_of(argv[4]);
	if (argc > 5)
		depth = atoi(argv[5]);
	if (argc > 6 || connections < 1 || connections > 1024 || !(seconds > 0) || way == WAY_UNKNOWN || depth < 1 ||
	    depth > MOST_DEPTH) {
		fprintf(stderr, "usage: floor_client SOCKET CONNECTIONS SECONDS [fd|copy|sendfile] [DEPTH]\n");
		return 2;
	}
	path = argv[1];
	pthread_t threads[1024];
	uint64_t start = now_nanos();
	for (int i = 0; i < connections; i++)
		if (pthread_create(&threads[i], NULL, ask, NULL) != 0)
			fail("pthread_create");
	struct timespec wait = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
	nanosleep(&wait, NULL);
	ended = true;
	for (int i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	double elapsed = (double)(now_nanos() - start) / 1e9;
	printf("%s connections=%d depth=%d ops/s=%.0f p50=%.2fus p99=%.2fus p999=%.2fus\n", argc > 4 ? argv[4] : "fd",
	       connections, depth, (double)replies_in_all / elapsed, percentile(0.5), percentile(0.99), percentile(0.999));
	return 0;
}
