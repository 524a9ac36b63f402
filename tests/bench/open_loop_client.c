/* Offers requests at a rate, whether the server keeps up or not.
 *
 *   open_loop_client SOCKET CONNECTIONS SECONDS get|durable RATE KEY
 *
 * Each connection has its part of RATE requests a second to send, at even distances: GETs of KEY, or durable PUTs of 1 KiB under keys that
 * begin with KEY. Two threads send and receive for all of them: one for each would keep the server from the processors. Times are from when
 * a request was to be sent, so that one that had to wait for its turn counts as late; those of BUSY from when all of it was sent, since they
 * are to tell how soon the server refuses, and not how late this client was. It can still be late to read an answer, where it waits for a
 * processor or is busy with others: busyleast is the same less what the thread waited meanwhile. Ends when all is answered that was sent in
 * SECONDS, and counts until then. Prints
 * "open connections=C offered=N ops/s=N p50=Nus p99=Nus p999=Nus busy/s=N busyp99=Nus busyleast=Nus": what was answered OK, and BUSY. */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <objmapper.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "times.h"

enum {
	THREADS = 2,
	MOST_CONNECTIONS = 256,
	MOST_IN_FLIGHT = 4096, /* a connection that has more waits, and all that it sends then is late */
	SLOTS = MOST_IN_FLIGHT * 2,
	MOST_KEY = 4096,
	STORED = 1024,
	MOST_DESCRIPTORS = 253,
};

static const char *path, *key;
static bool durable;
static double seconds, interval_nanos;

struct driver {
	pthread_t thread;
	int schedstat; /* of the thread */
	int count;
	struct connection *connections[MOST_CONNECTIONS];
	struct pollfd sockets[MOST_CONNECTIONS];
	struct times ok, busy, busy_least;
};

struct connection {
	struct driver *driver;
	om_context *context;
	int socket, number;
	char key[MOST_KEY];
	uint64_t began, next, end;             /* when it began, when the next request is to be sent, and when none is any more */
	uint64_t asked, sent, answered;
	uint64_t bytes_sent;
	struct request {
		uint64_t ends; /* which byte of all that is sent comes behind it */
		uint64_t intended, sent, waited;
	} requests[SLOTS]; /* by id, which are consecutive */
	uint32_t next_sent; /* the id of the first request that is not sent as a whole */
	char buffer[CHUNK];
};

static void fail_by(const struct connection *c, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", path, what, c->context->errstr);
	exit(1);
}

/* How long the thread has waited for a processor since it began; 0 where the kernel does not say. */
static uint64_t waited(const struct driver *d)
{
	char text[128];
	ssize_t length = pread(d->schedstat, text, sizeof text - 1, 0);
	char *second;
	if (length <= 0)
		return 0;
	text[length] = '\0';
	strtoull(text, &second, 10);
	return strtoull(second, NULL, 10);
}

static void append(struct connection *c)
{
	static const char body[STORED];
	om_put_options options = {.durable = 1};
	uint32_t id;
	size_t unsent;
	if ((durable ? om_append_put(c->context, c->key, strlen(c->key), body, STORED, &options, &id)
	             : om_append_get(c->context, key, strlen(key), NULL, &id)) < 0)
		fail_by(c, "append");
	om_output(c->context, &unsent);
	c->requests[id % SLOTS] = (struct request){.ends = c->bytes_sent + unsent, .intended = c->next};
	if (c->asked++ == 0)
		c->next_sent = id;
	c->next = c->began + (uint64_t)((double)c->asked * interval_nanos);
}

/* Writes down when it was sent for each request that is. */
static void note_sent(struct connection *c)
{
	uint64_t now = times_now(), own = waited(c->driver);
	for (; c->sent < c->asked && c->requests[c->next_sent % SLOTS].ends <= c->bytes_sent; c->sent++, c->next_sent++) {
		c->requests[c->next_sent % SLOTS].sent = now;
		c->requests[c->next_sent % SLOTS].waited = own;
	}
}

static void send_what_can_be(struct connection *c)
{
	size_t length;
	const void *bytes;
	while ((bytes = om_output(c->context, &length)) != NULL) {
		ssize_t sent = send(c->socket, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0)
			fail("send");
		om_output_sent(c->context, (size_t)sent);
		c->bytes_sent += (uint64_t)sent;
		note_sent(c);
	}
}

static bool receive(struct connection *c)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MOST_DESCRIPTORS)];
		struct cmsghdr align;
	} control;
	int fds[MOST_DESCRIPTORS];
	size_t count = 0;
	struct iovec into = {c->buffer, CHUNK};
	struct msghdr message = {
		.msg_iov = &into, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got = recvmsg(c->socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0)
		fail("the server");
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header != NULL) {
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(header), count * sizeof(int));
	}
	if (om_input(c->context, c->buffer, (size_t)got, fds, count) < 0)
		fail_by(c, "input");
	return true;
}

static void take_replies(struct connection *c)
{
	struct driver *d = c->driver;
	uint64_t received = times_now(), own = waited(d);
	for (om_reply *reply; (reply = om_get_reply(c->context)) != NULL; om_reply_free(reply)) {
		const struct request *request = &c->requests[reply->id % SLOTS];
		if (reply->status == OM_OK) {
			times_add(&d->ok, received - request->intended);
		} else if (reply->status == OM_BUSY) {
			uint64_t took = received - request->sent, late = own - request->waited;
			times_add(&d->busy, took);
			times_add(&d->busy_least, late < took ? took - late : 0);
		} else {
			fail_by(c, om_status_name(reply->status));
		}
		c->answered++;
	}
	if (c->context->err != 0)
		fail_by(c, "reply");
}

/* How many nanoseconds are left until the connection has a request to send, whatever it receives. */
static uint64_t time_left(const struct connection *c, uint64_t now)
{
	bool waits = now >= c->end || c->asked - c->answered >= MOST_IN_FLIGHT;
	return waits ? 100000000 : c->next > now ? c->next - now : 0;
}

/* Waits until there is something to receive, room to send, or time for the next request. */
static void wait_for_work(struct driver *d)
{
	uint64_t now = times_now(), nanos = UINT64_MAX;
	for (int i = 0; i < d->count; i++) {
		struct connection *c = d->connections[i];
		size_t unsent = 0;
		om_output(c->context, &unsent);
		d->sockets[i] = (struct pollfd){c->socket, (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)), 0};
		uint64_t left = time_left(c, now);
		nanos = left < nanos ? left : nanos;
	}
	struct timespec wait = {(time_t)(nanos / 1000000000), (long)(nanos % 1000000000)};
	ppoll(d->sockets, (nfds_t)d->count, &wait, NULL);
}

/* Sends what is due; false once all is answered and nothing more is to be sent. */
static bool send_what_is_due(struct connection *c)
{
	while (c->next <= times_now() && c->next < c->end && c->asked - c->answered < MOST_IN_FLIGHT)
		append(c);
	send_what_can_be(c);
	return times_now() < c->end || c->answered < c->asked;
}

/* The same of all connections; false once none has more to send or to receive. */
static bool send_what_is_due_of(struct driver *d)
{
	bool goes_on = false;
	for (int i = 0; i < d->count; i++)
		goes_on |= send_what_is_due(d->connections[i]);
	return goes_on;
}

static void *offer(void *driver)
{
	struct driver *d = driver;
	d->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < d->count; i++) {
		struct connection *c = d->connections[i];
		c->began = c->next = times_now() + (uint64_t)(interval_nanos * c->number / MOST_CONNECTIONS);
		c->end = c->began + (uint64_t)(seconds * 1e9);
	}
	while (send_what_is_due_of(d)) {
		wait_for_work(d);
		for (int i = 0; i < d->count; i++)
			while (d->sockets[i].revents != 0 && receive(d->connections[i]))
				take_replies(d->connections[i]);
	}
	if (d->schedstat >= 0)
		close(d->schedstat);
	return NULL;
}

static struct connection *connect_one(int number)
{
	om_options options = {.mode = OM_AUTO, .shared_accepted = 1, .name = "open_loop_client"};
	struct sockaddr_un address;
	struct connection *c = calloc(1, sizeof *c);
	if (c == NULL || (c->context = om_detached(&options)) == NULL)
		fail("calloc");
	c->number = number;
	snprintf(c->key, sizeof c->key, "%s/%d", key, number);
	c->socket = socket_for(path, &address);
	if (connect(c->socket, (struct sockaddr *)&address, sizeof address) < 0)
		fail(path);
	return c;
}

int main(int argc, char **argv)
{
	static struct driver drivers[THREADS];
	static struct times ok, busy, busy_least;
	int count = argc == 7 ? atoi(argv[2]) : 0;
	durable = argc == 7 && strcmp(argv[4], "durable") == 0;
	if (count < 1 || count > MOST_CONNECTIONS || atof(argv[5]) <= 0 || (!durable && strcmp(argv[4], "get") != 0)) {
		fprintf(stderr, "usage: open_loop_client SOCKET CONNECTIONS SECONDS get|durable RATE KEY\n");
		return 2;
	}
	path = argv[1];
	seconds = atof(argv[3]);
	interval_nanos = 1e9 * count / atof(argv[5]);
	key = argv[6];
	for (int i = 0; i < count; i++) {
		struct driver *d = &drivers[i % THREADS];
		d->connections[d->count] = connect_one(i);
		d->connections[d->count++]->driver = d;
	}
	uint64_t began = times_now();
	for (struct driver *d = drivers; d < drivers + THREADS; d++)
		if (pthread_create(&d->thread, NULL, offer, d) != 0)
			fail("pthread_create");
	for (struct driver *d = drivers; d < drivers + THREADS; d++) {
		pthread_join(d->thread, NULL);
		times_add_all(&ok, &d->ok);
		times_add_all(&busy, &d->busy);
		times_add_all(&busy_least, &d->busy_least);
	}
	seconds = (double)(times_now() - began) / 1e9;
	for (int i = 0; i < count; i++) {
		struct connection *c = drivers[i % THREADS].connections[i / THREADS];
		close(c->socket);
		om_free(c->context);
		free(c);
	}
	printf("open connections=%d offered=%s ops/s=%.2f p50=%.2fus p99=%.2fus p999=%.2fus busy/s=%.0f busyp99=%.2fus busyleast=%.2fus\n", count,
	       argv[5], (double)times_count(&ok) / seconds, times_micros(&ok, 0.5),
	       times_micros(&ok, 0.99), times_micros(&ok, 0.999), (double)times_count(&busy) / seconds,
	       times_micros(&busy, 0.99), times_micros(&busy_least, 0.99));
	return 0;
}
