#include "load.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"
#include "times.h"
#include "usage.h"

enum { MOST_CONNECTIONS = 1024 };

struct asker {
	pthread_t thread;
	const struct load *load;
	uint64_t replies;
	struct times rounds;
};

enum phase { WARMING_UP, COUNTING, ENDED };

static atomic_int phase;
static double warm_up_seconds;
static uint64_t spin_nanos;
static bool prints_times;

static void wait_seconds(double seconds)
{
	time_t whole = (time_t)seconds;
	struct timespec wait = {whole, (long)((seconds - (double)whole) * 1e9)};
	nanosleep(&wait, NULL);
}

/* ---- receiving */

static ssize_t receive(int s, struct msghdr *message)
{
	for (uint64_t began = spin_nanos > 0 ? times_now() : 0; began > 0 && times_now() - began < spin_nanos; sched_yield()) {
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

ssize_t load_receive_parts(int s, void *first, size_t first_length, void *second, size_t second_length)
{
	struct iovec into[] = {{first, first_length}, {second, second_length}};
	return receive(s, &(struct msghdr){.msg_iov = into, .msg_iovlen = 2});
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

/* ---- the run */

static void *ask(void *argument)
{
	struct asker *asker = argument;
	const struct load *load = asker->load;
	void *connection = load->open();
	uint64_t before = times_now();
	int then;
	do {
		if (load->round(connection) < 0)
			fail("the server");
		uint64_t now = times_now();
		then = atomic_load_explicit(&phase, memory_order_relaxed);
		if (then != WARMING_UP) {
			times_add(&asker->rounds, now - before);
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
static uint64_t end_askers(struct asker *askers, int count, struct times *rounds)
{
	uint64_t replies = 0;
	phase = ENDED;
	for (int i = 0; i < count; i++) {
		pthread_join(askers[i].thread, NULL);
		replies += askers[i].replies;
		times_add_all(rounds, &askers[i].rounds);
	}
	free(askers);
	return replies;
}

void load_run(const struct load *load)
{
	static struct times rounds;
	check(load);
	pid_t server = load->server == NULL ? 0 : usage_listener(load->server);
	struct asker *askers = begin_askers(load);
	wait_seconds(warm_up_seconds);
	struct usage used_before = usage_of(server);
	uint64_t start = times_now();
	phase = COUNTING;
	wait_seconds(load->seconds);
	struct usage used = usage_of(server);
	double replies = (double)end_askers(askers, load->connections, &rounds);
	double elapsed = (double)(times_now() - start) / 1e9;
	printf("%s connections=%d depth=%d ops/s=%.2f p50=%.3fus p99=%.3fus p999=%.3fus", load->name, load->connections,
	       load->depth, replies / elapsed, times_micros(&rounds, 0.5),
	       times_micros(&rounds, 0.99), times_micros(&rounds, 0.999));
	if (server != 0)
		printf(" cpu=%.3fus switches=%.3f", (double)(used.cpu_nanos - used_before.cpu_nanos) / 1e3 / replies,
		       (double)(used.switches - used_before.switches) / replies);
	printf("\n");
	if (prints_times)
		times_print(&rounds);
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
