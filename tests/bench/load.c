#include "load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"

enum {
	BUCKETS = 1 << 20, /* of 0.1 us each, up to 0.1 s; longer rounds count in the last one */
	NANOS_IN_BUCKET = 100,
	MOST_CONNECTIONS = 1024,
};

static atomic_bool ended;
static atomic_uint_fast32_t rounds_by_time[BUCKETS];
static atomic_uint_fast64_t replies_in_all;

static uint64_t now_nanos(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned close_descriptors(struct msghdr *message)
{
	unsigned closed = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++, closed++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			close(fd);
		}
	}
	return closed;
}

ssize_t load_receive(int s, void *bytes, size_t length, unsigned *count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MOST_DEPTH)];
		struct cmsghdr align;
	} control;
	struct iovec into = {bytes, length};
	struct msghdr message = {
		.msg_iov = &into, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got = recvmsg(s, &message, MSG_CMSG_CLOEXEC);
	if (got > 0)
		*count += close_descriptors(&message);
	return got;
}

static void *ask(void *argument)
{
	const struct load *load = argument;
	void *connection = load->open();
	uint64_t replies = 0;
	for (uint64_t before = now_nanos(); !atomic_load_explicit(&ended, memory_order_relaxed);) {
		if (load->round(connection) < 0)
			fail("the server");
		uint64_t now = now_nanos(), bucket = (now - before) / NANOS_IN_BUCKET;
		atomic_fetch_add_explicit(&rounds_by_time[bucket < BUCKETS ? bucket : BUCKETS - 1], 1, memory_order_relaxed);
		replies += (uint64_t)load->depth;
		before = now;
	}
	atomic_fetch_add(&replies_in_all, replies);
	load->close(connection);
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

void load_run(const char *name, const struct load *load)
{
	int connections = load->connections;
	if (connections < 1 || connections > MOST_CONNECTIONS || !(load->seconds > 0) || load->depth < 1 ||
	    load->depth > MOST_DEPTH) {
		fprintf(stderr, "1 to %d connections, 1 to %d requests in a round, and more than 0 seconds\n", MOST_CONNECTIONS,
		        MOST_DEPTH);
		exit(2);
	}
	pthread_t threads[MOST_CONNECTIONS];
	uint64_t start = now_nanos();
	for (int i = 0; i < connections; i++)
		if (pthread_create(&threads[i], NULL, ask, (void *)load) != 0)
			fail("pthread_create");
	time_t whole = (time_t)load->seconds;
	struct timespec wait = {whole, (long)((load->seconds - (double)whole) * 1e9)};
	nanosleep(&wait, NULL);
	ended = true;
	for (int i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	double elapsed = (double)(now_nanos() - start) / 1e9;
	printf("%s connections=%d depth=%d ops/s=%.0f p50=%.2fus p99=%.2fus p999=%.2fus\n", name, connections, load->depth,
	       (double)replies_in_all / elapsed, percentile(0.5), percentile(0.99), percentile(0.999));
}
