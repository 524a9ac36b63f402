#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"
#include "usage.h"

enum {
	MOST_CONNECTIONS = 1024,
	/* A bucket for each nanosecond up to 128, then 128 for each power of two: times are known to within 1 %. */
	IN_POWER = 128,
	BITS_IN_POWER = 7,
	BUCKETS = (64 - BITS_IN_POWER + 1) * IN_POWER,
};

struct asker {
	pthread_t thread;
	const struct load *load;
	uint64_t replies;
	uint32_t rounds_by_time[BUCKETS];
};

enum phase { WARMING_UP, COUNTING, ENDED };

static atomic_int phase;
static double warm_up_seconds;
static uint64_t spin_nanos;
static bool prints_times;

static uint64_t now_nanos(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wait_seconds(double seconds)
{
	time_t whole = (time_t)seconds;
	struct timespec wait = {whole, (long)((seconds - (double)whole) * 1e9)};
	nanosleep(&wait, NULL);
}

/* ---- receiving */

static ssize_t receive(int s, struct msghdr *message)
{
	for (uint64_t began = spin_nanos > 0 ? now_nanos() : 0; began > 0 && now_nanos() - began < spin_nanos; sched_yield()) {
		ssize_t got = recvmsg(s, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (got >= 0 || errno != EAGAIN)
			return got;
	}
	return recvmsg(s, message, MSG_CMSG_CLOEXEC);
}

ssize_t load_receive(int s, void *bytes, size_t length)
{
	struct iovec into = {bytes, length};
	return receive(s, &(struct msghdr){.msg_iov = &into, .msg_iovlen = 1});
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

ssize_t load_receive_descriptors(int s, void *bytes, size_t length, unsigned *count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MOST_DEPTH)];
		struct cmsghdr align;
	} control;
	struct iovec into = {bytes, length};
	struct msghdr message = {
		.msg_iov = &into, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got = receive(s, &message);
	if (got > 0)
		*count += close_descriptors(&message);
	return got;
}

/* ---- times */

static size_t bucket_of(uint64_t nanos)
{
	if (nanos < IN_POWER)
		return (size_t)nanos;
	unsigned power = 63 - (unsigned)__builtin_clzll(nanos) - BITS_IN_POWER;
	return (size_t)power * IN_POWER + (size_t)(nanos >> power);
}

/* The longest time that counts in a bucket. */
static uint64_t nanos_of(size_t bucket)
{
	if (bucket < 2 * IN_POWER)
		return bucket;
	unsigned power = (unsigned)(bucket / IN_POWER) - 1;
	return (((uint64_t)(bucket % IN_POWER + IN_POWER) + 1) << power) - 1;
}

/* The time in us that a share of all rounds took at most. */
static double percentile_micros(const uint64_t *rounds_by_time, double share)
{
	uint64_t all = 0, seen = 0;
	for (size_t i = 0; i < BUCKETS; i++)
		all += rounds_by_time[i];
	for (size_t i = 0; i < BUCKETS; i++) {
		seen += rounds_by_time[i];
		if (seen > 0 && (double)seen >= (double)all * share)
			return (double)nanos_of(i) / 1e3;
	}
	return 0;
}

static void print_times(const uint64_t *rounds_by_time)
{
	printf("times");
	for (size_t i = 0; i < BUCKETS; i++)
		if (rounds_by_time[i] > 0)
			printf(" %" PRIu64 ":%" PRIu64, nanos_of(i), rounds_by_time[i]);
	printf("\n");
}

/* ---- the run */

static void *ask(void *argument)
{
	struct asker *asker = argument;
	const struct load *load = asker->load;
	void *connection = load->open();
	uint64_t before = now_nanos();
	int then;
	do {
		if (load->round(connection) < 0)
			fail("the server");
		uint64_t now = now_nanos();
		then = atomic_load_explicit(&phase, memory_order_relaxed);
		if (then != WARMING_UP) {
			asker->rounds_by_time[bucket_of(now - before)]++;
			asker->replies += (uint64_t)load->depth;
		}
		before = now;
	} while (then != ENDED);
	load->close(connection);
	return NULL;
}

static void check(const struct load *load)
{
	if (load->connections >= 1 && load->connections <= MOST_CONNECTIONS && load->seconds > 0 && load->depth >= 1 &&
	    load->depth <= MOST_DEPTH)
		return;
	fprintf(stderr, "1 to %d connections, 1 to %d requests in a round, and more than 0 seconds\n", MOST_CONNECTIONS,
	        MOST_DEPTH);
	exit(2);
}

static struct asker *begin_askers(const struct load *load)
{
	struct asker *askers = calloc((size_t)load->connections, sizeof *askers);
	if (askers == NULL)
		fail("calloc");
	for (int i = 0; i < load->connections; i++) {
		askers[i].load = load;
		if (pthread_create(&askers[i].thread, NULL, ask, &askers[i]) != 0)
			fail("pthread_create");
	}
	return askers;
}

/* Adds up what the askers have counted, and returns how many replies there were. */
static uint64_t end_askers(struct asker *askers, int count, uint64_t *rounds_by_time)
{
	uint64_t replies = 0;
	phase = ENDED;
	for (int i = 0; i < count; i++) {
		pthread_join(askers[i].thread, NULL);
		replies += askers[i].replies;
		for (size_t k = 0; k < BUCKETS; k++)
			rounds_by_time[k] += askers[i].rounds_by_time[k];
	}
	free(askers);
	return replies;
}

void load_run(const struct load *load)
{
	static uint64_t rounds_by_time[BUCKETS];
	check(load);
	pid_t server = load->server == NULL ? 0 : usage_listener(load->server);
	struct asker *askers = begin_askers(load);
	wait_seconds(warm_up_seconds);
	struct usage used_before = usage_of(server);
	uint64_t start = now_nanos();
	phase = COUNTING;
	wait_seconds(load->seconds);
	struct usage used = usage_of(server);
	double replies = (double)end_askers(askers, load->connections, rounds_by_time);
	double elapsed = (double)(now_nanos() - start) / 1e9;
	printf("%s connections=%d depth=%d ops/s=%.0f p50=%.2fus p99=%.2fus p999=%.2fus", load->name, load->connections,
	       load->depth, replies / elapsed, percentile_micros(rounds_by_time, 0.5),
	       percentile_micros(rounds_by_time, 0.99), percentile_micros(rounds_by_time, 0.999));
	if (server != 0)
		printf(" cpu=%.3fus switches=%.3f", (double)(used.cpu_nanos - used_before.cpu_nanos) / 1e3 / replies,
		       (double)(used.switches - used_before.switches) / replies);
	printf("\n");
	if (prints_times)
		print_times(rounds_by_time);
}

int load_options(int argc, char **argv)
{
	for (int option; (option = getopt(argc, argv, "+w:s:t")) != -1;) {
		if (option == 'w')
			warm_up_seconds = atof(optarg);
		else if (option == 's')
			spin_nanos = (uint64_t)(atof(optarg) * 1e3);
		else if (option == 't')
			prints_times = true;
		else
			exit(2);
	}
	return optind - 1;
}
